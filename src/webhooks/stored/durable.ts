import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';

/** Only the owner reads what is stored: events hold what people said. */
const FILE_MODE = 0o600;

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file that after a crash is there whole or not at all; it is there when this resolves. */
export async function writeDurably(
  file: string,
  parts: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', FILE_MODE);
    try {
      for await (const part of parts) await handle.appendFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
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
