import { chmod, mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Headers } from 'tar-stream';
import { errorCode } from '../../../../errors/index.js';
import { makeFolder } from '../../../../files/index.js';
import { BackendRefusedError } from '../backend-errors.js';

/** Limits of what comes out of an archive: a small one may hold a disk full of zeros. */
const MAX_FILES = 20_000;
const MAX_BYTES = 1024 * 1024 * 1024;
/** Nobody may write what was unpacked, and nobody gets the rights of its owner by running it. */
const READ_AND_RUN = 0o555;

const UNSAFE = 'backend artifact contains an unsafe archive entry';

/**
 * Unpacks a tar.gz of plain files and folders; anything else in it, twice the same name, and names that lead
 * out are refused.
 * @param folder where nothing is yet
 * @param strip so many leading folders are left out
 * @throws BackendRefusedError; what was unpacked until then stays
 */
export async function unpack(archive: Readable, folder: string, strip: number): Promise<void> {
  const { extract } = await import('tar-stream');
  await mkdir(folder, { mode: 0o700 });
  const unpacking = new ArchiveWriter(folder, strip);
  const tar = extract();
  const feeding = pipeline(archive, createGunzip(), tar);
  // It may fail while an entry is written, when nobody waits for it yet: Node would end the server.
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

/**
 * Takes the right to write from a folder: only when it stands where it is to stay, for it cannot be moved
 * then.
 */
export function seal(folder: string): Promise<void> {
  return chmod(folder, READ_AND_RUN);
}

/** What the file system says is told as it is; anything else is the archive's fault. */
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
 * Not by `pipeline`: it waits for ever for a stream of tar-stream that has ended before it was asked, as one
 * does when its archive is cut off. What is missing then is seen by whoever feeds the archive.
 */
async function write(content: AsyncIterable<Uint8Array>, target: string): Promise<void> {
  // `wx` follows no link and replaces nothing.
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
    // A file stands in its way.
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
