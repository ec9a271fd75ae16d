import { readdir } from 'node:fs/promises';
import { errorCode } from '../../../errors/index.js';
import { tryOpenPlainFile, type PlainFile, type ZipMember } from '../../../files/index.js';

/** As in the original: documents and events are readable by their owner only. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;
/** Minimum number of digits of an event's seq. */
const DIGITS = 5;

/** @param name without a trailing slash */
export function folderMember(name: string): ZipMember {
  return { name: `${name}/`, mode: FOLDER_MODE, modified: new Date() };
}

/** A document given as text. */
export function documentMember(name: string, text: string, modified: Date): ZipMember {
  const isValid = !Number.isNaN(modified.getTime());
  return { name, mode: FILE_MODE, modified: isValid ? modified : new Date(), content: Buffer.from(text) };
}

/**
 * `event-00000-<id>.json`. The id comes from a file that may have been modified, so it must not change the
 * path.
 */
export function eventFileName(seq: number, id: string): string {
  return `event-${String(seq).padStart(DIGITS, '0')}-${id.replace(/[^\w-]/g, '_').slice(0, 100)}.json`;
}

/** The sorted names in a folder; empty without a folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
}

/** Opens the files of a folder whose names match, one after the other; each is closed before the next. */
export async function* filesIn(folder: string, pattern: RegExp): AsyncGenerator<PlainFile, void> {
  for (const name of await namesIn(folder)) {
    const file = pattern.test(name) ? await tryOpenPlainFile(`${folder}/${name}`) : undefined;
    if (!file) continue;
    try {
      yield file;
    } finally {
      await file.handle.close();
    }
  }
}
