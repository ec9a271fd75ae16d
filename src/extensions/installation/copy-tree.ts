import { constants } from 'node:fs';
import { open, readdir, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isInside, makeFolder } from '../../files/index.js';
import { errorMessage } from '../../errors/index.js';
import { toStorageError } from '../../storage/index.js';
import { InvalidExtensionError, SourceUnavailableError } from './extension-errors.js';

/** Limits of an extension. */
const COPY_LIMITS = { files: 10_000, bytes: 200 * 1024 * 1024, depth: 32 } as const;

/** The state of a copy. */
interface CopyState {
  /** Real path: nothing outside of it is copied. */
  root: string;
  files: number;
  bytes: number;
  skipped: string[];
}

/**
 * Copies a folder without `.git`. Links are replaced by their targets. Links out of `root` and special files
 * are skipped.
 * @param root folder that is or contains `from`
 * @param to new folder
 * @returns the skipped paths, relative to `from`
 * @throws InvalidExtensionError beyond the limits, SourceUnavailableError for read errors, StorageFailedError
 *   for write errors
 */
export async function copyTree(from: string, to: string, root: string): Promise<string[]> {
  const copy: CopyState = { root: await asSourceError(realpath(root)), files: 0, bytes: 0, skipped: [] };
  try {
    await copyFolder(copy, await asSourceError(realpath(from)), to, '', []);
  } catch (error) {
    if (error instanceof InvalidExtensionError || error instanceof SourceUnavailableError) throw error;
    throw toStorageError(error);
  }
  return copy.skipped;
}

/** @param above real paths of the parent folders, to detect cycles of links */
async function copyFolder(
  copy: CopyState,
  from: string,
  to: string,
  below: string,
  above: string[],
): Promise<void> {
  if (above.length > COPY_LIMITS.depth)
    throw new InvalidExtensionError(`folders deeper than ${COPY_LIMITS.depth}`);
  await makeFolder(to, 0o755);
  const names = (await asSourceError(readdir(from))).filter((name) => name !== '.git');
  // Counted before the first one is copied: a folder with too many costs nothing.
  copy.files += names.length;
  if (copy.files > COPY_LIMITS.files) throw new InvalidExtensionError(`more than ${COPY_LIMITS.files} files`);
  for (const name of names.sort()) {
    const place = path.join(below, name);
    const real = await realpath(path.join(from, name)).catch(() => undefined);
    const facts =
      real === undefined || !isInside(copy.root, real) ? undefined : await asSourceError(stat(real));
    if (real === undefined || facts === undefined) copy.skipped.push(place);
    else if (facts.isFile()) await copyFile(copy, real, path.join(to, name), place);
    else if (!facts.isDirectory() || [...above, from].includes(real)) copy.skipped.push(place);
    else await copyFolder(copy, real, path.join(to, name), place, [...above, from]);
  }
}

async function copyFile(copy: CopyState, from: string, to: string, place: string): Promise<void> {
  // The file may have been replaced by a link or a pipe.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await asSourceError(open(from, flags));
  try {
    const facts = await handle.stat();
    // A parent folder may have been replaced by a link: check what was opened.
    const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => from);
    if (!facts.isFile() || !isInside(copy.root, opened)) return void copy.skipped.push(place);
    copy.bytes += facts.size;
    if (copy.bytes > COPY_LIMITS.bytes)
      throw new InvalidExtensionError(`more than ${COPY_LIMITS.bytes} bytes`);
    const content = handle.createReadStream({ autoClose: false, start: 0, end: Math.max(0, facts.size - 1) });
    const mode = (facts.mode & 0o111) === 0 ? 0o644 : 0o755;
    await writeFile(to, facts.size === 0 ? '' : content, { flag: 'wx', mode });
  } finally {
    await handle.close();
  }
}

/** Errors while reading are faults of the source. */
async function asSourceError<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new SourceUnavailableError(errorMessage(error));
  }
}
