import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { undefinedIfMissing } from '../../src/files/index.js';

/** A file and its content. */
export interface FileText {
  file: string;
  text: string;
}

/**
 * The contents of all files below a folder. Links are not followed. Files that a running server replaces
 * meanwhile are left out.
 */
export async function filesBelow(folder: string): Promise<FileText[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const file = path.join(parentPath, name);
    const text = await readFile(file, 'utf8').catch(undefinedIfMissing);
    return text === undefined ? [] : [{ file, text }];
  });
  return (await Promise.all(read)).flat();
}

/**
 * The contents of all files below a folder, joined.
 * @param leftOut a name of folders whose files are left out
 */
export async function textsBelow(folder: string, leftOut?: string): Promise<string> {
  const files = (await filesBelow(folder)).filter(
    ({ file }) => leftOut === undefined || path.basename(path.dirname(file)) !== leftOut,
  );
  if (files.length === 0) throw new Error(`there are no files below ${folder}`);
  return files.map(({ text }) => text).join('\n');
}
