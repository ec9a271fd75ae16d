import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorCode, isDiskFull } from '../errors/index.js';
import { makeFolder } from '../files/index.js';
import { UnwritableFolderError } from './startup-error.js';

/**
 * Creates the folder if needed and writes a test file: permissions do not reveal a read-only disk. A full
 * disk is only a warning, because stored conversations can still be read, and deleting some makes room.
 * @throws UnwritableFolderError
 */
export async function requireWritableFolder(option: string, folder: string): Promise<void> {
  const probe = path.join(folder, `.write-test-${randomUUID()}`);
  try {
    await makeFolder(folder);
    await writeFile(probe, 'x');
  } catch (error) {
    const reason = errorCode(error) ?? '';
    if (!isDiskFull(error)) throw new UnwritableFolderError(option, folder, error);
    new Logger('Server').warn(
      `the disk of ${folder} (${option}) is full (${reason}): conversations can only be read and deleted until there is room`,
    );
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}
