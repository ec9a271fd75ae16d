import { readdir } from 'node:fs/promises';
import { errorCode } from '../../errors/index.js';
import { tryOpenPlainFile, type PlainFile } from './plain-file.js';
import type { ZipMember } from './zip-archive.js';

/** As the original has them: documents and events are for their owner alone. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;
/** Digits of the number of an event; it may have more. */
const DIGITS = 5;

/** @param name without a slash at its end */
export function folderMember(name: string): ZipMember {
  return { name: `${name}/`, mode: FOLDER_MODE, modified: new Date() };
}

/** A document that is there as a text. */
export function documentMember(name: string, text: string, modified: Date): ZipMember {
  const isValid = !Number.isNaN(modified.getTime());
  return { name, mode: FILE_MODE, modified: isValid ? modified : new Date(), content: Buffer.from(text) };
}

/**
 * `event-00000-<id>.json`. An id comes from a file that anybody may have changed: it must not make another
 * path of it.
 */
export function eventFileName(seq: number, id: string): string {
  return `event-${String(seq).padStart(DIGITS, '0')}-${id.replace(/[^\w-]/g, '_').slice(0, 100)}.json`;
}

/** The names in a folder, sorted; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
}

/**
 * The files of a folder whose names match, one after the other; each is closed when the next is asked for.
 */
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
