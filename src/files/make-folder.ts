import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder and those above it. Not `mkdir` with `recursive`: where a folder above cannot be made (below
 * `/proc`), that never returns and keeps a thread busy.
 * @param mode of those that are made; the default is the usual one of the process
 * @throws the error of the system for the first folder that cannot be made
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !isFolder(at, at !== folder); at = path.dirname(at)) missing.unshift(at);
  for (const next of missing) await makeOne(next, mode);
}

async function makeOne(folder: string, mode?: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Somebody else made it at the same time.
    if (!isFolder(folder)) throw error;
  }
}

/** @throws for what is there and is no folder, and for what the system does not let us look at */
function isFolder(candidate: string, isAbove = false): boolean {
  // At once: by way of a thread it would take twenty times as long, and most folders are there.
  const found = statSync(candidate, { throwIfNoEntry: false });
  if (!found) return false;
  if (found.isDirectory()) return true;
  // Node 24 says of what is below a file that it is not there; Node 20 throws this.
  if (isAbove)
    throw Object.assign(new Error(`ENOTDIR: not a directory, '${candidate}'`), { code: 'ENOTDIR' });
  throw new Error(`${candidate} is not a folder`);
}
