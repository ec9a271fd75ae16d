import { rm } from 'node:fs/promises';
import { makeFolder } from '../../files/index.js';
import { fetchGit } from './fetch-git.js';

/** What to clone. */
interface CloneRequest {
  address: string;
  /** Branch, tag or commit; null: the default branch. */
  ref: string | null;
  /** Absolute path; what is there already is replaced. */
  target: string;
  /** Time limit, in terms of `performance.now()`. */
  deadline: number;
}

/**
 * Clones a repository so that somebody can work in it: with the remote `origin`, and on a branch unless the
 * ref is none. It has the credentials that the configuration of the user has for git.
 * @throws GitFetchError
 */
export async function cloneRepository({ address, ref, target, deadline }: CloneRequest): Promise<void> {
  // What a crash has left in the middle.
  await rm(target, { recursive: true, force: true });
  await makeFolder(target, 0o755);
  const git = (withUserConfig: boolean, ...args: string[]): Promise<string> =>
    fetchGit(args, { cwd: target, deadline, withUserConfig });
  await git(false, 'init', '-q', '--template=');
  await git(false, 'remote', 'add', '--', 'origin', address);
  await git(true, 'fetch', '-q', '--no-tags', 'origin');
  if (ref === null) await git(true, 'remote', 'set-head', 'origin', '--auto');
  const branch =
    ref ?? (await git(false, 'rev-parse', '--abbrev-ref', 'origin/HEAD')).trim().replace(/^origin\//, '');
  const isBranch = await git(false, 'rev-parse', '--verify', '-q', `refs/remotes/origin/${branch}`).then(
    () => true,
    () => false,
  );
  if (isBranch) {
    await git(false, 'checkout', '-q', '-B', branch, '--track', `origin/${branch}`);
    return;
  }
  await git(true, 'fetch', '-q', '--no-tags', 'origin', '--', branch);
  await git(false, 'checkout', '-q', '--detach', 'FETCH_HEAD');
}
