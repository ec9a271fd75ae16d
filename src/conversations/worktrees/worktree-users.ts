import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';

/** Beside the worktree, so that nothing of it shows up in the repository. */
const USERS_FOLDER = '.users';

/**
 * Which conversations work in a worktree: one empty file each, so that nobody has to read all conversations
 * to find out. A worktree from before there were such files has the one user that it was made for.
 */
export class WorktreeUsers {
  private readonly folder: string;

  /** @param worktree absolute path of the worktree */
  constructor(worktree: string) {
    this.folder = path.join(path.dirname(worktree), USERS_FOLDER);
  }

  async add(id: string): Promise<void> {
    await makeFolder(this.folder);
    await writeFile(path.join(this.folder, id), '');
  }

  async remove(id: string): Promise<void> {
    await rm(path.join(this.folder, id), { force: true });
  }

  /** Their ids; a crash may have left some of conversations that never were or are no more. */
  async list(): Promise<string[]> {
    try {
      return await readdir(this.folder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
