import { git, GitError } from './worktrees/git.js';

/**
 * Whether something below a folder has changed in git: files that are not committed, or commits of its branch.
 * @param since commits from this moment on count (UTC)
 */
export async function hasChanges(folder: string, since: string): Promise<boolean> {
  if ((await answer(folder, ['status', '--porcelain', '--', '.'])) !== '') return true;
  return (await answer(folder, ['rev-list', '--max-count=1', `--since=${since}`, 'HEAD'])) !== '';
}

/** Nothing where git has no answer: no repository, no commit yet, no git at all. */
async function answer(folder: string, args: readonly string[]): Promise<string> {
  try {
    return await git(folder, args);
  } catch (error) {
    if (error instanceof GitError) return '';
    throw error;
  }
}
