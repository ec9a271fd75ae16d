import { chmod, mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Headers } from 'tar-stream';
import { errorCode } from '../../../../errors/index.js';
import { makeFolder } from '../../../../files/index.js';
import { BackendRefusedError } from '../backend-errors.js';

/** Limits on the unpacked content: a small archive may contain very large files. */
const MAX_FILES = 20_000;
const MAX_BYTES = 1024 * 1024 * 1024;
/** Unpacked files are read-only and never setuid. */
const READ_AND_RUN = 0o555;

const UNSAFE = 'backend artifact contains an unsafe archive entry';

/**
 * Unpacks a tar.gz of regular files and folders. Other entries, duplicate names and names that lead out of
 * the folder are rejected.
 * @param folder new folder
 * @param strip number of leading path segments to remove
 * @throws BackendRefusedError; files unpacked until then stay
 */
export async function unpack(archive: Readable, folder: string, strip: number): Promise<void> {
  const { extract } = await import('tar-stream');
  await mkdir(folder, { mode: 0o700 });
  const unpacking = new ArchiveWriter(folder, strip);
  const tar = extract();
  const feeding = pipeline(archive, createGunzip(), tar);
  // It may fail while an entry is written and nothing awaits it: prevent an unhandled rejection.
  feeding.catch(() => undefined);
  try {
    for await (const entry of tar) {
      await unpacking.write(entry.header, entry);
      entry.resume();
    }
    await feeding;
  } catch (error) {
    tar.destroy();
    await feeding.catch(() => undefined);
    throw refusal(error);
  }
  if (unpacking.isEmpty) throw new BackendRefusedError('backend artifact contains no files after stripping');
  await sealBelow(folder);
}

/** Makes a folder read-only. Call it after the folder was moved: a read-only folder cannot be moved. */
export function seal(folder: string): Promise<void> {
  return chmod(folder, READ_AND_RUN);
}

/** File system errors are passed on; all others mean that the archive is invalid. */
function refusal(error: unknown): unknown {
  if (error instanceof BackendRefusedError) return error;
  const code = errorCode(error) ?? '';
  if (['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(code)) return new BackendRefusedError(UNSAFE);
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO', 'EMFILE', 'EPERM'].includes(code)) return error;
  return new BackendRefusedError('backend artifact is not a valid gzip tar archive');
}

class ArchiveWriter {
  private files = 0;
  private entries = 0;
  private bytes = 0;

  constructor(
    private readonly folder: string,
    private readonly strip: number,
  ) {}

  get isEmpty(): boolean {
    return this.files === 0;
  }

  async write({ name, type, mode, size = 0 }: Headers, content: Readable): Promise<void> {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const isPlain = type === 'file' || type === 'contiguous-file';
    if (path.posix.isAbsolute(name) || parts.includes('..') || name.includes('\0') || name.includes('\\'))
      throw new BackendRefusedError(UNSAFE);
    if (!isPlain && type !== 'directory') throw new BackendRefusedError(UNSAFE);
    this.entries += 1;
    this.bytes += size;
    if (this.entries > MAX_FILES || this.bytes > MAX_BYTES)
      throw new BackendRefusedError('backend artifact is too large');
    const kept = parts.slice(this.strip);
    if (kept.length === 0) return;
    const target = path.join(this.folder, ...kept);
    await folderFor(isPlain ? path.dirname(target) : target);
    if (!isPlain) return;
    this.files += 1;
    await write(content, target);
    await chmod(target, ((mode ?? 0) | 0o400) & READ_AND_RUN);
  }
}

/**
 * Not with `pipeline`, which waits forever for a stream of tar-stream that ended before, as with a truncated
 * archive. The truncation is reported by whoever feeds the archive.
 */
async function write(content: AsyncIterable<Uint8Array>, target: string): Promise<void> {
  // `wx` follows no links and overwrites nothing.
  const file = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of content) await file.appendFile(chunk);
  } finally {
    await file.close();
  }
}

async function folderFor(folder: string): Promise<void> {
  try {
    await makeFolder(folder, 0o700);
  } catch (error) {
    // A file is in the way.
    throw errorCode(error) === undefined ? new BackendRefusedError(UNSAFE) : error;
  }
}

async function sealBelow(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const below = path.join(folder, entry.name);
    await sealBelow(below);
    await seal(below);
  }
}
