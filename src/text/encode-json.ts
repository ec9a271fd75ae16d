import { randomUUID } from 'node:crypto';
import { joinInParts } from './join-in-parts.js';
import { slicesOf } from './utf8-text.js';

/** A string from this length on is written on its own (UTF-16 units). */
const LONG = 64 * 1024;
/** So much of it is written at a time: in a quarter of a millisecond. */
const SLICE = 64 * 1024;

/** Stands for a string that is written on its own; nobody else can know it. */
const MARK = `${randomUUID()}-`;
const MARKS = new RegExp(`"${MARK}(\\d+)"`);
const QUOTE = Buffer.from('"');

/**
 * Writes a value as bytes of JSON, one long string after the other in parts, one for each `yield`; ten
 * megabytes of them in one piece hold everything up for 30 ms. What else is in it is written in one piece.
 * @returns pieces to be put together
 */
export function* encodeJson(value: unknown): Generator<void, Buffer[]> {
  if (!holdsLong(value)) return [Buffer.from(JSON.stringify(value))];
  const strings: string[] = [];
  const outline = JSON.stringify(value, (_key, field: unknown) =>
    isLong(field) ? `${MARK}${strings.push(field) - 1}` : field,
  );
  return yield* fillIn(outline, MARKS, (index) => strings[Number(index)]);
}

/** The same as one piece. */
export function* jsonBytes(value: unknown): Generator<void, Buffer> {
  return yield* joinInParts(yield* encodeJson(value));
}

/**
 * Writes JSON in which marks stand for strings as bytes, with those strings in their place, in parts.
 * @param marks finds a mark as a whole string of JSON, its quotes included; its group is what `stringOf` is
 *   asked for
 */
export function* fillIn(
  outline: string,
  marks: RegExp,
  stringOf: (mark: string) => string | undefined,
): Generator<void, Buffer[]> {
  const pieces: Buffer[] = [];
  // Every second one is what the group has found.
  for (const [index, text] of outline.split(marks).entries()) {
    if (index % 2 === 0) {
      pieces.push(Buffer.from(text));
      continue;
    }
    pieces.push(QUOTE);
    for (const slice of jsonSlices(stringOf(text) ?? '')) {
      pieces.push(Buffer.from(slice));
      yield;
    }
    pieces.push(QUOTE);
  }
  return pieces;
}

/** A text as JSON writes it between quotes, in slices. */
export function* jsonSlices(text: string): Generator<string> {
  for (const slice of slicesOf(text, SLICE)) yield JSON.stringify(slice).slice(1, -1);
}

/** Whether it takes its time to be written. */
export function isLong(value: unknown): value is string {
  return typeof value === 'string' && value.length >= LONG;
}

/** Whether there is such a string in it. */
export function holdsLong(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isLong(value);
  return Object.values(value).some(holdsLong);
}
