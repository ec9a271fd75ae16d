import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../errors/index.js';

/**
 * Makes a folder and those above it. Not `mkdir` with `recursive`: where a folder above cannot be made (below `/proc`),
 * that never returns and keeps a thread busy.
 * @param mode of those that are made; the default is the usual one of the process
 * @throws the error of the system for the first folder that cannot be made
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !(await isFolder(at)); at = path.dirname(at)) missing.unshift(at);
  for (const next of missing) await makeOne(next, mode);
}

async function makeOne(folder: string, mode?: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Somebody else made it at the same time.
    if (!(await isFolder(folder))) throw error;
  }
}

/** @throws for what is there and is no folder, and for what the system does not let us look at */
async function isFolder(candidate: string): Promise<boolean> {
  try {
    if ((await stat(candidate)).isDirectory()) return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  throw new Error(`${candidate} is not a folder`);
}
