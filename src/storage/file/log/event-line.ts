import type { EventIndexEntry } from '../../event-log.js';
import { formatMicros, microsAt, TIMESTAMP_BYTES } from '../index/packed-timestamp.js';
import { formatUuid, uuidAt, UUID_BYTES, type UuidWords } from '../index/uuid-table.js';

/** The constant parts at the beginning of a line in our serialisation. */
const BEFORE_ID = Buffer.from('{"id":"');
const BEFORE_TIMESTAMP = Buffer.from('","timestamp":"');
const BEFORE_SOURCE = Buffer.from('","source":"');
const TIMESTAMP_AT = BEFORE_ID.length + UUID_BYTES + BEFORE_TIMESTAMP.length;
const SOURCE_AT = TIMESTAMP_AT + TIMESTAMP_BYTES + BEFORE_SOURCE.length;

/**
 * The last key of a line in our serialisation. Quotes in strings are escaped, and a nested object would end
 * in a second brace, so in a valid line this is the kind of the event itself.
 */
const BEFORE_KIND = Buffer.from(',"kind":"');
const [QUOTE, COMMA, BACKSLASH, CLOSING_BRACE] = [34, 44, 92, 125];
const MAX_NAME_BYTES = 60;

/** The searchable fields of a line in our serialisation, as numbers where possible. */
export class PackedEvent implements EventIndexEntry {
  constructor(
    readonly uuid: UuidWords,
    readonly micros: number,
    readonly source: string,
    readonly kind: string,
  ) {}

  get id(): string {
    return formatUuid(this.uuid);
  }
  get timestamp(): string {
    return formatMicros(this.micros);
  }
}

/**
 * The searchable fields of the line between two offsets (without its newline), or undefined when it is not an
 * event. Lines in our own order of keys are neither parsed nor decoded, so that a log of 100,000 events opens
 * fast. Damage in the middle of a line that leaves both ends intact is not detected here; the caller detects
 * zeros, the usual damage.
 */
export function readEventLine(bytes: Buffer, start: number, end: number): EventIndexEntry | undefined {
  return readPackedEvent(bytes, start, end) ?? parseEventLine(bytes, start, end);
}

function readPackedEvent(bytes: Buffer, start: number, end: number): PackedEvent | undefined {
  const [timestampAt, sourceAt] = [start + TIMESTAMP_AT, start + SOURCE_AT];
  const hasForm =
    end - start > SOURCE_AT + BEFORE_KIND.length &&
    startsAt(bytes, start, BEFORE_ID) &&
    startsAt(bytes, timestampAt - BEFORE_TIMESTAMP.length, BEFORE_TIMESTAMP) &&
    startsAt(bytes, sourceAt - BEFORE_SOURCE.length, BEFORE_SOURCE) &&
    bytes[end - 1] === CLOSING_BRACE &&
    bytes[end - 2] === QUOTE;
  if (!hasForm) return undefined;
  const sourceEnd = nameEnd(bytes, sourceAt, end);
  const kindAt = nameStart(bytes, end - 2, sourceEnd);
  if (
    bytes[sourceEnd] !== QUOTE ||
    bytes[sourceEnd + 1] !== COMMA ||
    kindAt - BEFORE_KIND.length <= sourceEnd ||
    !startsAt(bytes, kindAt - BEFORE_KIND.length, BEFORE_KIND)
  )
    return undefined;
  const uuid = uuidAt(bytes, start + BEFORE_ID.length);
  const micros = microsAt(bytes, timestampAt);
  if (uuid === undefined || micros === undefined || sourceEnd === sourceAt || kindAt === end - 2)
    return undefined;
  return new PackedEvent(uuid, micros, nameAt(bytes, sourceAt, sourceEnd), nameAt(bytes, kindAt, end - 2));
}

function startsAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index += 1)
    if (bytes[at + index] !== wanted[index]) return false;
  return true;
}

/** The offset after a name that begins here: printable ASCII that needs no escape. */
function nameEnd(bytes: Buffer, from: number, limit: number): number {
  const last = Math.min(limit, from + MAX_NAME_BYTES);
  let at = from;
  while (at < last && isUnescaped(bytes[at])) at += 1;
  return at;
}

/** The offset of the first character of a name that ends at `end`. */
function nameStart(bytes: Buffer, end: number, limit: number): number {
  const first = Math.max(limit, end - MAX_NAME_BYTES);
  let at = end;
  while (at > first && isUnescaped(bytes[at - 1])) at -= 1;
  return at;
}

function isUnescaped(byte = 0): boolean {
  return byte >= 32 && byte <= 126 && byte !== QUOTE && byte !== BACKSLASH;
}

/** Known names by a hash of their bytes: there are few, and each event has two. */
const names = new Map<number, string>();
const MAX_NAMES = 256;

function nameAt(bytes: Buffer, start: number, end: number): string {
  let hash = 0;
  for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
  const known = names.get(hash);
  if (known !== undefined && equalsText(bytes, start, end, known)) return known;
  const name = bytes.toString('latin1', start, end);
  if (names.size < MAX_NAMES) names.set(hash, name);
  return name;
}

function equalsText(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1)
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** Like `readEventLine`, but parses the whole line. A value without an id is not an event. */
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
