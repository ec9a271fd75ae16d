import { firstCharacters } from '../../text/index.js';

const MAX_LENGTH = 160;
/** Of a longer text only so much is searched for secrets (UTF-16 units): longer than the longest one. */
const MAX_MASKED = 1024 * 1024;

/** Like `oneLine`. Masked before it is cut: a part of a secret would not be found. */
export function maskedLine(text: string, mask: (text: string) => string): string {
  return oneLine(mask(text.slice(0, MAX_MASKED)));
}

/** The beginning of a text in one line of at most 160 characters. */
export function oneLine(text: string): string {
  // Cut before the spaces are replaced: a text may have many megabytes of them.
  const start = firstCharacters(text, 4 * MAX_LENGTH)
    .replace(/\s+/g, ' ')
    .trim();
  const label = firstCharacters(start, MAX_LENGTH);
  return label.length < start.length ? `${label.slice(0, -1)}…` : label;
}
