import { lstatSync } from 'node:fs';

/**
 * Whether nothing of this name exists; a dangling link exists. Synchronous, because a round trip to a thread
 * costs twenty times the call. On errors the answer is no: opening the file then reports them.
 */
export function isMissing(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
