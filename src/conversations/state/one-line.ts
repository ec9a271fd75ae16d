import { firstCharacters } from '../../text/index.js';

/** Longest text of a line (characters). */
export const MAX_LINE = 300;
/** Of a longer text only so much is looked at (UTF-16 units). */
const MAX_READ = 4_000;
/** White space, line breaks and control characters. */
const GAPS = /[\s\p{Cc}]+/gu;
/** Question marks of Latin, Greek, Arabic, Chinese, Japanese, Armenian and Ethiopic texts. */
const QUESTION_MARK = /[?\u037e\u061f\uff1f\u055e\u1367]/;
/** Addresses contain question marks that ask nothing. */
const ADDRESS = /\bhttps?:\/\/[^\s]+/g;

/** A text as one line of at most 300 characters; a longer one ends with an ellipsis. */
export function oneLine(text: string): string {
  const line = text.slice(0, MAX_READ).replace(GAPS, ' ').trim();
  const start = firstCharacters(line, MAX_LINE);
  if (start.length === line.length && text.length <= MAX_READ) return line;
  return `${firstCharacters(line, MAX_LINE - 1).trimEnd()}…`;
}

/** The last paragraph of a text; of a very long one its end. */
export function lastParagraph(text: string): string {
  const end = text.slice(-MAX_READ).trimEnd();
  const start = end.lastIndexOf('\n\n');
  return end.slice(start + 1).trim();
}

/** Whether a text has a question mark outside of addresses. */
export function asksSomething(text: string): boolean {
  return QUESTION_MARK.test(text.replace(ADDRESS, ' '));
}
