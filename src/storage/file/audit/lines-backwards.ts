import type { FileHandle } from 'node:fs/promises';

/** Bytes per read. */
const CHUNK = 128 * 1024;
/** Longer lines are not ours: what they contain is skipped (bytes). */
const MAX_LINE = 64 * 1024;
const LINE_END = 10;

/** A line with its place. */
export interface LineAt {
  text: string;
  /** Where it begins (bytes). */
  start: number;
}

/** The complete lines of a file before a position, the last one first. */
export async function* linesBackwards(handle: FileHandle, end: number): AsyncGenerator<LineAt, void> {
  /** What was read of the line that begins further in front; its end is at a line end. */
  let rest: Buffer = Buffer.alloc(0);
  /** The bytes behind the last line end are no complete line. */
  let isComplete = false;
  for (let at = end; at > 0;) {
    const length = Math.min(CHUNK, at);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at - length);
    // The file was made shorter meanwhile.
    if (bytesRead < length) return;
    at -= length;
    let before = length;
    for (let found = lastLineEnd(buffer, before); found !== -1; found = lastLineEnd(buffer, before)) {
      const line = Buffer.concat([buffer.subarray(found + 1, before), rest]);
      if (isComplete && line.length > 0) yield { text: line.toString(), start: at + found + 1 };
      isComplete = true;
      rest = Buffer.alloc(0);
      before = found;
    }
    rest = Buffer.concat([buffer.subarray(0, before), rest]);
    if (rest.length > MAX_LINE) {
      rest = Buffer.alloc(0);
      isComplete = false;
    }
  }
  if (isComplete && rest.length > 0) yield { text: rest.toString(), start: 0 };
}

function lastLineEnd(buffer: Buffer, before: number): number {
  return before === 0 ? -1 : buffer.lastIndexOf(LINE_END, before - 1);
}
