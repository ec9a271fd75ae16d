import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, isFolder } from '../../../../files/index.js';
import { toStorageError } from '../../../../storage/index.js';
import { readArchive, fetchArchive } from './fetch-archive.js';
import { BackendRefusedError } from '../backend-errors.js';
import type { CanvasExtensionBackendArtifactDto } from '../backend-manifest.js';
import type { BackendPaths } from '../backend-paths.js';
import { seal, unpack } from './unpack.js';

/** Age at which work folders count as leftovers (ms): no preparation takes that long. */
const LEFTOVER_AGE_MS = 60 * 60_000;

/**
 * Unpacks the program of a back end into a folder named after the archive's digest. The folder appears
 * complete, even if the process dies.
 * @param folder the installed extension (absolute path)
 * @throws BackendRefusedError, StorageFailedError
 */
export async function prepareArtifact(
  places: BackendPaths,
  name: string,
  artifact: CanvasExtensionBackendArtifactDto,
  folder: string,
): Promise<string> {
  const target = places.artifact(name, artifact.sha256);
  if (await isFolder(target)) return target;
  await removeLeftovers(places.work);
  const work = path.join(places.work, randomUUID());
  try {
    await makeFolder(work, 0o700);
    await makeFolder(path.dirname(target), 0o700);
    const archive = path.join(work, 'archive');
    const unpacked = path.join(work, 'unpacked');
    await fetchArchive(artifact, folder, archive);
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

/** Removes the artifacts of other versions of a back end, which nothing runs any more. */
export async function removeOtherArtifacts(kept: string): Promise<void> {
  const folder = path.dirname(kept);
  for (const name of await readdir(folder).catch(() => [])) {
    if (name !== path.basename(kept)) await removeTree(path.join(folder, name));
  }
}

/** Removes work folders of killed servers. */
async function removeLeftovers(work: string): Promise<void> {
  for (const name of await readdir(work).catch(() => [])) {
    const folder = path.join(work, name);
    const facts = await stat(folder).catch(() => undefined);
    if (facts && Date.now() - facts.mtimeMs > LEFTOVER_AGE_MS) await removeTree(folder);
  }
}

/** Removes a folder. Failures are ignored: leftovers only take space. */
async function removeTree(folder: string): Promise<void> {
  try {
    await unseal(folder);
    await rm(folder, { recursive: true, force: true });
  } catch {
    // Ignored.
  }
}

/** Makes folders writable: nothing can be removed from a read-only folder, except by root. */
async function unseal(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await unseal(path.join(folder, entry.name));
  }
  await chmod(folder, 0o700);
}
