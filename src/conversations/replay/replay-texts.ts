/** What differs between two runs of the same program, and what takes its place. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  // Secrets that an export has masked are masked where a program prints them, too.
  [/<secret-hidden>/g, '**********'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?/g, '<time>'],
  [
    /\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} {1,2}(?:\d\d:\d\d(?::\d\d)?|\d{4})\b/g,
    '<time>',
  ],
  [/\b\d\d:\d\d:\d\d(?:\.\d{1,9})?\b/g, '<time>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b[0-9a-f]{40}\b/g, '<hash>'],
  [/(\[[^\s\]]{1,100} (?:\(root-commit\) )?)[0-9a-f]{7,12}\]/g, '$1<hash>]'],
  [/\b0x[0-9a-f]{6,16}\b/gi, '<address>'],
  [/\b(pid)([ =:]{1,3})\d{1,10}\b/gi, '$1$2<pid>'],
  [/^(\[\d{1,4}\]) \d{1,10}$/gm, '$1 <pid>'],
  [/\/tmp\/[\w.-]{0,100}?[\w]{6,16}(?=$|[\s/"':,)])/gm, '/tmp/<temporary>'],
  [/\b\d{1,9}(?:\.\d{1,9})? ?(?:ms|seconds|secs?|s)\b/g, '<duration>'],
];

/** How a line begins that says something about the machine, not about the command. */
const OF_MACHINE = '[Python interpreter: ';

/** Sections of prompts that say where and when a conversation runs, not what its agent is told. */
const SURROUNDINGS = ['SANDBOX', 'CURRENT_DATETIME'];
/** The section with the texts of memory files. */
const MEMORY = 'MEMORY_CONTEXT';

/** Takes out of a text what differs between two runs of the same program: times, ids of processes, … */
export function withoutVolatile(text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith(OF_MACHINE));
  return VOLATILE.reduce((rest, [pattern, name]) => rest.replace(pattern, name), lines.join('\n'));
}

/** Takes out of a prompt what says where and when the conversation runs. */
export function withoutSurroundings(prompt: string): string {
  return SURROUNDINGS.reduce(withoutSection, prompt).trim();
}

/** Takes the texts of memory files out of a prompt. */
export function withoutMemory(prompt: string): string {
  return withoutSection(prompt, MEMORY);
}

function withoutSection(text: string, tag: string): string {
  const [open, close] = [`<${tag}>\n`, `\n</${tag}>`];
  const start = text.indexOf(open);
  const end = start === -1 ? -1 : text.indexOf(close, start);
  if (end === -1) return text;
  return [text.slice(0, start).trimEnd(), text.slice(end + close.length).trimStart()]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Before a path: no part of a name, or an escape, as in arguments of calls, which are JSON in a text. */
const START = '(?:(?<![\\w.-])|(?<=\\\\[bfnrt]))';

/** Replaces a folder in texts by another one: in paths, not in longer names that begin alike. */
export class FolderMapping {
  private readonly pattern: RegExp | undefined;

  constructor(
    from: string,
    private readonly to: string,
  ) {
    // Every absolute path is below the root.
    if (from.length > 1) this.pattern = new RegExp(`${START}${escape(from)}(?![\\w-]|\\.\\w)`, 'g');
  }

  apply(text: string): string {
    return this.pattern === undefined ? text : text.replace(this.pattern, () => this.to);
  }

  /** In the texts of a JSON value. */
  applyTo<T>(value: T): T {
    return JSON.parse(JSON.stringify(value), (_name, item: unknown) =>
      typeof item === 'string' ? this.apply(item) : item,
    ) as T;
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
