import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../errors/index.js';

/** The unit of `blocks` in bytes, whatever the file system. */
const BLOCK = 512;

/** The size of a tree of files on its disk. */
interface TreeSize {
  bytes: number;
  /** False if the tree has more entries than were looked at: then it is larger. */
  isWhole: boolean;
}

/**
 * What a file or a folder with everything in it occupies on its disk. Links are not followed, other file
 * systems are not entered, and what disappears meanwhile counts nothing.
 * @param maxEntries how many files and folders are looked at
 */
export async function treeSize(root: string, maxEntries: number): Promise<TreeSize> {
  const top = await lstat(root).catch(undefinedIfGone);
  if (!top) return { bytes: 0, isWhole: true };
  let bytes = top.blocks * BLOCK;
  let left = maxEntries;
  const folders = top.isDirectory() ? [root] : [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await opendir(folder).catch(undefinedIfGone);
    if (!entries) continue;
    for await (const { name } of entries) {
      if (left === 0) return { bytes, isWhole: false };
      left -= 1;
      const file = path.join(folder, name);
      const stats = await lstat(file).catch(undefinedIfGone);
      if (stats?.dev !== top.dev) continue;
      bytes += stats.blocks * BLOCK;
      if (stats.isDirectory()) folders.push(file);
    }
  }
  return { bytes, isWhole: true };
}

/** What cannot be looked at counts nothing either. */
function undefinedIfGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) throw error;
  return undefined;
}
