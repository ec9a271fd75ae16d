import { mkdir, open, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { FILE_MODE, FOLDER_MODE } from './conversation-folder.js';

/** Makes the names in a folder durable: a new or renamed file may otherwise be gone after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The sync of a folder that begins when the one that is under way has ended. */
const nextSyncs = new Map<string, Promise<void>>();
const currentSyncs = new Map<string, Promise<void>>();

/**
 * `syncFolder` for a folder in which many things are made at once: all that ask while one sync is under way share the next.
 */
export function syncFolderTogether(folder: string): Promise<void> {
  const next = nextSyncs.get(folder);
  if (next) return next;
  const current = currentSyncs.get(folder);
  if (!current) return startSync(folder);
  const following = current
    .catch(() => undefined)
    .then(() => {
      nextSyncs.delete(folder);
      return startSync(folder);
    });
  nextSyncs.set(folder, following);
  return following;
}

function startSync(folder: string): Promise<void> {
  const sync = syncFolder(folder).finally(() => {
    if (currentSyncs.get(folder) === sync) currentSyncs.delete(folder);
  });
  currentSyncs.set(folder, sync);
  return sync;
}

/** Removes a file if it is there. `rm` with `force` would look at it twice first. */
export async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Makes a folder, and its name durable if it is new. */
export async function makeFolder(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (firstMade !== undefined) await syncFolder(path.dirname(firstMade));
}

/**
 * Replaces a file so that after a crash it is either the old or the new one, whole. It is the new one for sure when its
 * folder was synced afterwards.
 * @param temporary name for the new content in the same folder, not used by anybody else
 * @param mayReplace asked after the content is on disk; when it throws, the old file stays
 */
export async function replaceFile(
  file: string,
  temporary: string,
  content: string,
  mayReplace: () => Promise<void>,
): Promise<void> {
  try {
    const handle = await open(temporary, 'w', FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await mayReplace();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
