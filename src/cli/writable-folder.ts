import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorCode } from '../errors/index.js';
import { makeFolder } from '../files/index.js';
import { UnwritableFolderError } from './startup-error.js';

/** There is no room, on the disk or for this user. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Creates the folder if need be and writes to it for a moment: permissions alone do not tell of a read-only
 * disk. A full disk is only warned of: what is stored can be read, and deleting is what makes room.
 * @throws UnwritableFolderError
 */
export async function requireWritableFolder(option: string, folder: string): Promise<void> {
  const probe = path.join(folder, `.write-test-${randomUUID()}`);
  try {
    await makeFolder(folder);
    await writeFile(probe, 'x');
  } catch (error) {
    const reason = errorCode(error) ?? '';
    if (!FULL.has(reason)) throw new UnwritableFolderError(option, folder, error);
    new Logger('Server').warn(
      `the disk of ${folder} (${option}) is full (${reason}): until there is room, conversations can be read and deleted only`,
    );
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}
