import { matchesSequence } from '../../tools/search/match-sequence.js';
import { PASSWORD_FILES } from '../path-guard.js';
import { withoutTrailingSlashes } from '../../text/index.js';

/**
 * What archives leave out unless they are asked to hold everything: what is made from the rest, or is large.
 */
const DEFAULT_EXCLUDES = [
  ...['.git/', 'node_modules/', '.venv/', 'venv/', '__pycache__/', '.mypy_cache/', '.pytest_cache/'],
  ...['.ruff_cache/', 'dist/', 'build/', '.next/', 'target/', '*.pyc'],
];

/** Longest pattern, and how many there may be. */
const MAX_PATTERN = 500;
export const MAX_PATTERNS = 100;

/**
 * Patterns of what an archive leaves out: `name` at any depth, `a/b` from the top, with `*`, `?` and `[...]`
 * within a name; `name/` folders only, with what is in them.
 */
export class Excludes {
  readonly patterns: readonly string[];
  private readonly rules: readonly Rule[];

  /** @throws RangeError for more or longer patterns than anybody needs */
  constructor(withDefaults: boolean, more: readonly string[]) {
    if (more.length > MAX_PATTERNS || more.some(({ length }) => length > MAX_PATTERN)) {
      throw new RangeError(`At most ${MAX_PATTERNS} excludes of ${MAX_PATTERN} characters`);
    }
    this.patterns = [...(withDefaults ? DEFAULT_EXCLUDES : []), ...more];
    this.rules = this.patterns.flatMap(ruleOf);
  }

  /** Whether an entry is left out. What is in a folder that is left out need not be asked for. */
  matches(parts: readonly string[], isFolder: boolean): boolean {
    return this.rules.some(({ names, foldersOnly, atAnyDepth }) => {
      if (foldersOnly && !isFolder) return false;
      if (!atAnyDepth && names.length !== parts.length) return false;
      return names.every((name, index) => fits(name, parts[parts.length - names.length + index] ?? ''));
    });
  }

  /**
   * The same for git, as magic pathspecs; besides, files with passwords, of which a patch would show the
   * text.
   */
  pathspecs(): string[] {
    const asked = this.rules.flatMap(({ source, foldersOnly, atAnyDepth }) => {
      const spec = `:(glob,exclude)${atAnyDepth ? '**/' : ''}${source}`;
      return foldersOnly ? [`${spec}/**`] : [spec, `${spec}/**`];
    });
    return [...asked, ...[...PASSWORD_FILES].map((name) => `:(glob,icase,exclude)**/${name}`)];
  }
}

interface Rule {
  source: string;
  names: Token[][];
  foldersOnly: boolean;
  atAnyDepth: boolean;
}

function ruleOf(pattern: string): Rule[] {
  const source = withoutTrailingSlashes(pattern);
  if (source === '' || source.includes('\0')) return [];
  const parts = source.split('/');
  // No entry has such a part, and git would call it a path outside the repository.
  if (parts.some((part) => ['', '.', '..'].includes(part))) return [];
  const names = parts.map(tokensOf);
  return [{ source, names, foldersOnly: pattern.endsWith('/'), atAnyDepth: names.length === 1 }];
}

type Token = '*' | RegExp;

/** A pattern for one name, character by character: no pattern may take long. */
function tokensOf(glob: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length;) {
    const piece = classAt(glob, at) || String.fromCodePoint(glob.codePointAt(at) ?? 0);
    tokens.push(tokenOf(piece));
    at += piece.length;
  }
  return tokens;
}

function tokenOf(piece: string): Token {
  if (piece === '*') return '*';
  if (piece === '?') return /[^]/u;
  return piece.length > 1 && piece.startsWith('[') ? characterClass(piece) : new RegExp(escaped(piece), 'u');
}

/**
 * The class of characters (`[a-z]`, `[!]x]`) that begins at a place; empty when there is none, or none that
 * ends.
 */
function classAt(glob: string, at: number): string {
  if (glob[at] !== '[') return '';
  let first = at + 1;
  if (glob[first] === '!') first += 1;
  if (glob[first] === ']') first += 1;
  const end = glob.indexOf(']', first);
  return end === -1 ? '' : glob.slice(at, end + 1);
}

function fits(tokens: readonly Token[], name: string): boolean {
  return matchesSequence(
    tokens,
    Array.from(name),
    (token) => token === '*',
    (token, character) => token === '*' || token.test(character),
  );
}

function characterClass(piece: string): RegExp {
  const isNegated = piece.startsWith('[!');
  const inner = piece.slice(isNegated ? 2 : 1, -1).replace(/[\\\]^[]/g, '\\$&');
  try {
    return new RegExp(`[${isNegated ? '^' : ''}${inner}]`, 'u');
  } catch {
    // A range that runs backwards matches nothing.
    return /[]/;
  }
}

function escaped(character: string): string {
  return character.replace(/[\\^$.|+*?(){}[\]/]/, '\\$&');
}
