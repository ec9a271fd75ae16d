import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { turnToStart } from '../../flow/index.js';
import { childEnvironment } from '../../processes/index.js';

const run = promisify(execFile);

/** Time limit of `git init` (ms). */
const GIT_TIMEOUT_MS = 10_000;

/** Folders in which `git init` is running, so that conversations that start at once share it. */
const pending = new Map<string, Promise<void>>();

/**
 * Runs `git init` in a workspace that is not in a repository, because clients show changes by git. Does
 * nothing on a machine without git.
 */
export function ensureRepository(folder: string): Promise<void> {
  const made = pending.get(folder) ?? makeRepository(folder).finally(() => pending.delete(folder));
  pending.set(folder, made);
  return made;
}

async function makeRepository(folder: string): Promise<void> {
  if (await isInRepository(folder)) return;
  await turnToStart();
  try {
    await run('git', ['init', '--quiet'], { cwd: folder, timeout: GIT_TIMEOUT_MS, env: childEnvironment() });
  } catch {
    // Without git, or in a folder that git rejects, the agent works without a repository.
  }
}

async function isInRepository(folder: string): Promise<boolean> {
  for (let at = folder; ; at = path.dirname(at)) {
    if (await exists(path.join(at, '.git'))) return true;
    if (at === path.dirname(at)) return false;
  }
}

/** A dangling link exists as well: `git init` would create a repository at its target. */
async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
