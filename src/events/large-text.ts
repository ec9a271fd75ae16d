import { randomUUID } from 'node:crypto';
import { jsonSlices } from '../text/index.js';

/** From this length on a text takes milliseconds to be written as JSON (UTF-16 units). */
const LARGE = 1024 * 1024;

/**
 * Texts that are part of an event soon, and their JSON. Looked up by their length and then by their place in
 * memory: V8 does not hash long ones.
 */
const ahead = new Map<string, string>();

/** Stands for such a text; nobody else can know it. */
const MARK = randomUUID();
const MARKS = new RegExp(`"${MARK}-(\\d+)"`, 'g');

export function isLargeText(text: string): boolean {
  return text.length >= LARGE;
}

/**
 * Writes large texts as JSON in slices, one for each `yield`, for the event that they are put into next: ten
 * megabytes would hold everything up for 30 ms when it is serialised.
 * @returns what forgets them again: to be called when the event has been serialised
 */
export function* writeAhead(texts: readonly string[]): Generator<void, () => void> {
  const large = texts.filter(isLargeText);
  for (const text of large) {
    ahead.set(text, yield* jsonOf(text));
    // Joining the slices took a turn already.
    yield;
  }
  return () => {
    for (const text of large) ahead.delete(text);
  };
}

function* jsonOf(text: string): Generator<void, string> {
  const slices: string[] = [];
  for (const slice of jsonSlices(text)) {
    slices.push(slice);
    yield;
  }
  return `"${slices.join('')}"`;
}

/** JSON of a value, with the texts in it that were written ahead. */
export function toJson(value: object): string {
  if (ahead.size === 0) return JSON.stringify(value);
  const found: string[] = [];
  const json = JSON.stringify(value, (_key, field: unknown) => {
    const text = typeof field === 'string' && isLargeText(field) ? ahead.get(field) : undefined;
    return text === undefined ? field : `${MARK}-${found.push(text) - 1}`;
  });
  return found.length === 0 ? json : json.replace(MARKS, (_mark, index) => found[Number(index)] ?? '');
}
