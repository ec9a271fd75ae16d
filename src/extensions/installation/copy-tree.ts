import { constants } from 'node:fs';
import { open, readdir, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isInside, makeFolder } from '../../files/index.js';
import { errorMessage } from '../../errors/index.js';
import { toStorageError } from '../../storage/index.js';
import { InvalidExtensionError, SourceUnavailableError } from './extension-errors.js';

/** The most that an extension may bring along. */
export const LIMITS = { files: 10_000, bytes: 200 * 1024 * 1024, depth: 32 } as const;

/** One copy on its way. */
interface Copy {
  /** Real path: what lies outside is not copied. */
  root: string;
  files: number;
  bytes: number;
  leftOut: string[];
}

/**
 * Copies the files of a folder, without `.git`. Links become what they point at; those that lead out of
 * `root`, and what is neither file nor folder, are left out.
 * @param root a folder that `from` is or lies in
 * @param to is not there yet
 * @returns what was left out, by path below `from`
 * @throws InvalidExtensionError beyond `LIMITS`, SourceUnavailableError for what cannot be read,
 *   StorageFailedError for what cannot be written
 */
export async function copyTree(from: string, to: string, root: string): Promise<string[]> {
  const copy: Copy = { root: await readable(realpath(root)), files: 0, bytes: 0, leftOut: [] };
  try {
    await copyFolder(copy, await readable(realpath(from)), to, '', []);
  } catch (error) {
    if (error instanceof InvalidExtensionError || error instanceof SourceUnavailableError) throw error;
    throw toStorageError(error);
  }
  return copy.leftOut;
}

/** @param above real paths of the folders that this one is in: links in a circle end there */
async function copyFolder(
  copy: Copy,
  from: string,
  to: string,
  below: string,
  above: string[],
): Promise<void> {
  if (above.length > LIMITS.depth) throw new InvalidExtensionError(`folders deeper than ${LIMITS.depth}`);
  await makeFolder(to, 0o755);
  for (const name of (await readable(readdir(from))).sort()) {
    if (name === '.git') continue;
    if (++copy.files > LIMITS.files) throw new InvalidExtensionError(`more than ${LIMITS.files} files`);
    const place = path.join(below, name);
    const real = await realpath(path.join(from, name)).catch(() => undefined);
    const facts = real === undefined || !isInside(copy.root, real) ? undefined : await readable(stat(real));
    if (real === undefined || facts === undefined) copy.leftOut.push(place);
    else if (facts.isFile()) await copyFile(copy, real, path.join(to, name), place);
    else if (!facts.isDirectory() || [...above, from].includes(real)) copy.leftOut.push(place);
    else await copyFolder(copy, real, path.join(to, name), place, [...above, from]);
  }
}

async function copyFile(copy: Copy, from: string, to: string, place: string): Promise<void> {
  // Neither a link nor a pipe that took the place of the file meanwhile.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await readable(open(from, flags));
  try {
    const facts = await handle.stat();
    // A folder on the way may have become a link meanwhile: what counts is what was opened.
    const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => from);
    if (!facts.isFile() || !isInside(copy.root, opened)) return void copy.leftOut.push(place);
    copy.bytes += facts.size;
    if (copy.bytes > LIMITS.bytes) throw new InvalidExtensionError(`more than ${LIMITS.bytes} bytes`);
    const content = handle.createReadStream({ autoClose: false, start: 0, end: Math.max(0, facts.size - 1) });
    const mode = (facts.mode & 0o111) === 0 ? 0o644 : 0o755;
    await writeFile(to, facts.size === 0 ? '' : content, { flag: 'wx', mode });
  } finally {
    await handle.close();
  }
}

/** What goes wrong while a source is read is the fault of the source. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new SourceUnavailableError(errorMessage(error));
  }
}
