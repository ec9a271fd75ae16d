import { statfs } from 'node:fs/promises';

/** Space of a file system in bytes. */
export interface DiskSpace {
  size: number;
  /** What the server may still write. */
  free: number;
}

/** The file system of a folder; undefined if it cannot be read. */
export async function diskSpace(folder: string): Promise<DiskSpace | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && { size: found.blocks * found.bsize, free: found.bavail * found.bsize };
}
