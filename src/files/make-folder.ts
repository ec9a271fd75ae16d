import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Creates a folder and its parents. Not by `mkdir` with `recursive`, which never returns and occupies a
 * thread if a parent cannot be created (below `/proc`).
 * @param mode of created folders; the default is that of the process
 * @throws the system error for the first folder that cannot be created
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
    // It was created at the same time.
    if (!isFolder(folder)) throw error;
  }
}

/** @throws for anything that exists and is not a folder, and for paths that cannot be examined */
function isFolder(candidate: string, isAbove = false): boolean {
  // Synchronous: a round trip to a thread costs twenty times the call, and most folders exist.
  const found = statSync(candidate, { throwIfNoEntry: false });
  if (!found) return false;
  if (found.isDirectory()) return true;
  // For a path below a file Node 24 reports that it does not exist; Node 20 throws this.
  if (isAbove)
    throw Object.assign(new Error(`ENOTDIR: not a directory, '${candidate}'`), { code: 'ENOTDIR' });
  throw new Error(`${candidate} is not a folder`);
}
