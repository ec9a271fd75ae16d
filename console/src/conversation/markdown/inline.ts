/** A part of a line of text. */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'code'; text: string }
  | { type: 'break' }
  | { type: 'strong' | 'emphasis' | 'deleted'; children: Inline[] }
  | { type: 'link'; url: string; children: Inline[] };

/** Most delimiters (`**`, `[`) that wait for their end: bounds the nesting and the time. */
const MAX_OPEN = 16;
/** Most marks of a text: each becomes an element, and lines with thousands are slow to lay out. */
const MAX_MARKS = 800;
const MAX_URL = 1000;
const URL_START = /^(https?:\/\/|mailto:)/i;
const BARE_URL = /https?:\/\/[^\s<>"'`\\^{|}]{1,1000}/iy;
const ANGLE_URL = /<((?:https?:\/\/|mailto:)[^\s<>]{1,1000})>/iy;
const DESTINATION =
  /\((?:<([^\s<>]{0,1000})>|([^\s()<>]{0,500}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,300})?))(?:\s{1,5}"[^"\n]{0,200}")?\)/y;
const PLAIN = /[^\\`*_~[\]!<h\n]+/y;

/** How many marks a text may still have; what is beyond stays text. */
export interface MarkBudget {
  left: number;
}

interface Open {
  mark: '*' | '_' | '~' | '[' | '![';
  length: number;
  children: Inline[];
}

/**
 * Reads the inline marks of Markdown. Marks without an end stay text. Takes time in proportion to the length,
 * whatever the text is.
 */
export function parseInline(text: string, budget: MarkBudget = { left: MAX_MARKS }): Inline[] {
  return new InlineParser(text, budget).parse();
}

/** Whether a link may be followed: other schemes could run scripts. */
export function isSafeUrl(url: string): boolean {
  return URL_START.test(url) && url.length <= MAX_URL && URL.canParse(url);
}

class InlineParser {
  private readonly top: Inline[] = [];
  private readonly open: Open[] = [];
  private readonly ticks: Map<number, number[]>;
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly budget: MarkBudget,
  ) {
    this.ticks = tickRuns(text);
  }

  parse(): Inline[] {
    while (this.at < this.text.length) {
      if (this.budget.left > 0) this.step();
      else this.take(this.text.length - this.at);
    }
    while (this.open.length > 0) this.giveUp();
    return this.top;
  }

  private step(): void {
    const plain = this.match(PLAIN);
    // Spaces at the end of a line are not shown; two of them break the line.
    if (plain !== undefined) return this.add(this.text[this.at] === '\n' ? plain[0].trimEnd() : plain[0]);
    const character = this.text[this.at] ?? '';
    switch (character) {
      case '\\':
        return this.escape();
      case '`':
        return this.code();
      case '\n':
        return this.lineEnd();
      case '<':
        return this.angle();
      case 'h':
        return this.bareUrl();
      case '[':
        return this.begin('[', 1);
      case '!':
        if (this.text[this.at + 1] === '[') return this.begin('![', 2);
        return this.take(1);
      case ']':
        return this.endLink();
      default:
        return this.delimiter(character as '*' | '_' | '~');
    }
  }

  private get children(): Inline[] {
    return this.open.at(-1)?.children ?? this.top;
  }

  private add(text: string): void {
    const last = this.children.at(-1);
    if (last?.type === 'text') last.text += text;
    else if (text !== '') this.children.push({ type: 'text', text });
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found;
  }

  private take(length: number): void {
    this.add(this.text.slice(this.at, this.at + length));
    this.at += length;
  }

  private escape(): void {
    const next = this.text[this.at + 1] ?? '';
    if (next === '\n') {
      this.at += 2;
      this.children.push({ type: 'break' });
    } else if (/[!-/:-@[-`{-~]/.test(next)) {
      this.at += 1;
      this.take(1);
    } else this.take(1);
  }

  private code(): void {
    const start = this.at;
    const length = runLength(this.text, start, '`');
    const ends = this.ticks.get(length) ?? [];
    while ((ends[0] ?? Infinity) <= start) ends.shift();
    const [end] = ends;
    if (end === undefined) return this.take(length);
    const content = this.text.slice(start + length, end).replaceAll('\n', ' ');
    const isPadded = content.startsWith(' ') && content.endsWith(' ') && content.trim() !== '';
    this.budget.left -= 1;
    this.children.push({ type: 'code', text: isPadded ? content.slice(1, -1) : content });
    this.at = end + length;
  }

  private lineEnd(): void {
    const isHard = this.text.startsWith('  ', this.at - 2);
    this.at += 1;
    if (isHard) this.children.push({ type: 'break' });
    else this.add('\n');
  }

  private angle(): void {
    const found = this.match(ANGLE_URL);
    if (found === undefined) return this.take(1);
    this.link(found[1] ?? '', [{ type: 'text', text: found[1] ?? '' }]);
  }

  private bareUrl(): void {
    const before = this.text[this.at - 1] ?? ' ';
    const found = /\w/.test(before) ? undefined : this.match(BARE_URL);
    if (found === undefined) return this.take(1);
    // Punctuation at the end belongs to the sentence.
    const url = found[0].replace(/[.,:;!?)\]*_~]{1,10}$/, '');
    this.at -= found[0].length - url.length;
    this.link(url, [{ type: 'text', text: url }]);
  }

  private link(url: string, children: Inline[]): void {
    this.budget.left -= 1;
    if (isSafeUrl(url)) this.children.push({ type: 'link', url, children });
    else this.addAll(children);
  }

  private addAll(children: readonly Inline[]): void {
    for (const child of children) {
      if (child.type === 'text') this.add(child.text);
      else this.children.push(child);
    }
  }

  private begin(mark: Open['mark'], length: number): void {
    if (this.open.length >= MAX_OPEN) return this.take(length);
    this.open.push({ mark, length, children: [] });
    this.at += length;
  }

  private endLink(): void {
    const index = this.open.findLastIndex(({ mark }) => mark === '[' || mark === '![');
    this.at += 1;
    const destination = index < 0 ? undefined : this.match(DESTINATION);
    if (destination === undefined) {
      if (index >= 0) {
        while (this.open.length > index) this.giveUp();
      }
      return this.add(']');
    }
    while (this.open.length > index + 1) this.giveUp();
    const opened = this.open.pop();
    const url = destination[1] ?? destination[2] ?? '';
    const children = opened?.children ?? [];
    // Images of other origins are not loaded: they become links.
    if (opened?.mark === '![' && children.length === 0) children.push({ type: 'text', text: 'image' });
    this.link(url, children);
  }

  private delimiter(character: '*' | '_' | '~'): void {
    const length = runLength(this.text, this.at, character);
    const before = this.text[this.at - 1] ?? ' ';
    const after = this.text[this.at + length] ?? ' ';
    const isWordInside = character === '_' && /\w/.test(before) && /\w/.test(after);
    if (length > 3 || isWordInside || (character === '~' && length !== 2)) return this.take(length);
    if (!/\s/.test(before) && this.endSpan(character, length)) return undefined;
    if (/\s/.test(after)) return this.take(length);
    return this.begin(character, length);
  }

  private endSpan(character: string, length: number): boolean {
    const index = this.open.findLastIndex((open) => open.mark === character && open.length === length);
    // A link that is not finished is not left in the middle.
    if (index < 0 || this.open.slice(index).some(({ mark }) => mark.endsWith('['))) return false;
    while (this.open.length > index + 1) this.giveUp();
    const children = this.open.pop()?.children ?? [];
    this.budget.left -= 1;
    this.at += length;
    if (character === '~') this.children.push({ type: 'deleted', children });
    else if (length === 1) this.children.push({ type: 'emphasis', children });
    else if (length === 2) this.children.push({ type: 'strong', children });
    else this.children.push({ type: 'strong', children: [{ type: 'emphasis', children }] });
    return true;
  }

  /** The innermost mark has no end: it becomes text again. */
  private giveUp(): void {
    const opened = this.open.pop();
    if (opened === undefined) return;
    this.add(
      opened.mark.startsWith('!') || opened.mark === '[' ? opened.mark : opened.mark.repeat(opened.length),
    );
    this.addAll(opened.children);
  }
}

function runLength(text: string, from: number, character: string): number {
  let to = from;
  while (text[to] === character) to += 1;
  return to - from;
}

/** Where runs of backticks begin, by their length. */
function tickRuns(text: string): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    const starts = runs.get(run.length) ?? [];
    starts.push(index);
    runs.set(run.length, starts);
  }
  return runs;
}
