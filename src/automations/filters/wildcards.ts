import { matchesSequence } from '../../text/index.js';

/** `*`, `?`, a set of characters, or a character that stands for itself. */
type Token = '*' | '?' | CharacterSet | { literal: string };
interface CharacterSet {
  negated: boolean;
  /** Ranges of characters, both ends included. */
  ranges: [string, string][];
}

/**
 * A test of whole texts against a pattern as Python's `fnmatch` reads it: `*`, `?`, `[seq]` and `[!seq]`;
 * case counts. The effort for a text is at most the product of both lengths, whatever the pattern.
 */
export function wildcardMatcher(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(Array.from(pattern));
  return (text) => matchesSequence(tokens, Array.from(text), isAny, matchesCharacter);
}

function tokensOf(characters: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*' || character === '?') {
      tokens.push(character);
      continue;
    }
    const end = character === '[' ? endOfSet(characters, at) : -1;
    if (end < 0) {
      tokens.push({ literal: character });
    } else {
      tokens.push(setOf(characters.slice(at + 1, end)));
      at = end;
    }
  }
  return tokens;
}

/**
 * Where the set that begins here ends; -1 if nothing closes it. A `]` that comes first belongs to the set.
 */
function endOfSet(characters: readonly string[], start: number): number {
  const first = characters[start + 1] === '!' ? start + 2 : start + 1;
  return characters.indexOf(']', first + 1);
}

function setOf(content: readonly string[]): CharacterSet {
  const negated = content[0] === '!';
  const members = negated ? content.slice(1) : content;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? '';
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return { negated, ranges };
}

function isAny(token: Token): boolean {
  return token === '*';
}

function matchesCharacter(token: Token, character: string): boolean {
  if (typeof token === 'string') return true;
  if ('literal' in token) return token.literal === character;
  return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.negated;
}
