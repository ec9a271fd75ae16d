import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * The contents of all files below a folder, joined.
 * @param leftOut a name of folders whose files are left out
 */
export async function textsBelow(folder: string, leftOut?: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(
    (entry) => entry.isFile() && (leftOut === undefined || path.basename(entry.parentPath) !== leftOut),
  );
  if (files.length === 0) throw new Error(`there are no files below ${folder}`);
  const texts = files.map((entry) => readFile(path.join(entry.parentPath, entry.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}
