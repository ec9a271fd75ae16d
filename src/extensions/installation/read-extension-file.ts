import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isInside } from '../../files/index.js';

/**
 * Opens a file of an extension. Close it.
 * @param below a path in the folder
 * @throws errors of the system, RangeError for what leads out or is no file
 */
export async function openInside(folder: string, below: string): Promise<FileHandle> {
  const [root, real] = await Promise.all([realpath(folder), realpath(path.resolve(folder, below))]);
  if (!isInside(root, real)) throw new RangeError('it leads out of the extension');
  const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new RangeError('it is no file');
}

/**
 * Reads a file of an extension.
 * @throws errors of the system, RangeError for what leads out, is no file or is too large
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
