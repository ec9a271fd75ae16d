import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';

/** The locations of a repository. */
export interface GitFolder {
  /** Real path of the folder that contains `.git`. */
  top: string;
  /** The folder of HEAD and the index. */
  own: string;
  /** The folder of objects and references; differs from `own` for a worktree. */
  common: string;
}

/** Opens for reading without blocking on a pipe. */
export const PLAIN_READ = constants.O_RDONLY | constants.O_NONBLOCK;
/** Maximum size of a file that contains a name (bytes). */
const MAX_NAME_FILE = 4096;

/**
 * Finds the repository that contains a folder (real path), as git does but without running git.
 * @param mayBegin whether a folder may be the top; the search ends at the first one that may not
 */
export async function findGitFolder(
  folder: string,
  mayBegin: (at: string) => boolean,
): Promise<GitFolder | undefined> {
  for (let at = folder; mayBegin(at); at = path.dirname(at)) {
    const found = await gitFolderAt(at);
    if (found) return found;
    if (at === path.dirname(at)) break;
  }
  return undefined;
}

/** The repository whose top a folder is. */
export async function gitFolderAt(top: string): Promise<GitFolder | undefined> {
  const entry = path.join(top, '.git');
  const kind = await kindOf(entry);
  if (kind === undefined) return undefined;
  const own = kind === 'folder' ? entry : await gitdirOf(entry);
  if (own === undefined) return undefined;
  const common = path.resolve(own, (await firstLineOf(path.join(own, 'commondir'))) ?? '.');
  const parts = await Promise.all([
    kindOf(path.join(own, 'HEAD')),
    kindOf(path.join(common, 'objects')),
    kindOf(path.join(common, 'refs')),
  ]);
  return parts.every((part) => part !== undefined) ? { top, own, common } : undefined;
}

/** The target of the `.git` file of a worktree or a submodule. */
async function gitdirOf(file: string): Promise<string | undefined> {
  const target = /^gitdir: (.+)$/.exec((await firstLineOf(file)) ?? '')?.[1];
  return target === undefined ? undefined : path.resolve(path.dirname(file), target);
}

/** The first line of a small plain file. */
export async function firstLineOf(file: string): Promise<string | undefined> {
  if ((await kindOf(file)) !== 'file') return undefined;
  const handle = await open(file, PLAIN_READ).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const buffer = Buffer.alloc(MAX_NAME_FILE);
    const { bytesRead } = await handle.read(buffer, 0, MAX_NAME_FILE, 0);
    return buffer.subarray(0, bytesRead).toString().split('\n')[0]?.trimEnd();
  } finally {
    await handle.close();
  }
}

async function kindOf(file: string): Promise<'file' | 'folder' | undefined> {
  const stats = await stat(file).catch(() => undefined);
  if (stats?.isFile()) return 'file';
  return stats?.isDirectory() ? 'folder' : undefined;
}
