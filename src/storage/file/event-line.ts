import type { EventIndexEntry } from '../event-log.js';

/** How our own serialisation begins. Longer heads (unusual ids) are parsed in full. */
const HEAD =
  /^\{"id":"([^"\\\x00-\x1f]+)","timestamp":"([^"\\\x00-\x1f]+)","source":"([^"\\\x00-\x1f]+)"[,}]/;
const HEAD_BYTES = 200;

/**
 * How our own serialisation ends. A quote inside a string is escaped, and an object inside the event would end in a
 * second brace, so in a valid line this is the event's own kind.
 */
const TAIL = /,"kind":"([^"\\\x00-\x1f]+)"\}$/;
const TAIL_BYTES = 100;

/**
 * The searchable fields of a line (without its newline), or undefined when it is not a JSON object. Lines in our own
 * order of keys are not parsed: a log of 100,000 events must open fast. What this cannot see is damage in the middle of
 * a line that leaves both ends whole; zeros, the usual damage, are seen.
 */
export function readEventLine(line: Buffer): EventIndexEntry | undefined {
  // Bytes above 127 come out wrong in latin1, but only inside values that then do not look like ours.
  const head = HEAD.exec(line.toString('latin1', 0, Math.min(HEAD_BYTES, line.length)));
  const tail = TAIL.exec(line.toString('latin1', Math.max(0, line.length - TAIL_BYTES), line.length));
  const [id, timestamp, source, kind] = [head?.[1], head?.[2], head?.[3], tail?.[1]];
  if (id === undefined || timestamp === undefined || source === undefined || kind === undefined) {
    return parseEventLine(line);
  }
  if (!isAscii(id + timestamp + source + kind)) return parseEventLine(line);
  return line.includes(0) ? undefined : { id, timestamp, source, kind };
}

/** As `readEventLine`, but certain: parses the whole line. */
export function parseEventLine(line: Buffer): EventIndexEntry | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(event));
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  return { id: text('id'), timestamp: text('timestamp'), source: text('source'), kind: text('kind') };
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
