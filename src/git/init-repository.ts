import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { turnToStart } from '../flow/index.js';
import { childEnvironment } from '../processes/index.js';

const run = promisify(execFile);

/** Longest `git init` (ms). */
const GIT_TIMEOUT_MS = 10_000;

/**
 * Folders that are being put under version control: conversations that begin at once in one of them do it
 * once.
 */
const making = new Map<string, Promise<void>>();

/**
 * Puts a workspace under version control unless it is so already, as clients that show changes expect. A
 * machine without git does without.
 */
export function ensureRepository(folder: string): Promise<void> {
  const made = making.get(folder) ?? makeRepository(folder).finally(() => making.delete(folder));
  making.set(folder, made);
  return made;
}

async function makeRepository(folder: string): Promise<void> {
  if (await isInRepository(folder)) return;
  await turnToStart();
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

/** Links that lead nowhere are there, too: `git init` would make a repository where they lead. */
async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
