import { SECTIONS, type Place, type Section } from './arrange.js';

/** A line of the list: the head of a section, a conversation, or how many are left out. */
export type Row =
  | { kind: 'head'; section: Section; count: number; height: number }
  | (Place & { kind: 'row'; height: number })
  | { kind: 'more'; section: Section; count: number; height: number };

/** Heights in pixels: known, so that 10,000 rows need no measuring. */
/** With more that wait, the others would be out of sight: the rest is shown on demand. */
const MAX_WAITING = 12;
const WIDE = { head: 38, more: 40, waiting: 56, running: 56, rest: 40, all: 56 };
const NARROW = { head: 38, more: 44, waiting: 116, running: 66, rest: 66, all: 66 };

/** The places that are listed. @param isWhole also of a section that is long */
export function listed(places: readonly Place[], isWhole: boolean): readonly Place[] {
  const waiting = places.findIndex(({ section }) => section !== 'waiting');
  // If all of them wait there is nothing to hide them for.
  if (isWhole || waiting <= MAX_WAITING) return places;
  return [...places.slice(0, MAX_WAITING), ...places.slice(waiting)];
}

/** The rows of listed places with their heads. @param hiddenCount how many that wait are not listed */
export function rowsOf(places: readonly Place[], hiddenCount: number, isNarrow: boolean): Row[] {
  const heights = isNarrow ? NARROW : WIDE;
  const rows: Row[] = [];
  let index = 0;
  for (const section of SECTIONS) {
    const start = index;
    while (places[index]?.section === section) index += 1;
    const left = section === 'waiting' ? hiddenCount : 0;
    const count = index - start;
    if (count === 0) continue;
    rows.push({ kind: 'head', section, count: count + left, height: heights.head });
    for (const place of places.slice(start, index))
      rows.push({ ...place, kind: 'row', height: heights[section] });
    if (left > 0) rows.push({ kind: 'more', section, count: left, height: heights.more });
  }
  return rows;
}
