import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { GitBounds } from '../repository/git-bounds.js';
import { Repository } from '../repository/repository.js';

/** What git says of a file or a folder. A folder has a state only if all that is in it has the same. */
export type GitState = 'added' | 'modified' | 'deleted' | 'untracked' | 'ignored' | 'conflicted';

/** What git says of the files below a folder. Those without a state are as in the last commit. */
export interface GitStates {
  /** Real path of the folder. */
  folder: string;
  /** By path relative to the folder. */
  states: ReadonlyMap<string, GitState>;
  /** Folders, relative as above, in which something is changed or untracked. */
  changed: ReadonlySet<string>;
  /** There are more than are kept. */
  truncated: boolean;
}

/** Time limit (ms). */
const TIMEOUT_MS = 15_000;
/** The most states that are kept. */
const MAX_STATES = 50_000;
/** Bytes of a state and the space behind it, before the path. */
const PATH_AT = 3;

/**
 * The states of the files below a folder, by one call of git that runs nothing the repository configures.
 * @returns undefined outside of a repository
 * @throws GitCommandError, GitPathError
 */
export async function statesBelow(
  folder: string,
  bounds: GitBounds | undefined,
): Promise<GitStates | undefined> {
  const real = await realpath(folder);
  const repository = await Repository.open(real, bounds);
  if (!repository) return undefined;
  try {
    const args = ['status', '--porcelain=v1', '-z', '--no-renames', '--ignore-submodules=dirty'];
    const what = ['--untracked-files=normal', '--ignored=traditional', '--', '.'];
    const output = await repository.run([...args, ...what], { cwd: real, timeoutMs: TIMEOUT_MS });
    return { folder: real, ...readStates(output, path.relative(repository.folder.top, real)) };
  } finally {
    await repository.close();
  }
}

/** Reads `XY path`, each ended by a zero byte; paths are relative to the top of the repository. */
function readStates(output: Buffer, prefix: string): Omit<GitStates, 'folder'> {
  const states = new Map<string, GitState>();
  const changed = new Set<string>();
  const lead = prefix === '' ? '' : `${prefix}/`;
  for (let from = 0, end = output.indexOf(0); end !== -1; from = end + 1, end = output.indexOf(0, from)) {
    if (states.size === MAX_STATES) return { states, changed, truncated: true };
    const code = output.toString('latin1', from, from + PATH_AT - 1);
    const name = output.toString('utf8', from + PATH_AT, end);
    // A folder ends with a slash.
    const file = name.startsWith(lead) ? name.slice(lead.length).replace(/\/$/, '') : undefined;
    // The folder itself may be untracked or ignored.
    const state = stateOf(code);
    states.set(file ?? '', state);
    if (state !== 'ignored') addParents(changed, file ?? '');
  }
  return { states, changed, truncated: false };
}

function addParents(changed: Set<string>, file: string): void {
  for (let at = path.dirname(file); at !== '.' && !changed.has(at); at = path.dirname(at)) changed.add(at);
}

/** @param code the state in the index and in the work tree, as `git status` shows them */
function stateOf(code: string): GitState {
  if (code === '??') return 'untracked';
  if (code === '!!') return 'ignored';
  if (code.includes('U') || code === 'AA' || code === 'DD') return 'conflicted';
  if (code.includes('D')) return 'deleted';
  return code.startsWith('A') ? 'added' : 'modified';
}
