import fs from 'node:fs';
import { promisify } from 'node:util';

const sync = promisify(fs.fsync);

/** Makes the names in a folder durable: a new or renamed file may otherwise be gone after a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  const fd = fs.openSync(folder, 'r');
  try {
    await sync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The sync of a folder that begins when the one that is under way has ended. */
const nextSyncs = new Map<string, Promise<void>>();
const currentSyncs = new Map<string, Promise<void>>();

/**
 * `syncFolder` for a folder in which many names are made at once: all callers that come while one sync is
 * under way share the next.
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
  const current = syncFolder(folder).finally(() => {
    if (currentSyncs.get(folder) === current) currentSyncs.delete(folder);
  });
  currentSyncs.set(folder, current);
  return current;
}
