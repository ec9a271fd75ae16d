import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import { realPath } from '../real-paths.js';
import type { ConfinementScope, ShownFolder } from '../sandbox.js';

/**
 * What git writes into a repository for its worktrees. Anything else there (`config`, `hooks`, `modules`,
 * `commondir`) can name programs that git outside would run.
 */
const WRITTEN_BY_GIT = ['objects', 'refs', 'reftable', 'logs', 'lfs', 'rr-cache'];

/**
 * What programs in a worktree see of its repository. Links are left out: an agent that works in the
 * repository itself could have made them, and a mount would show what they lead to.
 * @param scope with real paths
 */
export function repositoryFolders({
  repository,
  workspace,
  root = workspace,
}: ConfinementScope): ShownFolder[] {
  if (repository === undefined || isInside(root, repository)) return [];
  const git = path.join(repository, '.git');
  if (!isPlainFolder(git)) return [];
  const written = [
    ...WRITTEN_BY_GIT.map((name) => path.join(git, name)),
    ...foldersOfWorktree(git, workspace),
  ];
  return [
    { path: git, writable: false },
    ...written.filter(isPlainFolder).map((folder) => ({ path: folder, writable: true })),
  ];
}

function isPlainFolder(folder: string): boolean {
  return realPath(folder) === folder && (statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

/** Where a repository keeps the index and the head of the worktree around a workspace (real path). */
function foldersOfWorktree(git: string, workspace: string): string[] {
  const all = path.join(git, 'worktrees');
  return namesIn(all)
    .map((name) => path.join(all, name))
    .filter((folder) => {
      const worktree = worktreeOf(folder);
      return worktree !== undefined && isInside(worktree, workspace);
    });
}

/** None if there is no such folder. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** An agent may have removed the file that says it. */
function worktreeOf(folder: string): string | undefined {
  try {
    return realPath(path.dirname(readFileSync(path.join(folder, 'gitdir'), 'utf8').trim()));
  } catch {
    return undefined;
  }
}
