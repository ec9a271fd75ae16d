import { TextSearch } from '../../text/index.js';

/** The only occurrence of a text, or why there is none. */
type UniqueMatch =
  | { kind: 'found'; start: number; end: number; line: number }
  /** `searched`: the text that was not found. */
  | { kind: 'missing'; searched: string }
  /** `lines`: the lines on which findOccurrences begin, ascending and unique. */
  | { kind: 'ambiguous'; searched: string; lines: number[] };

/**
 * Finds the only occurrence of a text: exactly, or else without the white space around it, which models often
 * get wrong. Occurrences do not overlap. Lines count from 1.
 */
export function findUnique(text: string, searched: string): UniqueMatch {
  const exact = findOccurrences(text, searched);
  if (exact.length > 0) return requireOne(text, searched, exact);
  const trimmed = searched.trim();
  // The empty text would match everywhere.
  if (trimmed === '') return { kind: 'missing', searched };
  return requireOne(text, trimmed, findOccurrences(text, trimmed));
}

function requireOne(text: string, searched: string, starts: number[]): UniqueMatch {
  const [start] = starts;
  if (start === undefined) return { kind: 'missing', searched };
  if (starts.length === 1)
    return { kind: 'found', start, end: start + searched.length, line: lineNumbers(text, [start])[0] ?? 1 };
  return { kind: 'ambiguous', searched, lines: lineNumbers(text, starts) };
}

/** The search stops after this number of findOccurrences. */
export const MAX_OCCURRENCES = 100_000;

/** The offsets of the first findOccurrences of a text in another. Occurrences do not overlap. */
export function findOccurrences(text: string, searched: string): number[] {
  const starts: number[] = [];
  // The empty text occurs at every offset, including the end.
  const step = Math.max(1, searched.length);
  const search = new TextSearch(searched);
  for (let at = search.indexIn(text); at !== -1 && starts.length <= MAX_OCCURRENCES;) {
    starts.push(at);
    if (at + step > text.length) break;
    at = search.indexIn(text, at + step);
  }
  return starts;
}

function lineNumbers(text: string, starts: readonly number[]): number[] {
  const lines: number[] = [];
  let line = 1;
  let lineEnd = text.indexOf('\n');
  for (const start of starts) {
    while (lineEnd !== -1 && lineEnd < start) {
      line += 1;
      lineEnd = text.indexOf('\n', lineEnd + 1);
    }
    if (lines.at(-1) !== line) lines.push(line);
  }
  return lines;
}
