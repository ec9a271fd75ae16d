/** How well a path fits what somebody has typed. */
export interface FuzzyMatch {
  /** Higher is better. Comparable between the matches of one query. */
  score: number;
  /** Which characters of the path were matched (indexes of UTF-16 code units), ascending. */
  positions: number[];
}

/** A query longer than this (characters) finds nothing. */
export const MAX_QUERY = 200;

/** A match that begins a name, or a word in it, counts more than one in the middle. */
const BONUS_NAME_START = 12;
const BONUS_WORD_START = 8;
const BONUS_CAMEL = 6;
const BONUS_CONSECUTIVE = 5;
const BONUS_SAME_CASE = 1;
/** What is matched in the name of the file counts more than what is matched in its folders. */
const BONUS_IN_NAME = 25;
const BONUS_WHOLE_NAME = 40;
const PER_CHARACTER = 10;
/** Of each character between two matched ones, up to a limit. */
const GAP = 1;
const MAX_GAP = 15;

/**
 * Matches a query against a path as the quick open of an editor does: its characters occur in this order,
 * upper and lower case alike. Words that are separated by spaces are matched each on its own. The effort is a
 * few passes over the path for each word, so it grows with their lengths only.
 * @returns undefined without a match
 */
export function fuzzyMatch(words: readonly string[], path: string): FuzzyMatch | undefined {
  const lower = path.toLowerCase();
  // Rare characters change their length in lower case, and the positions would be wrong.
  const text = lower.length === path.length ? lower : path;
  const nameAt = path.lastIndexOf('/') + 1;
  let score = 0;
  const positions = new Set<number>();
  for (const word of words) {
    const needle = word.toLowerCase();
    const inName = needle.includes('/') ? undefined : shortest(text, needle, nameAt);
    const found = inName ?? shortest(text, needle, 0);
    if (found === undefined) return undefined;
    score += scoreOf(found, path, word);
    if (inName) score += BONUS_IN_NAME;
    if (inName && isWholeName(path, nameAt, needle.length, found)) score += BONUS_WHOLE_NAME;
    for (const position of found) positions.add(position);
  }
  // Of two paths that fit alike the shorter one is meant more often.
  return { score: score - path.length / 100, positions: [...positions].sort((a, b) => a - b) };
}

/** The words of a query; none if it is too long. */
export function wordsOf(query: string): string[] {
  return query.length > MAX_QUERY ? [] : query.split(/\s+/).filter((word) => word !== '');
}

/**
 * Where the characters of a needle are: the first place that has them in order, made as short as it can be
 * from its end. A needle that occurs as it is wins, at the start of a word if possible.
 */
function shortest(text: string, needle: string, from: number): number[] | undefined {
  const whole = wholeAt(text, needle, from);
  if (whole !== -1) return Array.from(needle, (_, index) => whole + index).slice(0, needle.length);
  let at = from;
  for (let index = 0; index < needle.length; index += 1, at += 1) {
    at = text.indexOf(needle.charAt(index), at);
    if (at === -1) return undefined;
  }
  const positions: number[] = [];
  for (let index = needle.length - 1, end = at - 1; index >= 0; index -= 1, end -= 1) {
    end = text.lastIndexOf(needle.charAt(index), end);
    positions.push(end);
  }
  return positions.reverse();
}

/** How many places of a needle are looked at for one that begins a word. */
const MAX_PLACES = 8;

function wholeAt(text: string, needle: string, from: number): number {
  const first = text.indexOf(needle, from);
  for (let at = first, looked = 0; at !== -1 && looked < MAX_PLACES; looked += 1) {
    if (at === from || isSeparator(text.charAt(at - 1))) return at;
    at = text.indexOf(needle, at + 1);
  }
  return first;
}

function scoreOf(positions: readonly number[], path: string, word: string): number {
  let score = 0;
  let previous = -1;
  positions.forEach((at, index) => {
    score += PER_CHARACTER + bonusAt(path, at);
    if (path.charAt(at) === word.charAt(index)) score += BONUS_SAME_CASE;
    if (index > 0)
      score += at === previous + 1 ? BONUS_CONSECUTIVE : -Math.min((at - previous) * GAP, MAX_GAP);
    previous = at;
  });
  return score;
}

function bonusAt(path: string, at: number): number {
  const before = path.charAt(at - 1);
  if (at === 0 || before === '/') return BONUS_NAME_START;
  if (isSeparator(before)) return BONUS_WORD_START;
  const [character, earlier] = [path.charAt(at), before];
  return isUpper(character) && !isUpper(earlier) ? BONUS_CAMEL : 0;
}

function isSeparator(character: string): boolean {
  return '/_-. '.includes(character);
}

function isUpper(character: string): boolean {
  return character >= 'A' && character <= 'Z';
}

/** Whether the whole name, with or without its extension, was typed. */
function isWholeName(path: string, nameAt: number, length: number, [first]: readonly number[]): boolean {
  if (first !== nameAt) return false;
  const rest = path.slice(nameAt + length);
  return rest === '' || (rest.startsWith('.') && rest.lastIndexOf('.') === 0);
}
