import type { OpenedFile } from '../paths/path-scope.js';

/** A line of a file. */
interface ShownLine {
  /** Counted from 1. */
  number: number;
  /** Without its end; of a long line the beginning. */
  text: string;
  /** The line is longer than its text. */
  cut: boolean;
}

/** Where a reading goes on: both are given together. */
export interface LinePosition {
  /** Number of the line. */
  from: number;
  /** Where it begins in the file (bytes). */
  offset: number;
}

/** A range of lines. */
export interface TextLines {
  lines: ShownLine[];
  /** Bytes of the file. */
  size: number;
  /** Where the next line is; null at the end of the file. */
  next: LinePosition | null;
  /** It has a zero byte near its beginning, so it is no text, and has no lines. */
  binary: boolean;
  modified_at: string;
}

/** The most bytes that are looked at to find the first line. */
const MAX_SKIPPED = 256 * 1024 * 1024;
/** The most bytes of lines in an answer. */
const MAX_BYTES = 1024 * 1024;
/** The most bytes of a line. */
const MAX_LINE = 8 * 1024;
const CHUNK = 64 * 1024;
const BINARY_LOOK = 8 * 1024;
const LINE_END = 0x0a;

/**
 * Reads some lines of a file, with an effort that grows with their place in the file, unless it is told where
 * they begin.
 * @param position `offset` 0: the line is looked for from the beginning
 * @returns no lines beyond the end, and none where the line is too far: `next` is how far it was looked for
 */
export async function readLines(
  { handle, stats }: OpenedFile,
  { from, offset }: LinePosition,
  count: number,
): Promise<TextLines> {
  const base = { size: stats.size, modified_at: stats.mtime.toISOString() };
  const buffer = Buffer.allocUnsafe(CHUNK);
  const head = await handle.read(buffer, 0, BINARY_LOOK, 0);
  if (buffer.subarray(0, head.bytesRead).includes(0)) return { ...base, lines: [], next: null, binary: true };
  const lines: ShownLine[] = [];
  let number = offset === 0 ? 1 : from;
  let parts: Buffer[] = [];
  let held = 0;
  let length = 0;
  let taken = 0;
  let at = offset;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (number < from || held >= MAX_LINE) return;
    const kept = part.subarray(0, MAX_LINE - held);
    parts.push(Buffer.from(kept));
    held += kept.length;
  };
  const finish = (): void => {
    if (number >= from) {
      lines.push({ number, text: textOf(Buffer.concat(parts)), cut: length > held });
      taken += held;
    }
    [parts, held, length] = [[], 0, 0];
    number += 1;
  };
  while (at - offset < MAX_SKIPPED) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at);
    if (bytesRead === 0) {
      if (length > 0) finish();
      return { ...base, lines, next: null, binary: false };
    }
    const chunk = buffer.subarray(0, bytesRead);
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      keep(chunk.subarray(start, end));
      finish();
      start = end + 1;
      if (lines.length < count && taken < MAX_BYTES) continue;
      const next = at + start < stats.size ? { from: number, offset: at + start } : null;
      return { ...base, lines, next, binary: false };
    }
    keep(chunk.subarray(start));
    at += bytesRead;
  }
  // Even within a line that has no end: the next reading must not begin here again.
  if (length > 0) finish();
  return { ...base, lines, next: at < stats.size ? { from: number, offset: at } : null, binary: false };
}

/** What is no UTF-8 becomes replacement characters. */
function textOf(line: Buffer): string {
  return line.toString().replace(/\r$/, '');
}
