import { lstatSync } from 'node:fs';
import { errorCode } from '../errors/index.js';

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

/** For `catch`: turns the error of a missing file into undefined and throws any other. */
export function undefinedIfMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined;
  throw error;
}
