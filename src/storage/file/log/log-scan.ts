import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { EventIndexEntry } from '../../event-log.js';
import { parseEventLine, readEventLine } from './event-line.js';
import { readFully } from './log-file.js';

/** One call reads most logs; long ones are read in larger chunks. */
const FIRST_CHUNK_BYTES = 128 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Maximum length of an event. Longer lines are damage and are not kept in memory. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

const readInto = promisify(read);

/** One line of a log: its fields (undefined if it is damaged), and its byte range including the newline. */
export interface ScannedLine {
  entry: EventIndexEntry | undefined;
  start: number;
  end: number;
}

/** Called for a line that is too long to be an event; its newline is at `end`. */
type OnTooLong = (start: number, end: number) => void;

/**
 * Called for a line as a range of a buffer that is valid during the call only. `zeros`: the chunk contains a
 * zero byte.
 */
type OnRange = (bytes: Buffer, start: number, end: number, position: number, zeros: boolean) => void;

/**
 * Reads the lines of a log from a byte offset on. Everything after the last valid event (a line without a
 * newline, lines that are not JSON) is a torn write and is not reported; damaged lines before a valid one
 * are.
 * @param onProgress called now and then with the bytes so far and the number of lines that are not reported
 *   yet; throws to end the scan
 * @returns the number of bytes of the torn end
 */
export async function scanLog(
  fd: number,
  from: number,
  onLine: (line: ScannedLine) => void,
  onProgress: (end: number, held: number) => void = () => undefined,
): Promise<number> {
  // Held until the next valid line: only then it is certain that they are not part of a torn end.
  let held: ScannedLine[] = [];
  const hold = (line: ScannedLine): void => {
    held.push(line);
    onProgress(line.end, held.length);
  };
  const onRange: OnRange = (bytes, start, end, position, zeros) => {
    const damaged = zeros && bytes.subarray(start, end).includes(0);
    const entry = damaged ? undefined : readEventLine(bytes, start, end);
    if (entry) {
      for (const line of held) onLine(line);
      held = [];
    }
    hold({ entry, start: position, end: position + end - start + 1 });
  };
  const onTooLong: OnTooLong = (start, end) => hold({ entry: undefined, start, end: end + 1 });
  const onChunk = (end: number): void => onProgress(end, held.length);
  const size = await splitLines(fd, from, { onRange, onTooLong, onChunk });
  const last = held[0];
  if (!last?.entry || !(await isWhole(fd, last))) return size - (last?.start ?? from);
  onLine(last);
  return size - last.end;
}

/** Parses the last event in full: it is the one that a crash can damage. */
async function isWhole(fd: number, { start, end }: ScannedLine): Promise<boolean> {
  const bytes = Buffer.allocUnsafe(end - start - 1);
  await readFully(fd, bytes, start);
  return parseEventLine(bytes, 0, bytes.length) !== undefined;
}

/**
 * Reports the lines without their newlines. The text after the last newline is not a line.
 * @returns the size of the file
 */
async function splitLines(
  fd: number,
  from: number,
  { onRange, onTooLong, onChunk }: { onRange: OnRange; onTooLong: OnTooLong; onChunk: (end: number) => void },
): Promise<number> {
  let buffer: Buffer = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  let filled = 0;
  let position = from;
  let tooLongFrom: number | undefined;
  for (;;) {
    const { bytesRead } = await readInto(fd, buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) return position + filled;
    onChunk(position + filled + bytesRead);
    const known = filled;
    filled += bytesRead;
    const bytes = buffer.subarray(0, filled);
    // One search per chunk instead of one per line.
    const zeros = bytes.includes(0);
    let start = 0;
    for (
      let newline = bytes.indexOf(NEWLINE, known);
      newline !== -1;
      newline = bytes.indexOf(NEWLINE, start)
    ) {
      if (tooLongFrom === undefined) onRange(bytes, start, newline, position + start, zeros);
      else onTooLong(tooLongFrom, position + newline);
      tooLongFrom = undefined;
      start = newline + 1;
    }
    const isLong = filled === buffer.length && filled < CHUNK_BYTES;
    buffer.copyWithin(0, start, filled);
    position += start;
    filled -= start;
    if (filled >= MAX_LINE_BYTES || (tooLongFrom !== undefined && filled > 0)) {
      tooLongFrom ??= position;
      position += filled;
      filled = 0;
    }
    if (isLong) buffer = grownBuffer(buffer, filled, CHUNK_BYTES);
    else if (filled === buffer.length) buffer = grownBuffer(buffer, filled, buffer.length * 2);
  }
}

/** A larger buffer that begins with the same bytes; the rest is uninitialised. */
function grownBuffer(buffer: Buffer, filled: number, length: number): Buffer {
  const larger = Buffer.allocUnsafe(length);
  buffer.copy(larger, 0, 0, filled);
  return larger;
}
