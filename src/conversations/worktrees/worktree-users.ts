import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';

/** Next to the worktree, so that it does not appear in the repository. */
const USERS_FOLDER = '.users';

/**
 * The conversations that use a worktree: one empty file each, so that it is not necessary to read all
 * conversations. Worktrees of older versions have no such files; they are used by one conversation.
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

  /** The ids of the users. After a crash, some of these conversations may not exist. */
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
