import { access, lstat, readdir, realpath, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { errorCode, errorMessage } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { KeyedSerialQueue } from '../../flow/index.js';
import {
  addWorktree,
  commitOf,
  GitCommandError,
  GitPathError,
  removeWorktree,
  Repository,
} from '../../git/index.js';
import type { WorktreeRecord } from '../state/conversation-state.js';
import type { WorktreeOptions } from '../state/start-request.js';
import { WorktreeUsers } from './worktree-users.js';

/** Default options: the worktree starts at the checked-out commit. */
export const FROM_HEAD: WorktreeOptions = { base: 'head', ref: null, branch_prefix: 'openhands/' };

/** The names of the folders: the id of a conversation, and a number if there is one of that name. */
const CONVERSATION = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(-\d+)?$/;

/** A requested worktree cannot be created. The message says why. */
export class WorktreeError extends Error {
  override readonly name = 'WorktreeError';
}

/** A worktree, and the folder in it that corresponds to the workspace. */
export interface CreatedWorktree {
  record: WorktreeRecord;
  workingDir: string;
}

/**
 * Creates and removes the git worktrees of conversations, each on a branch of its own. Programs that the
 * repository configures are not run.
 */
export class Worktrees {
  private readonly logger = new Logger('Worktrees');
  /**
   * Commands that change a repository run one after the other: git's locks would make concurrent ones fail.
   */
  private readonly queues = new KeyedSerialQueue();

  constructor(
    /** The folder of all worktrees (absolute path). */
    private readonly root: string,
    /** Filter drivers of the operator's git configuration that are allowed to run. */
    private readonly filters: readonly string[],
    /** Names the storage of the conversations. */
    private readonly mark: string,
  ) {}

  /**
   * Creates the worktree of a conversation.
   * @param workspace absolute path of an existing folder
   * @returns undefined if the workspace is not in a repository
   * @throws WorktreeError
   */
  async create(
    workspace: string,
    id: string,
    options: WorktreeOptions,
  ): Promise<CreatedWorktree | undefined> {
    const real = await realpath(workspace);
    let repository: Repository | undefined;
    try {
      repository = await Repository.open(real, undefined);
      if (!repository) return undefined;
      const opened = repository;
      const { top } = opened.folder;
      const commit = await resolveStart(opened, options);
      const record = await this.queues.run(top, () => this.add(opened, id, commit, options));
      await this.share(record, id);
      return { record, workingDir: path.resolve(record.path, path.relative(top, real)) };
    } catch (error) {
      const reason = gitFailureReason(error);
      if (reason === undefined) throw error;
      throw new WorktreeError(`The worktree of ${workspace} cannot be created: ${reason}`);
    } finally {
      await repository?.close();
    }
  }

  /** Registers conversations as users of a worktree. It is kept as long as one of them exists. */
  async share({ path: folder }: WorktreeRecord, ...ids: string[]): Promise<void> {
    if (!this.owns(folder)) return;
    const users = this.usersOf(folder);
    for (const id of ids) await users.add(id);
  }

  /**
   * Unregisters a conversation that is being deleted, and removes the worktree with its last user. Never
   * rejects.
   * @param exists whether a conversation exists
   */
  async leave(record: WorktreeRecord, id: string, exists: (id: string) => Promise<boolean>): Promise<void> {
    try {
      const users = this.usersOf(record.path);
      // Unregister first, then look for others: if two leave at once, at least one finds none left.
      await users.remove(id);
      for (const user of await users.list()) if (await exists(user)) return;
      await this.remove(record);
    } catch (error) {
      this.logger.warn(`worktree ${record.path}: ${errorMessage(error)}`);
    }
  }

  /** Removes a worktree with its files. The branch and its commits are kept. */
  async remove({ repository, path: folder }: WorktreeRecord): Promise<void> {
    try {
      await this.queues.run(repository, () => removeWorktree(repository, folder));
    } catch (error) {
      this.logger.warn(`worktree ${folder}: ${errorMessage(error)}`);
    }
    if (!this.owns(folder)) return;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    await this.usersOf(folder)
      .clear()
      .catch(() => undefined);
    await rmdir(path.dirname(folder)).catch(() => undefined);
  }

  /**
   * Removes worktrees that a crash, or the deletion of a damaged conversation, has left without a user. Git
   * removes its records of them by itself.
   * @param minAgeMs worktrees that were made later may belong to a conversation that is being created
   * @returns how many were removed, and what could not be
   */
  async removeUnused(
    exists: (id: string) => Promise<boolean>,
    minAgeMs: number,
  ): Promise<{ removed: number; failures: string[] }> {
    let removed = 0;
    const failures: string[] = [];
    for (const name of await namesOf(this.root)) {
      const folder = path.join(this.root, name);
      try {
        if (await this.isUsed(folder, exists, minAgeMs)) continue;
        await rm(folder, { recursive: true, force: true });
        removed += 1;
      } catch (error) {
        failures.push(`${folder}: ${errorMessage(error)}`);
      }
    }
    return { removed, failures };
  }

  private async isUsed(
    folder: string,
    exists: (id: string) => Promise<boolean>,
    minAgeMs: number,
  ): Promise<boolean> {
    const stats = await lstat(folder);
    if (!CONVERSATION.test(path.basename(folder)) || !stats.isDirectory()) return true;
    if (Date.now() - stats.mtimeMs < minAgeMs) return true;
    const users = this.usersOf(path.join(folder, 'any'));
    // The folder may be that of all servers of the machine: others know their conversations.
    if (!(await users.areMarked())) return true;
    for (const user of await users.list()) if (await exists(user)) return true;
    return false;
  }

  private usersOf(worktree: string): WorktreeUsers {
    return new WorktreeUsers(worktree, this.mark);
  }

  private owns(folder: string): boolean {
    return path.dirname(path.dirname(folder)) === this.root;
  }

  private async add(
    repository: Repository,
    id: string,
    commit: string,
    { branch_prefix }: WorktreeOptions,
  ): Promise<WorktreeRecord> {
    const { top } = repository.folder;
    const { name, branch } = await this.freeNames(repository, id, branch_prefix);
    const folder = path.join(this.root, name, path.basename(top));
    await makeFolder(path.dirname(folder)).catch((error: unknown) => {
      throw new WorktreeError(`The worktree cannot be created: ${errorMessage(error)}`);
    });
    await addWorktree(repository, { folder, branch, commit, filters: this.filters });
    return { repository: top, path: folder, branch };
  }

  /**
   * Unused names for the folder and the branch. An earlier conversation with the same id may have used its
   * id.
   */
  private async freeNames(
    repository: Repository,
    id: string,
    prefix: string,
  ): Promise<{ name: string; branch: string }> {
    for (let number = 1; ; number++) {
      const name = number === 1 ? id : `${id}-${number}`;
      const branch = `${prefix}${name}`;
      if ((await pathExists(path.join(this.root, name))) || (await hasBranch(repository, branch))) continue;
      return { name, branch };
    }
  }
}

/** The reason of a failure of git or the file system; undefined for any other error. */
function gitFailureReason(error: unknown): string | undefined {
  if (error instanceof GitCommandError) return error.reason === '' ? error.message : error.reason;
  const isKnown = error instanceof GitPathError || errorCode(error) !== undefined;
  return isKnown ? errorMessage(error) : undefined;
}

/** The commit that the new branch starts at. */
async function resolveStart(repository: Repository, options: WorktreeOptions): Promise<string> {
  const name = options.base === 'ref' ? (options.ref ?? 'HEAD') : await baseRef(repository, options.base);
  const commit = await commitOf(repository, name);
  if (commit !== undefined) return commit;
  const { top } = repository.folder;
  throw new WorktreeError(
    name === 'HEAD'
      ? `The worktree of ${top} cannot be created: the repository has no commits yet`
      : `The worktree of ${top} cannot be created: commit '${name}' does not exist`,
  );
}

async function baseRef(repository: Repository, base: 'default_branch' | 'head'): Promise<string> {
  if (base === 'head') return 'HEAD';
  const remote = await repository.tryGit(['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD']);
  if (remote) return remote;
  for (const branch of ['main', 'master'])
    if (await hasBranch(repository, branch)) return `refs/heads/${branch}`;
  return 'HEAD';
}

async function hasBranch(repository: Repository, branch: string): Promise<boolean> {
  const command = ['show-ref', '--verify', '--quiet', `refs/heads/${branch}`];
  return (await repository.tryGit(command)) !== undefined;
}

async function pathExists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function namesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
