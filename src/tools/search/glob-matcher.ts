import { matchesSequence } from '../../text/index.js';
import { SearchError } from './ripgrep.js';

/**
 * A pattern of a single name, or `**`: any number of folders. With no other wildcard than `*`, as most have,
 * it is the texts between them, which are compared as a whole.
 */
type SegmentPattern = '**' | { texts: readonly string[] } | { tokens: readonly Token[] };
type Token = '*' | '?' | CharacterClass | string[];
interface CharacterClass {
  negated: boolean;
  /** Ranges of characters, both ends included. */
  ranges: [string, string][];
}

/** How a pattern is read. */
interface GlobOptions {
  /** Names that begin with a dot are names like others; otherwise the dot has to be said. */
  hidden?: boolean;
  /** `**` at the end stands for what is in a folder, not for the folder itself. */
  inside?: boolean;
}

/** The longest pattern (characters). */
const MAX_PATTERN = 1_000;
/** Braces may stand for no more alternatives than these, of no more characters in all. */
const MAX_ALTERNATIVES = 256;
const MAX_EXPANDED = 8_000;

/**
 * A test of relative paths against a glob pattern: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, `\` before what is
 * meant literally, and `**` for any number of folders. The effort for a path grows with the product of both
 * lengths, whatever the pattern: it comes from a model or a repository, and nothing may hold the server up.
 * @throws SearchError when it is too long, or its braces stand for too much
 */
export function globMatcher(
  pattern: string,
  { hidden = false, inside = false }: GlobOptions = {},
): (file: string) => boolean {
  if (pattern.length > MAX_PATTERN) {
    throw new SearchError(`A pattern has at most ${MAX_PATTERN} characters, this one ${pattern.length}.`);
  }
  const expanded = expandBraces(pattern);
  if (expanded.reduce((length, { length: more }) => length + more, 0) > MAX_EXPANDED) throw tooMany(pattern);
  const alternatives = expanded.map((alternative) => segmentsOf(alternative, inside));
  const matches = hidden ? matchesAnyName : matchesName;
  return (file) => {
    const names = file.split('/');
    return alternatives.some((segments) => {
      // Most patterns are about the end of a path.
      const last = segments.at(-1) ?? '**';
      const mayMatch = last === '**' || matches(last, names.at(-1) ?? '');
      return mayMatch && matchesSequence(segments, names, isAnyFolders, matches);
    });
  };
}

/** Whether a part of a pattern means something else than itself. */
export function hasWildcard(part: string): boolean {
  return /[*?[\]{}\\]/.test(part);
}

function segmentsOf(pattern: string, inside: boolean): SegmentPattern[] {
  const segments = pattern.split('/').filter((segment) => segment !== '' && segment !== '.');
  const all = inside && segments.at(-1) === '**' ? [...segments, '*'] : segments;
  return all.map((segment) => (segment === '**' ? '**' : simplified(tokensOf(segment))));
}

function simplified(tokens: readonly Token[]): SegmentPattern {
  const texts: string[] = [];
  let text = '';
  for (const token of tokens) {
    if (token === '*') {
      texts.push(text);
      text = '';
    } else if (Array.isArray(token)) text += token[0] ?? '';
    else return { tokens };
  }
  return { texts: [...texts, text] };
}

function isAnyFolders(segment: SegmentPattern): boolean {
  return segment === '**';
}

function matchesName(segment: SegmentPattern, name: string): boolean {
  const isHidden = name.startsWith('.');
  if (segment === '**') return !isHidden;
  return (!isHidden || saysDot(segment)) && matchesAnyName(segment, name);
}

/** Whether it is for names that begin with a dot. */
function saysDot(segment: Exclude<SegmentPattern, '**'>): boolean {
  if ('texts' in segment) return segment.texts[0]?.startsWith('.') === true;
  const [first] = segment.tokens;
  return Array.isArray(first) && first[0] === '.';
}

function matchesAnyName(segment: SegmentPattern, name: string): boolean {
  if (segment === '**') return true;
  if ('texts' in segment) return containsInOrder(name, segment.texts);
  return matchesSequence(segment.tokens, Array.from(name), (token) => token === '*', matchesCharacter);
}

/** Whether a name is these texts with anything between them. Each is found as early as it can be. */
function containsInOrder(name: string, texts: readonly string[]): boolean {
  const [first = ''] = texts;
  if (texts.length === 1) return name === first;
  const last = texts.at(-1) ?? '';
  const end = name.length - last.length;
  if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const text of texts.slice(1, -1)) {
    const found = name.indexOf(text, at);
    if (found === -1 || found + text.length > end) return false;
    at = found + text.length;
  }
  return true;
}

function matchesCharacter(token: Token, character: string): boolean {
  if (token === '*' || token === '?') return true;
  if (Array.isArray(token)) return token[0] === character;
  return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.negated;
}

function tokensOf(segment: string): Token[] {
  const characters = Array.from(segment);
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    const group = character === '[' ? classAt(characters, at) : undefined;
    if (group) {
      tokens.push(group.value);
      at = group.end;
    } else if (character === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*');
    } else if (character === '?') tokens.push('?');
    else if (character === '\\' && at + 1 < characters.length) tokens.push([characters[++at] ?? '']);
    else tokens.push([character]);
  }
  return tokens;
}

/** The class that begins at `[`; undefined when it is never closed, and so means itself. */
function classAt(
  characters: readonly string[],
  start: number,
): { value: CharacterClass; end: number } | undefined {
  const negated = ['!', '^'].includes(characters[start + 1] ?? '');
  const first = start + (negated ? 2 : 1);
  const end = characters.indexOf(']', first + 1);
  if (end === -1) return undefined;
  const inside = characters.slice(first, end);
  const ranges: [string, string][] = [];
  for (let at = 0; at < inside.length; at++) {
    const from = inside[at] ?? '';
    const isRange = inside[at + 1] === '-' && at + 2 < inside.length;
    ranges.push([from, isRange ? (inside[at + 2] ?? '') : from]);
    if (isRange) at += 2;
  }
  return { value: { negated, ranges }, end };
}

/**
 * The patterns that a pattern with braces stands for; braces without a comma or without an end mean
 * themselves.
 */
function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [{ text: pattern, from: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { text, from } = next;
    const group = firstBraces(text, from);
    if (!group) {
      done.push(text);
    } else {
      const { start, end, options } = group;
      for (const option of options) {
        open.push({ text: text.slice(0, start) + option + text.slice(end + 1), from: start });
      }
    }
    if (done.length + open.length > MAX_ALTERNATIVES) {
      throw tooMany(pattern);
    }
  }
  return done;
}

function tooMany(pattern: string): SearchError {
  return new SearchError(`The braces of '${pattern.slice(0, 200)}' stand for too many patterns.`);
}

function firstBraces(
  text: string,
  from: number,
): { start: number; end: number; options: string[] } | undefined {
  const opened: { start: number; commas: number[] }[] = [];
  let found: { start: number; end: number; commas: number[] } | undefined;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '{') opened.push({ start: at, commas: [] });
    else if (character === ',') opened.at(-1)?.commas.push(at);
    else if (character === '}') {
      const group = opened.pop();
      if (!group || group.commas.length === 0) continue;
      // The outermost one that begins first.
      if (!found || group.start < found.start) found = { ...group, end: at };
      if (opened.length === 0) break;
    }
  }
  if (!found) return undefined;
  const bounds = [found.start, ...found.commas, found.end];
  const options = bounds.slice(1).map((bound, index) => text.slice((bounds[index] ?? 0) + 1, bound));
  return { start: found.start, end: found.end, options };
}
