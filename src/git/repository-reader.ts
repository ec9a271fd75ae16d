import { realpath } from 'node:fs/promises';
import { checkOut } from './remote/check-out.js';
import { FETCH_TIMEOUT_MS } from './remote/fetch-git.js';
import type { GitBounds } from './repository/git-bounds.js';
import { findGitFolder } from './repository/git-folder.js';
import { Repository } from './repository/repository.js';

/** The top (real path) of the repository that contains a folder; undefined if there is none. */
export async function repositoryTop(folder: string): Promise<string | undefined> {
  return (await findGitFolder(await realpath(folder), () => true))?.top;
}

/**
 * Paths of the tracked and the untracked but not ignored files below a folder, relative to it.
 * @returns undefined outside of a repository
 * @throws GitCommandError, GitPathError
 */
export async function repositoryFiles(
  folder: string,
  pathspecs: readonly string[],
): Promise<string[] | undefined> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...pathspecs];
  return inRepository(folder, undefined, async (repository, real) => {
    const files = (await repository.git(list, real)).toString().split('\0');
    return [...new Set(files)].filter((file) => file !== '');
  });
}

/**
 * Whether there are uncommitted changes below a folder, or commits on its branch. False without a readable
 * repository; never fails.
 * @param since time (UTC) from which on commits count
 * @param bounds where the parts of the repository may be; undefined means anywhere
 */
export async function hasChanges(folder: string, since: string, bounds?: GitBounds): Promise<boolean> {
  const changed = await inRepository(folder, bounds, async (repository, real) => {
    const status = ['status', '--porcelain', '-z', '--ignore-submodules=dirty', '--', '.'];
    if ((await repository.git(status, real)).length > 0) return true;
    const commits = ['rev-list', '--max-count=1', `--since=${since}`, 'HEAD', '--'];
    return ((await repository.tryGit(commits)) ?? '') !== '';
  }).catch(() => false);
  return changed ?? false;
}

/**
 * Fetches one commit of a repository and checks it out, with the operator's git configuration (credentials,
 * addresses).
 * @param target absolute path of the target folder; must not exist
 * @returns the commit
 * @throws GitFetchError
 */
export function fetchRepository(address: string, ref: string | null, target: string): Promise<string> {
  const deadline = performance.now() + FETCH_TIMEOUT_MS;
  return checkOut({ address, ref, part: '', target, deadline, withUserConfig: true });
}

async function inRepository<T>(
  folder: string,
  bounds: GitBounds | undefined,
  work: (repository: Repository, real: string) => Promise<T>,
): Promise<T | undefined> {
  const real = await realpath(folder);
  const repository = await Repository.open(real, bounds);
  try {
    return repository && (await work(repository, real));
  } finally {
    await repository?.close();
  }
}
