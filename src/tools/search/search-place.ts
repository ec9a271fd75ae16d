import { stat } from 'node:fs/promises';
import path from 'node:path';
import { SearchError } from './ripgrep.js';

/** No more files than these are told of. */
export const MAX_FILES = 100;

/** What follows a list that is cut. */
export const CUT_NOTICE = `\n\n[Results truncated to the first ${MAX_FILES} files. Please use a more specific pattern or path.]`;

/** Where a search takes place: an absolute path, from one that may be relative to the workspace. */
export function searchPlace(workingDir: string, given: string | undefined): string {
  return path.resolve(workingDir, given ?? '.');
}

/** @throws SearchError when the path leads to no folder */
export async function requireFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  throw new SearchError(`Search path '${folder}' is not a valid directory`);
}

/** Whether there is such a folder. */
export async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (stats) => stats.isDirectory(),
    // Whatever the reason is that it cannot be looked at: nothing can be found there.
    () => false,
  );
}
