import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../tools/child-environment.js';

const run = promisify(execFile);

/** Longest `git init` (ms). */
const GIT_TIMEOUT_MS = 10_000;

/**
 * Puts a workspace under version control unless it is so already, as clients that show changes expect. A machine
 * without git does without.
 */
export async function ensureRepository(folder: string): Promise<void> {
  if (await isInRepository(folder)) return;
  try {
    await run('git', ['init', '--quiet'], { cwd: folder, timeout: GIT_TIMEOUT_MS, env: childEnvironment() });
  } catch {
    // No git, or a folder that git refuses: the agent can work all the same.
  }
}

async function isInRepository(folder: string): Promise<boolean> {
  for (let at = folder; ; at = path.dirname(at)) {
    if (await exists(path.join(at, '.git'))) return true;
    if (at === path.dirname(at)) return false;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
