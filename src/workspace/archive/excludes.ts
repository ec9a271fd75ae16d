import { PASSWORD_FILES } from '../paths/path-guard.js';
import { matchesSequence, withoutTrailingSlashes } from '../../text/index.js';

/** Excluded by default: generated and large files. */
const DEFAULT_EXCLUDES = [
  ...['.git/', 'node_modules/', '.venv/', 'venv/', '__pycache__/', '.mypy_cache/', '.pytest_cache/'],
  ...['.ruff_cache/', 'dist/', 'build/', '.next/', 'target/', '*.pyc'],
];

/** Maximum length and number of patterns. */
const MAX_PATTERN = 500;
const MAX_PATTERNS = 100;

/**
 * Patterns of excluded files: `name` at any depth, `a/b` from the top, with `*`, `?` and `[...]` within a
 * name; `name/` for folders and their content only.
 */
export class Excludes {
  readonly patterns: readonly string[];
  private readonly rules: readonly Rule[];

  /** @throws RangeError for too many or too long patterns */
  constructor(withDefaults: boolean, more: readonly string[]) {
    if (more.length > MAX_PATTERNS || more.some(({ length }) => length > MAX_PATTERN)) {
      throw new RangeError(`At most ${MAX_PATTERNS} excludes of ${MAX_PATTERN} characters`);
    }
    this.patterns = [...(withDefaults ? DEFAULT_EXCLUDES : []), ...more];
    this.rules = this.patterns.flatMap(ruleOf);
  }

  /** Whether an entry is excluded. The content of excluded folders need not be checked. */
  matches(parts: readonly string[], isFolder: boolean): boolean {
    return this.rules.some(({ names, foldersOnly, atAnyDepth }) => {
      if (foldersOnly && !isFolder) return false;
      if (!atAnyDepth && names.length !== parts.length) return false;
      return names.every((name, index) => fits(name, parts[parts.length - names.length + index] ?? ''));
    });
  }

  /** The patterns as git pathspecs, plus files that contain passwords, whose text a patch would show. */
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
  // No entry has such a part, and git would reject it as outside the repository.
  if (parts.some((part) => ['', '.', '..'].includes(part))) return [];
  const names = parts.map(tokensOf);
  return [{ source, names, foldersOnly: pattern.endsWith('/'), atAnyDepth: names.length === 1 }];
}

type Token = '*' | RegExp;

/** Parses a pattern for one name. Matched token by token, so that no pattern takes long. */
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
 * The character class (`[a-z]`, `[!]x]`) that begins at an offset; empty if there is none or it is not
 * closed.
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
    // A reversed range matches nothing.
    return /[]/;
  }
}

function escaped(character: string): string {
  return character.replace(/[\\^$.|+*?(){}[\]/]/, '\\$&');
}
