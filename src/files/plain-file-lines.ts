import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { errorCode } from '../errors/index.js';
import { openPlainFile } from './plain-file.js';

/** A plain file that is open for reading. Close its handle. */
export interface PlainFile {
  path: string;
  handle: FileHandle;
  stats: Stats;
}

/** Bytes per read. */
const CHUNK = 256 * 1024;
/** Maximum that is read into memory at once (bytes). */
const MAX_WHOLE = 64 * 1024 * 1024;
const LINE_END = 10;
/** Codes for anything but a readable plain file. */
const NO_FILE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ENODEV', 'EACCES', 'EPERM']);

/** Opens a plain file; undefined for anything else and for unreadable files. */
export async function tryOpenPlainFile(path: string): Promise<PlainFile | undefined> {
  const handle = await openPlainFile(path).catch((error: unknown) => {
    if (NO_FILE.has(errorCode(error) ?? '')) return undefined;
    throw error;
  });
  if (!handle) return undefined;
  try {
    return { path, handle, stats: await handle.stat() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes up to the size at the time of opening. */
export async function* bytesOf({ handle, stats }: PlainFile, end = stats.size): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < end;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The text of a file, truncated to 64 MiB. */
export async function beginningOf(file: PlainFile): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of bytesOf(file, Math.min(file.stats.size, MAX_WHOLE))) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** The complete lines of a file; lines longer than 64 MiB are skipped. */
export async function* linesOf(file: PlainFile): AsyncGenerator<string, void> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytesOf(file)) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      if (length + end - start <= MAX_WHOLE)
        yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString();
      pieces = [];
      length = 0;
      start = end + 1;
    }
    length += chunk.length - start;
    // Drops a line that is too long.
    if (length > MAX_WHOLE) pieces = [];
    else pieces.push(chunk.subarray(start));
  }
}
