import type { FileHandle } from 'node:fs/promises';
import type { EventIndexEntry } from '../event-log.js';
import { parseEventLine, readEventLine } from './event-line.js';
import { readFully } from './log-file.js';

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

/** One line of a log: its fields, or none when it is damaged, and the byte offset behind its newline. */
export interface ScannedLine {
  entry: EventIndexEntry | undefined;
  start: number;
  end: number;
}

/**
 * Reads the lines of a log from a byte offset on. What does not end in a whole event (a line without a newline, lines
 * that are no JSON) is a torn write and not handed out; damaged lines with whole ones behind them are.
 * @returns how many bytes at the end were left out
 */
export async function scanLog(
  handle: FileHandle,
  from: number,
  onLine: (line: ScannedLine) => void,
): Promise<number> {
  // Whether a line is the last whole one is known only when the next whole one comes.
  let held: ScannedLine[] = [];
  const size = await splitLines(handle, from, (bytes, start) => {
    const entry = readEventLine(bytes);
    const line = { entry, start, end: start + bytes.length + 1 };
    if (entry) {
      held.forEach(onLine);
      held = [];
    }
    held.push(line);
  });
  const last = held[0];
  if (!last?.entry || !(await isWhole(handle, last))) return size - (last?.start ?? from);
  onLine(last);
  return size - last.end;
}

/** The last event is the one that a crash may have hurt: it is parsed in full. */
async function isWhole(handle: FileHandle, { start, end }: ScannedLine): Promise<boolean> {
  const bytes = Buffer.allocUnsafe(end - start - 1);
  await readFully(handle, bytes, start);
  return parseEventLine(bytes) !== undefined;
}

/**
 * Hands out the lines without their newlines; the buffer is valid during the call only. What follows the last newline
 * is not a line.
 * @returns the size of the file
 */
async function splitLines(
  handle: FileHandle,
  from: number,
  onLine: (bytes: Buffer, start: number) => void,
): Promise<number> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  let position = from;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) return position + filled;
    const searchFrom = filled;
    filled += bytesRead;
    let start = 0;
    let newline = buffer.subarray(0, filled).indexOf(NEWLINE, searchFrom);
    while (newline !== -1) {
      onLine(buffer.subarray(start, newline), position + start);
      start = newline + 1;
      newline = buffer.subarray(0, filled).indexOf(NEWLINE, start);
    }
    buffer.copyWithin(0, start, filled);
    position += start;
    filled -= start;
    if (filled === buffer.length) {
      const larger = Buffer.allocUnsafe(buffer.length * 2);
      buffer.copy(larger);
      buffer = larger;
    }
  }
}
