import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorCode } from '../errors/index.js';
import { makeFolder } from '../files/index.js';
import { storageFailure, StorageFailedError } from '../storage/index.js';
import { UnwritableFolderError } from './startup-error.js';

/**
 * Creates the folder if need be and writes to it for a moment: permissions alone do not tell of a read-only disk. A full disk
 * is only warned of: what is stored can be read, and deleting is what makes room.
 * @throws UnwritableFolderError
 */
export async function requireWritableFolder(option: string, folder: string): Promise<void> {
  const probe = path.join(folder, `.write-test-${randomUUID()}`);
  try {
    await makeFolder(folder);
    await writeFile(probe, 'x');
  } catch (error) {
    const failure = storageFailure(error);
    if (!(failure instanceof StorageFailedError) || !failure.isFull)
      throw new UnwritableFolderError(option, folder, error);
    const reason = errorCode(error) ?? '';
    new Logger('Server').warn(
      `the disk of ${folder} (${option}) is full (${reason}): until there is room, conversations can be read and deleted only`,
    );
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}
