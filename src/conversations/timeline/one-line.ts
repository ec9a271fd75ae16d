import { firstCharacters } from '../../text/index.js';

const MAX_LENGTH = 160;

/** The beginning of a text in one line of at most 160 characters. */
export function oneLine(text: string): string {
  // Cut before the spaces are replaced: a text may have many megabytes of them.
  const start = firstCharacters(text, 4 * MAX_LENGTH)
    .replace(/\s+/g, ' ')
    .trim();
  const label = firstCharacters(start, MAX_LENGTH);
  return label.length < start.length ? `${label.slice(0, -1)}…` : label;
}
