import { appendFile, cp, lstat, mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { GitPathError } from '../git-errors.js';
import { gitFolderAt, nameIn } from './git-folder.js';
import type { Repository } from './repository.js';
import type { GitEnvironment } from './run-git.js';

/** Longest checkout (ms): one of a large repository takes its time. */
const CHECKOUT_MS = 120_000;
/** Worktrees of one repository that are looked at. */
const MAX_WORKTREES = 10_000;
/** Addresses that a filter of the operator may fetch from. */
const PLAIN_REMOTE = /^(https?:\/\/|ssh:\/\/|[\w.-]+@)[A-Za-z0-9][^\s"\\]*$/;

/** A worktree that is to be made. */
export interface WantedWorktree {
  /** Absolute path where nothing is; the folder above it exists. */
  folder: string;
  /** Its branch, which is not there yet. */
  branch: string;
  commit: string;
  /** Names of filter drivers of the operator's own git configuration that may run (`lfs`). */
  filters: readonly string[];
}

/**
 * Makes a worktree of a repository, on a new branch. Git does it in a folder of ours that stands for `.git`,
 * so nothing that the repository configures runs: no hooks, no filters. What git notes there of the worktree
 * is then moved to where git looks for it.
 * @throws GitCommandError, GitPathError, errors of the system
 */
export async function addWorktree(repository: Repository, wanted: WantedWorktree): Promise<void> {
  const { folder, branch, commit, filters } = wanted;
  const env = filters.length > 0 ? await allowFilters(repository, filters) : {};
  const args = ['worktree', 'add', '--quiet', '--no-track', '-b', branch, '--', folder, commit];
  let known: string | undefined;
  try {
    await repository.run(args, { env, timeoutMs: CHECKOUT_MS });
    const [name = ''] = await readdir(path.join(repository.shadow, 'worktrees'));
    known = await takeName(await homeOfWorktrees(repository), name);
    const noted = path.join(repository.shadow, 'worktrees', name);
    // Times count: by them git knows which files have not changed since.
    await cp(noted, known, { recursive: true, preserveTimestamps: true });
    await writeFile(path.join(folder, '.git'), `gitdir: ${known}\n`);
  } catch (error) {
    if (known !== undefined) await rm(known, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Removes a worktree with what is in it. Its branch stays.
 * @param top the top of a worktree of the same repository (absolute path)
 * @returns whether the repository knew of it; nothing is removed otherwise
 */
export async function removeWorktree(top: string, folder: string): Promise<boolean> {
  const found = await gitFolderAt(top);
  if (!found) return false;
  const home = path.join(found.common, 'worktrees');
  let isKnown = false;
  for (const name of (await readdir(home).catch(() => [])).slice(0, MAX_WORKTREES)) {
    const entry = path.join(home, name);
    if ((await nameIn(path.join(entry, 'gitdir'))) !== path.join(folder, '.git')) continue;
    isKnown = true;
    await rm(folder, { recursive: true, force: true });
    await rm(entry, { recursive: true, force: true });
  }
  return isKnown;
}

/** Where a repository has what it knows of its worktrees; no link, which could lead anywhere. */
async function homeOfWorktrees({ folder }: Repository): Promise<string> {
  const home = path.join(await realpath(folder.common), 'worktrees');
  await mkdir(home).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  if ((await lstat(home)).isDirectory()) return home;
  throw new GitPathError('The folder worktrees of the repository is not a folder');
}

/** Makes a folder with a name that is not taken, as git does: `project`, `project1`, ... */
async function takeName(home: string, name: string): Promise<string> {
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
 * Lets filters of the operator's configuration work in the folder of ours, and switches off all others that
 * it defines. LFS finds its objects and the remote there.
 * @returns the environment for it
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
