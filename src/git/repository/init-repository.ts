import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { turnToStart } from '../../flow/index.js';
import { childEnvironment } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';

const run = promisify(execFile);

/** Time limit of `git init` (ms). */
const GIT_TIMEOUT_MS = 10_000;

/** Folders in which `git init` is running, so that conversations that start at once share it. */
const pending = new Map<string, Promise<void>>();

/**
 * Runs `git init` in a workspace that is not in a repository, because clients show changes by git. Does
 * nothing on a machine without git.
 * @param confinement what git is confined to; undefined: it runs outside of the sandbox
 */
export function ensureRepository(folder: string, confinement?: Confinement): Promise<void> {
  const made =
    pending.get(folder) ?? makeRepository(folder, confinement).finally(() => pending.delete(folder));
  pending.set(folder, made);
  return made;
}

async function makeRepository(folder: string, confinement: Confinement | undefined): Promise<void> {
  if (await isInRepository(folder)) return;
  await turnToStart();
  try {
    const git = { file: 'git', args: ['init', '--quiet'], cwd: folder, env: childEnvironment() };
    const { file, args, cwd, env } = confinement?.program(git) ?? git;
    await run(file, args, { cwd, env, timeout: GIT_TIMEOUT_MS });
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
