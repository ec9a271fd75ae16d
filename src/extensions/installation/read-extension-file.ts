import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isInside } from '../../files/index.js';

/**
 * Opens a file of an extension. The caller closes it.
 * @param below relative path
 * @throws system errors, RangeError for a path out of the extension or not to a file
 */
export async function openInside(folder: string, below: string): Promise<FileHandle> {
  const [root, real] = await Promise.all([realpath(folder), realpath(path.resolve(folder, below))]);
  if (!isInside(root, real)) throw new RangeError('the path leads out of the extension');
  const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new RangeError('not a file');
}

/**
 * Reads a file of an extension.
 * @throws system errors, RangeError for a path out of the extension, not to a file, or to a file that is too
 *   large
 */
export async function readInside(folder: string, below: string, limit: number): Promise<Buffer> {
  const handle = await openInside(folder, below);
  try {
    if ((await handle.stat()).size > limit) throw new RangeError(`it has more than ${limit} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
