import { readdir } from 'node:fs/promises';
import { errorCode } from '../../../errors/index.js';
import { replaceFile, type FileContent } from '../../../files/index.js';

/** Readable by the owner only: events contain conversations. */
const FILE_MODE = 0o600;

/** Writes a file atomically. It is durable when this resolves. */
export async function writeDurably(file: string, content: FileContent): Promise<void> {
  await replaceFile(file, content, {
    mode: FILE_MODE,
    flush: 'content and name',
    temporary: `${file}.${process.pid}.tmp`,
  });
}

/** The names in a folder, sorted; empty if the folder does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
