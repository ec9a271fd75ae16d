import { globMatcher } from '../../tools/index.js';

/** Rules beyond this are left out: their number times that of files is work. */
const MAX_RULES = 500;
const MAX_PATTERN = 400;

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
  /** Rules that are a plain name, with their index: most of them are. */
  private readonly names = new Map<string, number[]>();
  private readonly others: number[] = [];

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (this.rules.length >= MAX_RULES) return;
      this.add(line);
    }
  }

  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /** @param below path below the folder of these rules, with slashes */
  verdict(below: string, isFolder: boolean): Verdict {
    const name = below.slice(below.lastIndexOf('/') + 1);
    let last = -1;
    for (const index of this.names.get(name) ?? []) last = Math.max(last, this.fits(index, below, isFolder));
    for (const index of this.others) {
      if (index > last) last = Math.max(last, this.fits(index, below, isFolder));
    }
    return this.rules[last]?.verdict;
  }

  /** @returns the index of the rule if it matches, else -1 */
  private fits(index: number, below: string, isFolder: boolean): number {
    const rule = this.rules[index];
    if (!rule || (rule.isForFolders && !isFolder)) return -1;
    return rule.matches(rule.isForNames ? below.slice(below.lastIndexOf('/') + 1) : below) ? index : -1;
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
    if (isForNames && !/[*?[\\]/.test(pattern)) {
      this.names.set(pattern, [...(this.names.get(pattern) ?? []), index]);
      this.rules.push({ matches: () => true, isForNames, isForFolders, verdict });
      return;
    }
    // Braces mean themselves here.
    const matches = globMatcher(pattern.replace(/[{}]/g, '\\$&'), { hidden: true, inside: true });
    this.rules.push({ matches, isForNames, isForFolders, verdict });
    this.others.push(index);
  }
}

/** Spaces at the end count only behind a backslash. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end -= 1;
  return line.slice(0, end);
}
