import { readdir } from 'node:fs/promises';
import { errorCode } from '../../errors/index.js';
import { replaceFile, type FileContent } from '../../files/index.js';

/** Only the owner reads what is stored: events hold what people said. */
const FILE_MODE = 0o600;

/** Writes a file that after a crash is there whole or not at all; it is there when this resolves. */
export async function writeDurably(file: string, content: FileContent): Promise<void> {
  await replaceFile(file, content, {
    mode: FILE_MODE,
    flush: 'content and name',
    temporary: `${file}.${process.pid}.tmp`,
  });
}

/** The names in a folder, sorted; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
