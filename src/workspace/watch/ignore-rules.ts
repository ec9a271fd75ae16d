import { globMatcher } from '../../tools/index.js';

/** A line of a `.gitignore`. */
interface IgnoreRule {
  /** `!`: what it matches is not ignored. */
  isException: boolean;
  /** Takes a path relative to the folder of the file. */
  matches: (file: string) => boolean;
}

/** More lines of a file are not read. */
const MAX_RULES = 500;

/**
 * Which folders the `.gitignore` of a folder leaves out, below that folder. The effort for a path is bounded
 * by the lengths of pattern and path, as of all globs here: the patterns may be hostile. A line that cannot
 * be read ignores nothing.
 */
export class IgnoreRules {
  private readonly rules: readonly IgnoreRule[];

  constructor(text: string) {
    this.rules = text
      .split('\n')
      .slice(0, MAX_RULES)
      .flatMap((line) => ruleOf(line.replace(/\r$/, '')));
  }

  /** Whether anything is left out at all. */
  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /**
   * Whether a folder is left out.
   * @param folder its path relative to that of the file
   * @returns undefined if no line is about it
   */
  ignores(folder: string): boolean | undefined {
    const last = this.rules.findLast(({ matches }) => matches(folder));
    return last && !last.isException;
  }
}

function ruleOf(line: string): IgnoreRule[] {
  if (line === '' || line.startsWith('#')) return [];
  const isException = line.startsWith('!');
  const given = withoutSpaces(isException ? line.slice(1) : line);
  const pattern = given.replace(/\/$/, '');
  if (pattern === '') return [];
  const isAnchored = pattern.includes('/');
  // Braces mean nothing in these patterns.
  const glob = (isAnchored ? pattern.replace(/^\//, '') : `**/${pattern}`).replace(/[{}]/g, '\\$&');
  try {
    return [{ isException, matches: globMatcher(glob, { hidden: true, inside: true }) }];
  } catch {
    return [];
  }
}

/** Without the spaces at its end, but for one after a backslash. */
function withoutSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line.charAt(end - 1) === ' ' && line.charAt(end - 2) !== '\\') end -= 1;
  return line.slice(0, end);
}
