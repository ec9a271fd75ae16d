import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../../files/index.js';
import { toStorageError } from '../../../storage/index.js';
import { readArchive, takeArchive } from './archive-source.js';
import { BackendRefusedError } from './backend-errors.js';
import type { CanvasExtensionBackendArtifactDto } from './backend-manifest.js';
import type { BackendPlaces } from './backend-places.js';
import { seal, unpack } from './unpack.js';

/** Nothing takes that long (ms). */
const LEFTOVER_MS = 60 * 60_000;

/**
 * Has the program of a back end unpacked in its place, which carries the digest of its archive. It appears
 * there as a whole: a process that dies leaves nothing there.
 * @param folder the installed extension (absolute path)
 * @throws BackendRefusedError, StorageFailedError
 */
export async function unpackedArtifact(
  places: BackendPlaces,
  name: string,
  artifact: CanvasExtensionBackendArtifactDto,
  folder: string,
): Promise<string> {
  const target = places.artifact(name, artifact.sha256);
  if (await isFolder(target)) return target;
  await sweep(places.work);
  const work = path.join(places.work, randomUUID());
  try {
    await makeFolder(work, 0o700);
    await makeFolder(path.dirname(target), 0o700);
    const archive = path.join(work, 'archive');
    const unpacked = path.join(work, 'unpacked');
    await takeArchive(artifact, folder, archive);
    await unpack(readArchive(archive), unpacked, artifact.strip_components);
    await rename(unpacked, target);
    await seal(target);
    return target;
  } catch (error) {
    throw error instanceof BackendRefusedError ? error : toStorageError(error);
  } finally {
    await removeTree(work);
  }
}

export async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}

/** Removes what was unpacked of other versions of a back end: nothing runs them any more. */
export async function removeOtherArtifacts(kept: string): Promise<void> {
  const folder = path.dirname(kept);
  for (const name of await readdir(folder).catch(() => [])) {
    if (name !== path.basename(kept)) await removeTree(path.join(folder, name));
  }
}

/** Removes what servers have left that were killed at work. */
async function sweep(work: string): Promise<void> {
  for (const name of await readdir(work).catch(() => [])) {
    const folder = path.join(work, name);
    const facts = await stat(folder).catch(() => undefined);
    if (facts && Date.now() - facts.mtimeMs > LEFTOVER_MS) await removeTree(folder);
  }
}

/** What cannot be removed is only in the way. */
async function removeTree(folder: string): Promise<void> {
  try {
    await unseal(folder);
    await rm(folder, { recursive: true, force: true });
  } catch {
    // It stays.
  }
}

/** Without the right to write to a folder nothing in it can be removed, unless one is root. */
async function unseal(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await unseal(path.join(folder, entry.name));
  }
  await chmod(folder, 0o700);
}
