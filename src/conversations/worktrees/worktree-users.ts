import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { makeFolder, readPlainFile } from '../../files/index.js';

/** Next to the worktree, so that it does not appear in the repository. */
const USERS_FOLDER = '.users';

/** What the file of a user may contain (bytes): a mark is a digest. */
const MAX_MARK = 200;

/**
 * The conversations that use a worktree: one file each, so that it is not necessary to read all
 * conversations. Worktrees of older versions have no such files; they are used by one conversation.
 */
export class WorktreeUsers {
  private readonly folder: string;

  /**
   * @param worktree absolute path of the worktree
   * @param mark written into the files: where the conversations are stored
   */
  constructor(
    worktree: string,
    private readonly mark: string,
  ) {
    this.folder = path.join(path.dirname(worktree), USERS_FOLDER);
  }

  async add(id: string): Promise<void> {
    await makeFolder(this.folder);
    await writeFile(path.join(this.folder, id), this.mark);
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

  /** Whether all users were conversations of this storage. Servers with others may share the folder. */
  async areMarked(): Promise<boolean> {
    const users = await this.list();
    for (const id of users) {
      const mark = await readPlainFile(path.join(this.folder, id), MAX_MARK).catch(() => undefined);
      if (mark !== this.mark) return false;
    }
    return users.length > 0;
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
