import { SECTIONS, type Place, type Section } from './arrange.js';

/** A line of the list: the head of a section, or a conversation. */
export type Row =
  | { kind: 'head'; section: Section; count: number; height: number }
  | (Place & { kind: 'row'; height: number });

/** Heights in pixels: known, so that 10,000 rows need no measuring. */
const WIDE = { head: 38, waiting: 56, running: 56, rest: 40 };
const NARROW = { head: 38, waiting: 116, running: 66, rest: 66 };

/** The rows of places with their heads. */
export function rowsOf(places: readonly Place[], isNarrow: boolean): Row[] {
  const heights = isNarrow ? NARROW : WIDE;
  const rows: Row[] = [];
  let index = 0;
  for (const section of SECTIONS) {
    const start = index;
    while (places[index]?.section === section) index += 1;
    const count = index - start;
    if (count === 0) continue;
    rows.push({ kind: 'head', section, count, height: heights.head });
    for (const place of places.slice(start, index))
      rows.push({ ...place, kind: 'row', height: heights[section] });
  }
  return rows;
}
