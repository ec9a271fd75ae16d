import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { displayBase, namedCommit } from './base-ref.js';
import type { GitBounds } from '../repository/git-bounds.js';
import { Repository } from '../repository/repository.js';

/** A file that differs. */
export interface GitChange {
  status: 'ADDED' | 'DELETED' | 'UPDATED';
  path: string;
}

/** Nested repositories that are looked into. */
const MAX_NESTED = 100;

/**
 * What has changed below a folder (real path), with what has changed in repositories directly below it, by
 * path. A rename is a file less and a file more.
 * @param ref what to compare with; without it where the work began
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
 * What a commit has changed against its first parent, in git's order.
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
    const commit = await namedCommit(repository, sha);
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
  // A repository that cannot be read must not take the others from people.
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
      // A repository that is not part of this one.
      path: name.replace(/\/$/, ''),
    }));
    return withoutDoubles([...tracked, ...untracked]);
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

/** Reads `--name-status -z`: a status, then one name, or two for what was renamed or copied. */
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

/** A file that is in conflict is named twice. */
function withoutDoubles(changes: readonly GitChange[]): GitChange[] {
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}

function names(output: Buffer): string[] {
  return output
    .toString()
    .split('\0')
    .filter((name) => name !== '');
}
