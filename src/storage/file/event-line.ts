import type { EventIndexEntry } from '../event-log.js';

/** How our own serialisation begins. Longer heads (unusual ids) are parsed in full. */
const HEAD = /^\{"id":"([ !#-[\]-~]+)","timestamp":"([ !#-[\]-~]+)","source":"([ !#-[\]-~]+)"[,}]/;
const HEAD_BYTES = 150;

/**
 * How our own serialisation ends. A quote inside a string is escaped, and an object inside the event would end in a
 * second brace, so in a valid line this is the event's own kind.
 */
const TAIL = /,"kind":"([ !#-[\]-~]+)"\}$/;
const TAIL_BYTES = 80;

/**
 * The searchable fields of the line between two offsets (newline excluded), or undefined when it is no event.
 * Lines in our own order of keys are not parsed: a log of 100,000 events must open fast. What this cannot see is damage
 * in the middle of a line that leaves both ends whole; zeros, the usual damage, are seen.
 */
export function readEventLine(bytes: Buffer, start: number, end: number): EventIndexEntry | undefined {
  // The patterns take printable ASCII only, so it does not matter how latin1 shows anything else.
  const head = HEAD.exec(bytes.toString('latin1', start, Math.min(start + HEAD_BYTES, end)));
  const tail = TAIL.exec(bytes.toString('latin1', Math.max(start, end - TAIL_BYTES), end));
  const [id, timestamp, source, kind] = [head?.[1], head?.[2], head?.[3], tail?.[1]];
  if (id === undefined || timestamp === undefined || source === undefined || kind === undefined) {
    return parseEventLine(bytes, start, end);
  }
  return { id, timestamp, source, kind };
}

/** As `readEventLine`, but certain: parses the whole line. What has no id is no event. */
export function parseEventLine(bytes: Buffer, start: number, end: number): EventIndexEntry | undefined {
  let event: unknown;
  try {
    event = JSON.parse(bytes.toString('utf8', start, end));
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(event));
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  if (text('id') === '') return undefined;
  return { id: text('id'), timestamp: text('timestamp'), source: text('source'), kind: text('kind') };
}
