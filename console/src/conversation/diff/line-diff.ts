import { diffLines } from 'diff';

/** One line of a comparison: what was on the left, what is on the right. */
export interface DiffRow {
  left: DiffLine | null;
  right: DiffLine | null;
  isSame: boolean;
}

interface DiffLine {
  number: number;
  text: string;
}

/** Rows, or the number of equal lines that are left out between them. */
export type DiffPart = DiffRow[] | number;

/** Equal lines around changes. */
const CONTEXT = 3;
/** Longer texts, or texts with more changes, are not compared line by line. */
const MAX_CHARACTERS = 400_000;
const MAX_EDITS = 2_000;
const TIMEOUT_MS = 60;

/** Compares two texts line by line. @returns null if they are too long or too different */
export function compareLines(before: string, after: string): DiffPart[] | null {
  if (before.length + after.length > MAX_CHARACTERS) return null;
  const changes = diffLines(before, after, { maxEditLength: MAX_EDITS, timeout: TIMEOUT_MS });
  // With these options it can be undefined, whatever its type says.
  const found = changes;
  return found === undefined ? null : withoutEqualParts(rowsOf(found));
}

type Change = ReturnType<typeof diffLines>[number];

function rowsOf(changes: readonly Change[]): DiffRow[] {
  const rows: DiffRow[] = [];
  let left = 1;
  let right = 1;
  /** Rows of the removal before: an addition stands beside it. */
  let removed: DiffRow[] = [];
  for (const change of changes) {
    const lines = change.value.replace(/\n$/, '').split('\n');
    if (change.removed) {
      removed = lines.map((text) => ({ left: { number: left++, text }, right: null, isSame: false }));
      rows.push(...removed);
    } else if (change.added) {
      for (const text of lines) {
        const beside = removed.shift();
        const line = { number: right++, text };
        if (beside) beside.right = line;
        else rows.push({ left: null, right: line, isSame: false });
      }
      removed = [];
    } else {
      removed = [];
      for (const text of lines)
        rows.push({ left: { number: left++, text }, right: { number: right++, text }, isSame: true });
    }
  }
  return rows;
}

function withoutEqualParts(rows: readonly DiffRow[]): DiffPart[] {
  const isShown = new Uint8Array(rows.length);
  for (const [index, { isSame }] of rows.entries()) {
    if (!isSame) isShown.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  }
  const parts: DiffPart[] = [];
  for (const [index, row] of rows.entries()) {
    const last = parts.at(-1);
    if (isShown[index] === 1) {
      if (Array.isArray(last)) last.push(row);
      else parts.push([row]);
    } else if (typeof last === 'number') parts[parts.length - 1] = last + 1;
    else parts.push(1);
  }
  return parts;
}
