import { open } from 'node:fs/promises';
import path from 'node:path';
import { inSlices } from '../../flow/index.js';
import { GitPathError } from '../git-errors.js';
import type { GitBounds } from './git-bounds.js';
import { gitFolderAt, PLAIN_READ } from './git-folder.js';

/** A tracked file, and what the index says about the file in the work tree (gitformat-index(5)). */
export interface IndexEntry {
  /** The id of its content. */
  blob: string;
  /** Bytes of the file in the work tree, modulo 2^32. */
  size: number;
  /** Milliseconds since the epoch. */
  mtimeMs: number;
  ctimeMs: number;
  /** Modulo 2^32. */
  ino: number;
}

/** What an index says about the work tree. */
export interface TrackedFiles {
  /** Regular files by their path below the top. */
  entries: ReadonlyMap<string, IndexEntry>;
  /** Changes with the index. */
  stamp: string;
  /** When the index was written. Files that are not older may have changed without a trace in it. */
  writtenMs: number;
}

/** Larger indexes are not read (bytes): enough for some 300,000 files. */
const MAX_INDEX = 32 * 1024 * 1024;
const HEADER_BYTES = 12;
/** From the times to the flags, with an id of SHA-1. */
const FIXED_BYTES = 62;
const ID_BYTES = 20;
/** Type bits of a regular file. */
const REGULAR = 0o100000;
const TYPE_BITS = 0o170000;
const EXTENDED = 0x4000;

/**
 * Reads the index of the repository whose top a folder (real path) is, without running git.
 * @param known a stamp; as long as it holds, nothing is read
 * @returns undefined without a repository, or with an index that is not understood: too large, split, or
 *   with ids of SHA-256; `known` if it has not changed
 */
export async function readTrackedFiles(
  top: string,
  bounds: GitBounds | undefined,
  known?: TrackedFiles,
): Promise<TrackedFiles | undefined> {
  const folder = await gitFolderAt(top);
  if (!folder) return undefined;
  const handle = await open(path.join(folder.own, 'index'), PLAIN_READ).catch(() => undefined);
  if (!handle) return { entries: new Map(), stamp: '', writtenMs: 0 };
  try {
    const stats = await handle.stat();
    const { ino, size, mtimeMs, ctimeMs } = stats;
    if (!stats.isFile() || size > MAX_INDEX) return undefined;
    const stamp = [ino, size, mtimeMs, ctimeMs].join(' ');
    if (known?.stamp === stamp) return known;
    await bounds?.assertContains(folder);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    const entries = await inSlices(parseIndex(bytes.subarray(0, bytesRead)));
    return entries && { entries, stamp, writtenMs: mtimeMs };
  } catch (error) {
    // It has parts outside of its bounds.
    if (error instanceof GitPathError) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

/** Yields between entries. @returns undefined for what is not understood */
function* parseIndex(bytes: Buffer): Generator<void, Map<string, IndexEntry> | undefined> {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = bytes.readUInt32BE(4);
  const count = bytes.readUInt32BE(8);
  if (version < 2 || version > 4) return undefined;
  const entries = new Map<string, IndexEntry>();
  let at = HEADER_BYTES;
  let name: Buffer = Buffer.alloc(0);
  for (let index = 0; index < count; index += 1) {
    if (at + FIXED_BYTES > bytes.length) return undefined;
    const mode = bytes.readUInt32BE(at + 24);
    const flags = bytes.readUInt16BE(at + 40 + ID_BYTES);
    const start = at + FIXED_BYTES + ((flags & EXTENDED) === 0 ? 0 : 2);
    const found = version === 4 ? compressedName(bytes, start, name) : plainName(bytes, start, at);
    if (!found || (mode & TYPE_BITS) < 0o040000) return undefined;
    ({ name } = found);
    if ((mode & TYPE_BITS) === REGULAR) entries.set(name.toString(), entryAt(bytes, at));
    at = found.end;
    yield;
  }
  // A split index has its other entries elsewhere.
  return bytes.toString('latin1', at, at + 4) === 'link' ? undefined : entries;
}

function entryAt(bytes: Buffer, at: number): IndexEntry {
  const time = (from: number): number =>
    bytes.readUInt32BE(from) * 1000 + bytes.readUInt32BE(from + 4) / 1_000_000;
  return {
    ctimeMs: time(at),
    mtimeMs: time(at + 8),
    ino: bytes.readUInt32BE(at + 20),
    size: bytes.readUInt32BE(at + 36),
    blob: bytes.toString('hex', at + 40, at + 40 + ID_BYTES),
  };
}

interface FoundName {
  name: Buffer;
  /** Where the next entry begins. */
  end: number;
}

/** Entries of versions 2 and 3 are padded to a multiple of eight bytes, with at least one. */
function plainName(bytes: Buffer, start: number, entry: number): FoundName | undefined {
  const end = bytes.indexOf(0, start);
  if (end === -1) return undefined;
  return { name: bytes.subarray(start, end), end: entry + Math.ceil((end + 1 - entry) / 8) * 8 };
}

/** Version 4: how many bytes of the last name go, and what follows instead. */
function compressedName(bytes: Buffer, start: number, last: Buffer): FoundName | undefined {
  let at = start;
  let byte = bytes[at++] ?? 0;
  let cut = byte & 0x7f;
  while (byte & 0x80 && at - start < 5) {
    byte = bytes[at++] ?? 0;
    cut = (cut + 1) * 128 + (byte & 0x7f);
  }
  const end = bytes.indexOf(0, at);
  if (end === -1 || cut > last.length) return undefined;
  return {
    name: Buffer.concat([last.subarray(0, last.length - cut), bytes.subarray(at, end)]),
    end: end + 1,
  };
}
