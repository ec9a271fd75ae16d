import { statfs } from 'node:fs/promises';

/** Space of a file system in bytes. */
export interface DiskSpace {
  size: number;
  /** What the server may still write. */
  free: number;
  /** What is occupied. With `free` it may be less than `size`: some is reserved for the system. */
  used: number;
}

/** The file system of a folder; undefined if it cannot be read. */
export async function diskSpace(folder: string): Promise<DiskSpace | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  if (!found) return undefined;
  const { blocks, bsize, bavail, bfree } = found;
  return { size: blocks * bsize, free: bavail * bsize, used: (blocks - bfree) * bsize };
}
