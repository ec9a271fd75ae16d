import fs from 'node:fs';
import { promisify } from 'node:util';
import { SharedRun } from '../flow/index.js';

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

/** The syncs of folders that are under way. */
const syncs = new Map<string, SharedRun>();

/**
 * `syncFolder` for a folder in which many names are made at once: all callers that come while one sync is
 * under way share the next.
 */
export async function syncFolderTogether(folder: string): Promise<void> {
  const sync = syncs.get(folder) ?? new SharedRun(() => syncFolder(folder));
  syncs.set(folder, sync);
  try {
    await sync.run();
  } finally {
    if (sync.last === undefined && syncs.get(folder) === sync) syncs.delete(folder);
  }
}
