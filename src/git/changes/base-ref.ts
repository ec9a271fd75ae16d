import { GitCommandError } from '../git-errors.js';
import type { Repository } from '../repository/repository.js';

/** What one of them resolves to where no name says so: branches that repositories begin with. */
const DEFAULT_BRANCHES = ['main', 'master'];

/** A commit by whatever name; undefined when there is none of it. */
export async function commitOf(repository: Repository, name: string): Promise<string | undefined> {
  if (name.startsWith('-')) return undefined;
  const found = await repository.tryGit(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  return found === '' ? undefined : found;
}

/**
 * A commit that a client named.
 * @throws GitCommandError when there is none
 */
export async function namedCommit(repository: Repository, name: string): Promise<string> {
  const found = await commitOf(repository, name);
  if (found === undefined) throw new GitCommandError(['rev-parse', '--verify', `${name}^{commit}`]);
  return found;
}

/** The branch that is checked out; undefined where there is none, or no commit on it. */
export async function currentBranch(repository: Repository): Promise<string | undefined> {
  const name = await repository.tryGit(['symbolic-ref', '--quiet', 'HEAD']);
  return name?.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : undefined;
}

/**
 * What changes are shown against: a commit that was asked for, or else where the work of this branch began.
 *
 * That is its counterpart at `origin`, unless it is just there with nothing changed since; else where it left
 * the default branch of `origin`; without a remote repository where it left the local default branch; else
 * HEAD, or nothing at all.
 * @throws GitCommandError when what was asked for does not exist
 */
export async function displayBase(repository: Repository, asked: string | undefined): Promise<string> {
  const head = await commitOf(repository, 'HEAD');
  if (asked === 'HEAD') return head ?? repository.emptyTree;
  if (asked !== undefined) return namedCommit(repository, asked);
  if (head === undefined) return repository.emptyTree;
  const branch = await currentBranch(repository);
  const upstream =
    branch === undefined ? undefined : await commitOf(repository, `refs/remotes/origin/${branch}`);
  if (upstream !== undefined && (upstream !== head || (await isDirty(repository)))) return upstream;
  const remote = await remoteDefault(repository);
  if (remote !== undefined) return (await mergeBase(repository, remote)) ?? remote;
  return (await localDefault(repository, branch)) ?? head;
}

/**
 * What a patch starts from that is to be applied elsewhere: something that a fresh clone has.
 * @throws GitCommandError when what was asked for does not exist
 */
export async function exportBase(repository: Repository, asked: string | undefined): Promise<string> {
  if (asked !== undefined && asked !== 'HEAD') return namedCommit(repository, asked);
  const head = await commitOf(repository, 'HEAD');
  const branch = await currentBranch(repository);
  if (head === undefined) return repository.emptyTree;
  if (asked === 'HEAD' || branch === undefined) return head;
  const upstream = await commitOf(repository, `refs/remotes/origin/${branch}`);
  return upstream ?? (await remoteDefault(repository)) ?? repository.emptyTree;
}

/** The default branch of `origin`, as far as it is known here: nobody is asked over the network. */
async function remoteDefault(repository: Repository): Promise<string | undefined> {
  const named = await commitOf(repository, 'refs/remotes/origin/HEAD');
  if (named !== undefined) return named;
  for (const branch of DEFAULT_BRANCHES) {
    const found = await commitOf(repository, `refs/remotes/origin/${branch}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where this branch left the local default one, if it began there. */
async function localDefault(
  repository: Repository,
  current: string | undefined,
): Promise<string | undefined> {
  for (const branch of DEFAULT_BRANCHES) {
    const commit = await commitOf(repository, `refs/heads/${branch}`);
    if (commit === undefined) continue;
    return branch !== current && (await mergeBase(repository, commit)) === commit ? commit : undefined;
  }
  return undefined;
}

async function mergeBase(repository: Repository, commit: string): Promise<string | undefined> {
  const found = await repository.tryGit(['merge-base', 'HEAD', commit]);
  return found === '' ? undefined : found;
}

/** Whether tracked files or the index differ from HEAD. */
async function isDirty(repository: Repository): Promise<boolean> {
  const args = ['status', '--porcelain', '-z', '--untracked-files=no', '--ignore-submodules=dirty'];
  return (await repository.tryGit(args)) !== '';
}
