import { afterLarge, inSlices, isLarge } from '../../../flow/index.js';
import type { LogRecord } from '../../event-log.js';

/** Records of one conversation that are appended together. */
export interface AppendChunk {
  readonly conversationId: string;
  readonly generation: number;
  /** The length of the log before them. */
  readonly seq: number;
  /** The highest timestamp before them. */
  readonly high: string;
  readonly records: readonly LogRecord[];
}

/** Of the conversations of a statement those whose rows nobody else has locked. */
const UNLOCKED = `
  unlocked AS (
    SELECT id FROM conversation WHERE id = ANY ($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
  ),`;

/**
 * Appends chunks of different conversations. The update of the length, where generation and length are the
 * expected ones, decides which chunks are inserted. Texts come joined by newlines, which no line contains:
 * `pg` would escape each element of a text array. `unnest` lets the planner expect few rows.
 */
export const APPEND = appendStatement({ skipsLocked: false });

/** As `APPEND`, without those whose rows are locked, which would delay the others. It costs a little more. */
export const APPEND_UNLOCKED = appendStatement({ skipsLocked: true });

function appendStatement({ skipsLocked }: { skipsLocked: boolean }): string {
  return `
  WITH ${skipsLocked ? UNLOCKED : ''} moved AS (
    UPDATE conversation c SET length = b.seq + b.count
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[])
      WITH ORDINALITY AS b(id, generation, seq, count, chunk)
    WHERE c.id = b.id AND c.generation = b.generation AND c.length = b.seq
      ${skipsLocked ? 'AND c.id IN (SELECT id FROM unlocked)' : ''}
    RETURNING c.id, b.chunk
  ), stored AS (
    INSERT INTO event (conversation, seq, id, kind, source, timestamp, high, line)
    SELECT moved.id, e.seq, coalesce(e.id, ''), coalesce(e.kind, ''), coalesce(e.source, ''),
      coalesce(e.timestamp, ''), nullif(e.high, ''), coalesce(e.line, '')
    FROM unnest($5::int[], $6::bigint[], string_to_array($7, E'\\n'), string_to_array($8, E'\\n'),
      string_to_array($9, E'\\n'), string_to_array($10, E'\\n'), string_to_array($11, E'\\n'),
      string_to_array($12, E'\\n')) AS e(chunk, seq, id, kind, source, timestamp, high, line)
    JOIN moved USING (chunk)
  )
  SELECT chunk FROM moved`;
}

/** The values for `APPEND`. Its answer numbers the chunks from 1. */
export async function appendValues(chunks: readonly AppendChunk[]): Promise<unknown[]> {
  const [numbers, seqs]: [number[], number[]] = [[], []];
  const [ids, kinds, sources, timestamps, highs]: string[][] = [[], [], [], [], []];
  for (const [index, { seq, high, records }] of chunks.entries()) {
    let highest = high;
    for (const [offset, record] of records.entries()) {
      numbers.push(index + 1);
      seqs.push(seq + offset);
      ids?.push(record.id);
      kinds?.push(record.kind);
      sources?.push(record.source);
      timestamps?.push(record.timestamp);
      highs?.push(record.timestamp < highest ? highest : '');
      if (record.timestamp > highest) highest = record.timestamp;
    }
  }
  return [
    arrayText(chunks.map(({ conversationId }) => conversationId)),
    arrayText(chunks.map(({ generation }) => generation)),
    arrayText(chunks.map(({ seq }) => seq)),
    arrayText(chunks.map(({ records }) => records.length)),
    arrayText(numbers),
    arrayText(seqs),
    ...[ids, kinds, sources, timestamps, highs].map((texts) => texts?.join('\n')),
    await joinLines(chunks.flatMap(({ records }) => records)),
  ];
}

/** An array of numbers or UUIDs as PostgreSQL writes it. */
export function arrayText(values: readonly (number | string)[]): string {
  return `{${values.join(',')}}`;
}

/** Text that is encoded before yielding (UTF-16 units). */
const CHUNK_LENGTH = 256 * 1024;
const NEWLINE = Buffer.from('\n');

/**
 * Few lines as one string, many as UTF-8, encoded in slices. `pg` sends both as text. Large lines keep their
 * bytes in the record.
 */
async function joinLines(records: readonly LogRecord[]): Promise<string | Buffer> {
  const length = records.reduce((sum, { line }) => sum + line.length, 0);
  if (length < CHUNK_LENGTH) return records.map(({ line }) => line).join('\n');
  for (const record of records) {
    if (!isLarge(record.line.length)) continue;
    // Serialising the event took long already: yield first.
    await afterLarge(record.line.length);
    record.bytes ??= Buffer.from(record.line);
  }
  return inSlices(encodeInChunks(records));
}

function* encodeInChunks(records: readonly LogRecord[]): Generator<void, Buffer> {
  const pieces: Buffer[] = [];
  let small: string[] = [];
  let length = 0;
  for (const { line, bytes } of records) {
    if (bytes) {
      if (small.length > 0) pieces.push(Buffer.from(small.join('\n')));
      pieces.push(bytes);
      small = [];
      length = 0;
      continue;
    }
    small.push(line);
    length += line.length;
    if (length < CHUNK_LENGTH) continue;
    pieces.push(Buffer.from(small.join('\n')));
    small = [];
    length = 0;
    yield;
  }
  if (small.length > 0) pieces.push(Buffer.from(small.join('\n')));
  return Buffer.concat(pieces.flatMap((piece, index) => (index === 0 ? [piece] : [NEWLINE, piece])));
}

/** Longest text of an index field; an entry of an index has at most 2,700 bytes (UTF-16 units). */
const MAX_FIELD_LENGTH = 500;
/** As in logs in files. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** @throws TypeError for a record that cannot be stored; it would take others in its statement with it */
export function assertStorable(records: readonly LogRecord[]): void {
  for (const { id, kind, source, timestamp, line } of records) {
    if ([id, kind, source, timestamp].some((field) => field.length > MAX_FIELD_LENGTH || hasBreak(field))) {
      throw new TypeError(
        `the fields of an event must be single lines of at most ${MAX_FIELD_LENGTH} characters`,
      );
    }
    if (hasBreak(line) || isTooLong(line)) {
      throw new TypeError('an event must be a single line of at most 64 MiB');
    }
  }
}

/** Newlines separate texts on the way to the database, which stores no null characters. */
function hasBreak(text: string): boolean {
  return text.includes('\n') || text.includes('\0');
}

function isTooLong(line: string): boolean {
  // A UTF-16 unit has at most three bytes in UTF-8: almost no line needs to be measured.
  return line.length * 3 >= MAX_LINE_BYTES && Buffer.byteLength(line) >= MAX_LINE_BYTES;
}
