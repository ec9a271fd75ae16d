import { GitCommandError } from '../git-errors.js';
import type { Repository } from '../repository/repository.js';

/** Default branches of repositories whose remote does not name one. */
const DEFAULT_BRANCHES = ['main', 'master'];

/** Resolves a name to a commit; undefined if there is none. */
export async function resolveCommit(repository: Repository, name: string): Promise<string | undefined> {
  if (name.startsWith('-')) return undefined;
  const found = await repository.tryGit(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  return found === '' ? undefined : found;
}

/**
 * Resolves a commit that a client named.
 * @throws GitCommandError when it does not exist
 */
export async function requireCommit(repository: Repository, name: string): Promise<string> {
  const found = await resolveCommit(repository, name);
  if (found === undefined) throw new GitCommandError(['rev-parse', '--verify', `${name}^{commit}`]);
  return found;
}

/** The branch that is checked out; undefined for a detached HEAD. */
export async function currentBranch(repository: Repository): Promise<string | undefined> {
  const name = await repository.tryGit(['symbolic-ref', '--quiet', 'HEAD']);
  return name?.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : undefined;
}

/**
 * The base for displayed changes: the requested commit, else the point where the work on this branch began.
 *
 * That is the branch at `origin`, unless HEAD is equal to it and nothing has changed; else the merge base
 * with the default branch of `origin`; without a remote, the point where it left the local default branch;
 * else HEAD or the empty tree.
 * @throws GitCommandError when the requested commit does not exist
 */
export async function displayBase(repository: Repository, requested: string | undefined): Promise<string> {
  const head = await resolveCommit(repository, 'HEAD');
  if (requested === 'HEAD') return head ?? repository.emptyTree;
  if (requested !== undefined) return requireCommit(repository, requested);
  if (head === undefined) return repository.emptyTree;
  const branch = await currentBranch(repository);
  const upstream =
    branch === undefined ? undefined : await resolveCommit(repository, `refs/remotes/origin/${branch}`);
  if (upstream !== undefined && (upstream !== head || (await isDirty(repository)))) return upstream;
  const remote = await remoteDefault(repository);
  if (remote !== undefined) return (await mergeBase(repository, remote)) ?? remote;
  return (await localDefault(repository, branch)) ?? head;
}

/**
 * The base for an exported patch: a commit that a fresh clone has.
 * @throws GitCommandError when the requested commit does not exist
 */
export async function exportBase(repository: Repository, requested: string | undefined): Promise<string> {
  if (requested !== undefined && requested !== 'HEAD') return requireCommit(repository, requested);
  const head = await resolveCommit(repository, 'HEAD');
  const branch = await currentBranch(repository);
  if (head === undefined) return repository.emptyTree;
  if (requested === 'HEAD' || branch === undefined) return head;
  const upstream = await resolveCommit(repository, `refs/remotes/origin/${branch}`);
  return upstream ?? (await remoteDefault(repository)) ?? repository.emptyTree;
}

/** The default branch of `origin`, as known locally: the network is not used. */
async function remoteDefault(repository: Repository): Promise<string | undefined> {
  const named = await resolveCommit(repository, 'refs/remotes/origin/HEAD');
  if (named !== undefined) return named;
  for (const branch of DEFAULT_BRANCHES) {
    const found = await resolveCommit(repository, `refs/remotes/origin/${branch}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The commit of the local default branch, if this branch began there. */
async function localDefault(
  repository: Repository,
  current: string | undefined,
): Promise<string | undefined> {
  for (const branch of DEFAULT_BRANCHES) {
    const commit = await resolveCommit(repository, `refs/heads/${branch}`);
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
