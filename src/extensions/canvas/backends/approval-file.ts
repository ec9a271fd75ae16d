import { rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import { makeFolder, readJsonFile, replaceFile } from '../../../files/index.js';
import { toStorageError } from '../../../storage/index.js';
import { isJsonObject } from '../../../json/index.js';

/** A user's approval of one version of a back end. */
interface Approval {
  revision: string;
  platform: string;
  artifact_sha256: string;
  /** Absolute path. */
  artifact_dir: string;
}

/** Reads an approval; undefined if it is missing or invalid. @throws StorageFailedError */
export async function readApproval(file: string): Promise<Approval | undefined> {
  const value = await readJson(file);
  if (!isJsonObject(value)) return undefined;
  const { revision, platform, artifact_sha256, artifact_dir } = value;
  if (typeof revision !== 'string' || typeof platform !== 'string') return undefined;
  if (typeof artifact_sha256 !== 'string' || typeof artifact_dir !== 'string') return undefined;
  return { revision, platform, artifact_sha256, artifact_dir };
}

/** @throws StorageFailedError */
export async function writeApproval(file: string, approval: Approval): Promise<void> {
  try {
    await makeFolder(path.dirname(file), 0o700);
    await replaceFile(file, JSON.stringify(approval), { mode: 0o600 });
  } catch (error) {
    throw toStorageError(error);
  }
}

/** @throws StorageFailedError */
export async function removeApproval(file: string): Promise<void> {
  await rm(file, { force: true }).catch((error: unknown) => {
    throw toStorageError(error);
  });
}

async function readJson(file: string): Promise<unknown> {
  try {
    return await readJsonFile(file);
  } catch (error) {
    if (errorCode(error) === undefined || errorCode(error) === 'ENOENT') return undefined;
    throw toStorageError(error);
  }
}
