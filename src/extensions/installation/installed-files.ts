import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Most files of one extension that are listed. */
const MAX_FILES = 2_000;
const MAX_DEPTH = 16;

/**
 * The files of an extension by path below it, sorted, without `.git`. A folder that is not there has none.
 */
export async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  await collect(folder, '', files);
  return files.sort();
}

async function collect(root: string, below: string, files: string[]): Promise<void> {
  if (below.split('/').length > MAX_DEPTH) return;
  const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (files.length >= MAX_FILES) return;
    const place = path.posix.join(below, entry.name);
    if (entry.isDirectory() && entry.name !== '.git') await collect(root, place, files);
    else if (entry.isFile()) files.push(place);
  }
}
