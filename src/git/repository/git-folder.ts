import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';

/** Where the parts of a repository are. */
export interface GitFolder {
  /** The folder with `.git` in it: real path. */
  top: string;
  /** HEAD and the index. */
  own: string;
  /** Objects and references; another folder for a worktree. */
  common: string;
}

/** How a file is opened that may turn out to be a pipe: without waiting for its other end. */
export const PLAIN_READ = constants.O_RDONLY | constants.O_NONBLOCK;
/** Bytes of a file that only names something. */
const MAX_NAME_FILE = 4096;

/**
 * Finds the repository that a folder (real path) lies in, as git would, without running it.
 * @param mayBegin whether it is looked for in a folder and above
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
  const own = kind === 'folder' ? entry : await pointedTo(entry);
  if (own === undefined) return undefined;
  const common = path.resolve(own, (await nameIn(path.join(own, 'commondir'))) ?? '.');
  const parts = await Promise.all([
    kindOf(path.join(own, 'HEAD')),
    kindOf(path.join(common, 'objects')),
    kindOf(path.join(common, 'refs')),
  ]);
  return parts.every((part) => part !== undefined) ? { top, own, common } : undefined;
}

/** What a worktree or a submodule has instead of the folder `.git`. */
async function pointedTo(file: string): Promise<string | undefined> {
  const target = /^gitdir: (.+)$/.exec((await nameIn(file)) ?? '')?.[1];
  return target === undefined ? undefined : path.resolve(path.dirname(file), target);
}

/** The first line of a small plain file. */
export async function nameIn(file: string): Promise<string | undefined> {
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
