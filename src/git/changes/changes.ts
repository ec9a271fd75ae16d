import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { displayBase, requireCommit } from './base-ref.js';
import type { GitBounds } from '../repository/git-bounds.js';
import { Repository } from '../repository/repository.js';

/** A changed file. */
export interface GitChange {
  status: 'ADDED' | 'DELETED' | 'UPDATED';
  path: string;
}

/** Maximum number of nested repositories that are included. */
const MAX_NESTED = 100;

/**
 * The changes below a folder (real path), including those of repositories directly below it, sorted by path.
 * A rename is reported as one deletion and one addition.
 * @param ref the base; see `displayBase`
 * @returns undefined when there is no repository
 * @throws GitCommandError
 */
export async function changesBelow(
  folder: string,
  ref: string | undefined,
  bounds: GitBounds | undefined,
): Promise<GitChange[] | undefined> {
  const own = await changesIn(folder, ref, bounds, false);
  const nested = await nestedRepositories(folder);
  const below = await Promise.all(nested.map((name) => changesOfNested(folder, name, ref, bounds)));
  if (own === undefined && below.every((changes) => changes === undefined)) return undefined;
  const isNested = ({ path: file }: GitChange): boolean => nested.includes(file.split('/')[0] ?? '');
  const all = [
    ...(own ?? []).filter((change) => !isNested(change)),
    ...below.flatMap((changes) => changes ?? []),
  ];
  return all.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * The changes of a commit against its first parent, in git's order.
 * @returns undefined when there is no repository
 * @throws GitCommandError
 */
export async function changesOfCommit(
  folder: string,
  sha: string,
  bounds: GitBounds | undefined,
): Promise<GitChange[] | undefined> {
  const repository = await Repository.open(folder, bounds);
  if (!repository) return undefined;
  try {
    const commit = await requireCommit(repository, sha);
    const parent = (await repository.tryGit(['rev-parse', '--verify', '--quiet', `${commit}^`])) ?? '';
    const base = parent === '' ? repository.emptyTree : parent;
    const args = ['diff-tree', '-r', '--name-status', '-z', '--find-renames', '--no-ext-diff', base, commit];
    return readNameStatus(await repository.git(args));
  } finally {
    await repository.close();
  }
}

async function changesOfNested(
  folder: string,
  name: string,
  ref: string | undefined,
  bounds: GitBounds | undefined,
): Promise<GitChange[] | undefined> {
  // An unreadable nested repository must not hide the others.
  const changes = await changesIn(path.join(folder, name), ref, bounds, true).catch(() => undefined);
  return changes?.map((change) => ({ ...change, path: `${name}/${change.path}` }));
}

async function changesIn(
  folder: string,
  ref: string | undefined,
  bounds: GitBounds | undefined,
  exactly: boolean,
): Promise<GitChange[] | undefined> {
  const repository = await Repository.open(folder, bounds, exactly);
  if (!repository) return undefined;
  try {
    const base = await displayBase(repository, ref);
    const options = ['--name-status', '-z', '--no-renames', '--no-ext-diff', '--ignore-submodules=dirty'];
    const tracked = readNameStatus(
      await repository.git(['diff', ...options, '--relative', base, '--'], folder),
    );
    const others = await repository.git(['ls-files', '--others', '--exclude-standard', '-z'], folder);
    const untracked = names(others).map((name): GitChange => ({
      status: 'ADDED',
      // A nested repository ends with a slash.
      path: name.replace(/\/$/, ''),
    }));
    return withoutDuplicates([...tracked, ...untracked]);
  } finally {
    await repository.close();
  }
}

/** Folders directly below that have a `.git`. */
async function nestedRepositories(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of await opendir(folder)) {
    if (!entry.isDirectory() || entry.name === '.git' || entry.name.startsWith('.')) continue;
    const isThere = await lstat(path.join(folder, entry.name, '.git')).then(
      () => true,
      () => false,
    );
    if (isThere && found.push(entry.name) >= MAX_NESTED) break;
  }
  return found.sort();
}

/** Parses `--name-status -z`: a status, then one name, or two for renames and copies. */
function readNameStatus(output: Buffer): GitChange[] {
  const fields = names(output);
  const changes: GitChange[] = [];
  for (let at = 0; at < fields.length;) {
    const status = fields[at]?.charAt(0) ?? '';
    const name = fields[at + 1] ?? '';
    if (status === 'R' || status === 'C') {
      if (status === 'R') changes.push({ status: 'DELETED', path: name });
      changes.push({ status: 'ADDED', path: fields[at + 2] ?? '' });
      at += 3;
    } else {
      changes.push({ status: status === 'A' ? 'ADDED' : status === 'D' ? 'DELETED' : 'UPDATED', path: name });
      at += 2;
    }
  }
  return changes;
}

/** A file in conflict is listed twice. */
function withoutDuplicates(changes: readonly GitChange[]): GitChange[] {
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}

function names(output: Buffer): string[] {
  return output
    .toString()
    .split('\0')
    .filter((name) => name !== '');
}
