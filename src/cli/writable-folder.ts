import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { makeFolder } from '../files/index.js';
import { UnwritableFolderError } from './startup-error.js';

/**
 * Creates the folder if need be and writes to it for a moment: permissions alone do not tell of a read-only or full disk.
 * @throws UnwritableFolderError
 */
export async function requireWritableFolder(option: string, folder: string): Promise<void> {
  const probe = path.join(folder, `.write-test-${randomUUID()}`);
  try {
    await makeFolder(folder);
    await writeFile(probe, 'x');
  } catch (error) {
    throw new UnwritableFolderError(option, folder, error);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}
