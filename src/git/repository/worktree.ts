import { appendFile, cp, lstat, mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { GitPathError } from '../git-errors.js';
import { gitFolderAt, firstLineOf } from './git-folder.js';
import type { Repository } from './repository.js';
import type { GitEnvironment } from './run-git.js';

/** Time limit of a checkout (ms), for large repositories. */
const CHECKOUT_MS = 120_000;
/** Maximum number of worktrees of a repository that are read. */
const MAX_WORKTREES = 10_000;
/** Remote addresses that a filter of the operator may fetch from. */
const PLAIN_REMOTE = /^(https?:\/\/|ssh:\/\/|[\w.-]+@)[A-Za-z0-9][^\s"\\]*$/;

/** A worktree to create. */
interface WorktreeRequest {
  /** Absolute path of the new folder; its parent exists. */
  folder: string;
  /** The new branch. */
  branch: string;
  commit: string;
  /** Names of filter drivers in the operator's git configuration that may run (`lfs`). */
  filters: readonly string[];
}

/**
 * Creates a worktree on a new branch. Git runs in the shadow repository, so that nothing that the repository
 * configures runs: no hooks, no filters. Git's record of the worktree is then copied into the real
 * repository.
 * @throws GitCommandError, GitPathError, errors of the system
 */
export async function addWorktree(repository: Repository, wanted: WorktreeRequest): Promise<void> {
  const { folder, branch, commit, filters } = wanted;
  const env = filters.length > 0 ? await allowFilters(repository, filters) : {};
  const args = ['worktree', 'add', '--quiet', '--no-track', '-b', branch, '--', folder, commit];
  let known: string | undefined;
  try {
    await repository.run(args, { env, timeoutMs: CHECKOUT_MS });
    const [name = ''] = await readdir(path.join(repository.shadow, 'worktrees'));
    known = await createUniqueFolder(await worktreesFolder(repository), name);
    const noted = path.join(repository.shadow, 'worktrees', name);
    // Git uses the times to detect unchanged files.
    await cp(noted, known, { recursive: true, preserveTimestamps: true });
    await writeFile(path.join(folder, '.git'), `gitdir: ${known}\n`);
  } catch (error) {
    if (known !== undefined) await rm(known, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Removes a worktree and its content. Its branch stays.
 * @param top absolute path of the top of a worktree of the same repository
 * @returns whether the repository listed it; otherwise nothing is removed
 */
export async function removeWorktree(top: string, folder: string): Promise<boolean> {
  const found = await gitFolderAt(top);
  if (!found) return false;
  const home = path.join(found.common, 'worktrees');
  let isKnown = false;
  for (const name of (await readdir(home).catch(() => [])).slice(0, MAX_WORKTREES)) {
    const entry = path.join(home, name);
    if ((await firstLineOf(path.join(entry, 'gitdir'))) !== path.join(folder, '.git')) continue;
    isKnown = true;
    await rm(folder, { recursive: true, force: true });
    await rm(entry, { recursive: true, force: true });
  }
  return isKnown;
}

/**
 * The folder with the repository's records of its worktrees. Must not be a link, which could lead anywhere.
 */
async function worktreesFolder({ folder }: Repository): Promise<string> {
  const home = path.join(await realpath(folder.common), 'worktrees');
  await mkdir(home).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  if ((await lstat(home)).isDirectory()) return home;
  throw new GitPathError('The folder worktrees of the repository is not a folder');
}

/** Creates a folder with an unused name, as git does: `project`, `project1`, ... */
async function createUniqueFolder(home: string, name: string): Promise<string> {
  for (let number = 0; ; number += 1) {
    const folder = path.join(home, `${name}${number === 0 ? '' : number}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || number > MAX_WORKTREES) throw error;
    }
  }
}

/**
 * Enables some filters of the operator's configuration in the shadow repository and disables all others.
 * Gives LFS its objects and the remote.
 * @returns additional variables for git
 */
async function allowFilters(repository: Repository, filters: readonly string[]): Promise<GitEnvironment> {
  const env = { GIT_CONFIG_GLOBAL: undefined, GIT_CONFIG_NOSYSTEM: undefined };
  const names = ['config', '--name-only', '-z', '--get-regexp', String.raw`^filter\..`];
  const defined = (await repository.tryGit(names, { env })) ?? '';
  const lines: string[] = [];
  for (const driver of new Set(defined.split('\0').map((name) => name.split('.').slice(1, -1).join('.')))) {
    if (driver === '' || filters.includes(driver)) continue;
    lines.push(`[filter ${quoted(driver)}]`, 'clean = ""', 'smudge = ""', 'process = ""', 'required = false');
  }
  const { remote } = repository;
  if (remote !== undefined && PLAIN_REMOTE.test(remote)) {
    lines.push('[remote "origin"]', `url = ${quoted(remote)}`);
  }
  await appendFile(path.join(repository.shadow, 'config'), `${lines.join('\n')}\n`);
  const objects = path.join(repository.folder.common, 'lfs');
  if ((await lstat(objects).catch(() => undefined))?.isDirectory()) {
    await symlink(objects, path.join(repository.shadow, 'lfs'));
  }
  return env;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
