import { diffLines } from 'diff';

/** A line of a side of a diff, by its number; undefined where the other side has more lines. */
interface DiffCell {
  number: number;
  text: string;
}

/** A row of a diff side by side. */
export type DiffRow =
  | { kind: 'same' | 'changed'; left: DiffCell | undefined; right: DiffCell | undefined }
  /** Lines that are the same on both sides and far from any change. */
  | { kind: 'skipped'; count: number };

const CONTEXT_LINES = 3;
const MAX_EDITS = 5_000;
const TIMEOUT_MS = 400;

/**
 * The rows of a diff side by side, without what is far from any change.
 * @returns undefined if the texts are so different that comparing them takes too long
 */
export function diffRows(before: string, after: string): DiffRow[] | undefined {
  const parts = diffLines(before, after, { maxEditLength: MAX_EDITS, timeout: TIMEOUT_MS });
  if (parts === undefined) return undefined;
  const rows: DiffRow[] = [];
  let [left, right] = [1, 1];
  let [removed, added]: [DiffCell[], DiffCell[]] = [[], []];
  const flush = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1)
      rows.push({ kind: 'changed', left: removed[at], right: added[at] });
    [removed, added] = [[], []];
  };
  for (const part of parts) {
    const lines = linesOf(part.value);
    if (part.removed) removed.push(...lines.map((text) => ({ number: left++, text })));
    else if (part.added) added.push(...lines.map((text) => ({ number: right++, text })));
    else {
      flush();
      for (const text of lines)
        rows.push({ kind: 'same', left: { number: left++, text }, right: { number: right++, text } });
    }
  }
  flush();
  return withoutFar(rows);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function withoutFar(rows: readonly DiffRow[]): DiffRow[] {
  const near = new Array<boolean>(rows.length).fill(false);
  for (const [index, { kind }] of rows.entries()) {
    if (kind !== 'changed') continue;
    const from = Math.max(0, index - CONTEXT_LINES);
    near.fill(true, from, Math.min(rows.length, index + CONTEXT_LINES + 1));
  }
  const shown: DiffRow[] = [];
  for (const [index, row] of rows.entries()) {
    const last = shown.at(-1);
    if (near[index]) shown.push(row);
    else if (last?.kind === 'skipped') last.count += 1;
    else shown.push({ kind: 'skipped', count: 1 });
  }
  return shown;
}
