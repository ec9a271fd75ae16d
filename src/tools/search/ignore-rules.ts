import { globMatcher } from './glob-matcher.js';

/** Rules beyond this are left out: their number times that of files is work. */
const MAX_RULES = 500;
const MAX_PATTERN = 400;
/** Characters of all patterns with wildcards, and of those with others than `*`, which are slower. */
const MAX_WILDCARDS = 8_000;
const MAX_SLOW_WILDCARDS = 500;
/** Patterns of paths with wildcards say nothing of what is longer or deeper. */
const MAX_PATH = 1_000;
const MAX_DEPTH = 100;

/** What `.gitignore` says of a path: it is left out, it is not, or nothing. */
type Verdict = 'ignored' | 'kept' | undefined;

interface Rule {
  matches: (path: string) => boolean;
  /** It is for the name alone, at any depth. */
  isForNames: boolean;
  isForFolders: boolean;
  verdict: 'ignored' | 'kept';
}

/**
 * The rules of one file in the format of `.gitignore` (gitignore(5)), for paths below its folder. The effort
 * for a path is bounded, whatever the patterns: they come from a repository.
 */
export class IgnoreRules {
  /** The last one that matches decides. */
  private readonly rules: Rule[] = [];
  /** Those without wildcards, as most are, by the name, or by the path after a slash. */
  private readonly exact = new Map<string, number[]>();
  private readonly others: number[] = [];
  /** Characters that patterns with wildcards may still have. */
  private wildcards = MAX_WILDCARDS;
  private slowWildcards = MAX_SLOW_WILDCARDS;

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (this.rules.length >= MAX_RULES) return;
      this.add(line);
    }
  }

  /** How many rules there are. */
  get size(): number {
    return this.rules.length;
  }

  /** @param below path below the folder of these rules, with slashes */
  verdict(below: string, isFolder: boolean): Verdict {
    const name = below.slice(below.lastIndexOf('/') + 1);
    let last = -1;
    for (const index of [...(this.exact.get(name) ?? []), ...(this.exact.get(`/${below}`) ?? [])])
      if (index > last && this.isAbout(index, isFolder)) last = index;
    const isNear = below.length <= MAX_PATH && below.split('/', MAX_DEPTH + 1).length <= MAX_DEPTH;
    for (const index of this.others) {
      const rule = this.rules[index];
      if (index < last || rule === undefined || !this.isAbout(index, isFolder)) continue;
      if (rule.isForNames ? rule.matches(name) : isNear && rule.matches(below)) last = index;
    }
    return this.rules[last]?.verdict;
  }

  private isAbout(index: number, isFolder: boolean): boolean {
    return isFolder || this.rules[index]?.isForFolders !== true;
  }

  private add(line: string): void {
    let pattern = withoutTrailingSpaces(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (pattern === '' || pattern.startsWith('#') || pattern.length > MAX_PATTERN) return;
    const verdict = pattern.startsWith('!') ? 'kept' : 'ignored';
    if (verdict === 'kept') pattern = pattern.slice(1);
    const isForFolders = pattern.endsWith('/');
    if (isForFolders) pattern = pattern.slice(0, -1);
    const isForNames = !pattern.includes('/');
    if (pattern.startsWith('/')) pattern = pattern.slice(1);
    if (pattern === '') return;
    const index = this.rules.length;
    if (/[*?[\\]/.test(pattern)) {
      if (!this.mayAdd(pattern)) return;
      this.others.push(index);
    } else {
      const key = isForNames ? pattern : `/${pattern}`;
      this.exact.set(key, [...(this.exact.get(key) ?? []), index]);
    }
    // Braces mean themselves here.
    const matches = globMatcher(pattern.replace(/[{}]/g, '\\$&'), { hidden: true, inside: true });
    this.rules.push({ matches, isForNames, isForFolders, verdict });
  }

  /** Whether the file may have a pattern with wildcards, too. */
  private mayAdd(pattern: string): boolean {
    this.wildcards -= pattern.length;
    if (/[?[]/.test(pattern)) this.slowWildcards -= pattern.length;
    return this.wildcards >= 0 && this.slowWildcards >= 0;
  }
}

/** Spaces at the end count only behind a backslash. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end -= 1;
  return line.slice(0, end);
}
