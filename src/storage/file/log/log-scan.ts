import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { EventIndexEntry } from '../../event-log.js';
import { parseEventLine, readEventLine } from './event-line.js';
import { readFully } from './log-file.js';

/** Most logs are read by one call; of a long one as much at a time as makes the calls cheap. */
const FIRST_CHUNK_BYTES = 128 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** No event is longer (a request has half of it at most). What is longer is damage and not kept in memory. */
export const LONGEST_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

const readInto = promisify(read);

/** One line of a log: its fields, or none when it is damaged, and the byte offset behind its newline. */
export interface ScannedLine {
  entry: EventIndexEntry | undefined;
  start: number;
  end: number;
}

/** Tells of a line that is too long to be an event; the newline is at `end`. */
type OnTooLong = (start: number, end: number) => void;

/**
 * Hands out one line as a range of a buffer that is valid during the call only; `zeros` tells of a zero byte
 * near it.
 */
type OnRange = (bytes: Buffer, start: number, end: number, position: number, zeros: boolean) => void;

/**
 * Reads the lines of a log from a byte offset on. What does not end in a whole event (a line without a
 * newline, lines that are no JSON) is a torn write and not handed out; damaged lines with whole ones behind
 * them are.
 * @returns how many bytes at the end were left out
 */
export async function scanLog(
  fd: number,
  from: number,
  onLine: (line: ScannedLine) => void,
): Promise<number> {
  // Whether a line is the last whole one is known only when the next whole one comes.
  let held: ScannedLine[] = [];
  const onRange: OnRange = (bytes, start, end, position, zeros) => {
    const damaged = zeros && bytes.subarray(start, end).includes(0);
    const entry = damaged ? undefined : readEventLine(bytes, start, end);
    if (entry) {
      for (const line of held) onLine(line);
      held = [];
    }
    held.push({ entry, start: position, end: position + end - start + 1 });
  };
  const size = await splitLines(fd, from, onRange, (start, end) =>
    held.push({ entry: undefined, start, end: end + 1 }),
  );
  const last = held[0];
  if (!last?.entry || !(await isWhole(fd, last))) return size - (last?.start ?? from);
  onLine(last);
  return size - last.end;
}

/** The last event is the one that a crash may have hurt: it is parsed in full. */
async function isWhole(fd: number, { start, end }: ScannedLine): Promise<boolean> {
  const bytes = Buffer.allocUnsafe(end - start - 1);
  await readFully(fd, bytes, start);
  return parseEventLine(bytes, 0, bytes.length) !== undefined;
}

/**
 * Hands out the lines without their newlines. What follows the last newline is not a line.
 * @returns the size of the file
 */
async function splitLines(fd: number, from: number, onRange: OnRange, onTooLong: OnTooLong): Promise<number> {
  let buffer: Buffer = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  let filled = 0;
  let position = from;
  let tooLongFrom: number | undefined;
  for (;;) {
    const { bytesRead } = await readInto(fd, buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) return position + filled;
    const known = filled;
    filled += bytesRead;
    const bytes = buffer.subarray(0, filled);
    // One look at a whole chunk costs next to nothing; one at each line would.
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
    if (filled >= LONGEST_LINE_BYTES || (tooLongFrom !== undefined && filled > 0)) {
      tooLongFrom ??= position;
      position += filled;
      filled = 0;
    }
    if (isLong) buffer = enlarged(buffer, filled, CHUNK_BYTES);
    else if (filled === buffer.length) buffer = enlarged(buffer, filled, buffer.length * 2);
  }
}

/** A larger buffer that begins with the same bytes; what is behind them is not cleared. */
function enlarged(buffer: Buffer, filled: number, length: number): Buffer {
  const larger = Buffer.allocUnsafe(length);
  buffer.copy(larger, 0, 0, filled);
  return larger;
}
