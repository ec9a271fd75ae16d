import { TextSearch } from '../../text/index.js';

/** Where a replacement goes, or why there is none. */
export type Replacement =
  | { kind: 'found'; start: number; end: number; line: number }
  /** `searched`: what did not appear. */
  | { kind: 'missing'; searched: string }
  /** `lines`: those on which an occurrence begins, ascending, without repetition. */
  | { kind: 'ambiguous'; searched: string; lines: number[] };

/**
 * Finds the one place of a text: as it is, or else without the space around it, which models get wrong.
 * Places do not overlap. Lines count from 1.
 */
export function findUnique(text: string, searched: string): Replacement {
  const exact = occurrences(text, searched);
  if (exact.length > 0) return choose(text, searched, exact);
  const trimmed = searched.trim();
  // Only space, and not there: anything would match the nothing that is left.
  if (trimmed === '') return { kind: 'missing', searched };
  return choose(text, trimmed, occurrences(text, trimmed));
}

function choose(text: string, searched: string, starts: number[]): Replacement {
  const [start] = starts;
  if (start === undefined) return { kind: 'missing', searched };
  if (starts.length === 1)
    return { kind: 'found', start, end: start + searched.length, line: linesOf(text, [start])[0] ?? 1 };
  return { kind: 'ambiguous', searched, lines: linesOf(text, starts) };
}

/** More occurrences than these are not looked for. */
export const MAX_OCCURRENCES = 100_000;

/** Where a text occurs in another, the first ones; places do not overlap. */
export function occurrences(text: string, searched: string): number[] {
  const starts: number[] = [];
  // The empty text is everywhere, behind the last character too.
  const step = Math.max(1, searched.length);
  const search = new TextSearch(searched);
  for (let at = search.indexIn(text); at !== -1 && starts.length <= MAX_OCCURRENCES;) {
    starts.push(at);
    if (at + step > text.length) break;
    at = search.indexIn(text, at + step);
  }
  return starts;
}

function linesOf(text: string, starts: readonly number[]): number[] {
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
