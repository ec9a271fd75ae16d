import { spawn, spawnSync } from 'node:child_process';
import os from 'node:os';

/** More than any program of a check needs on a busy machine (ms). */
const PATIENCE_MS = 30_000;
const MAX_OUTPUT = 4 * 2 ** 20;

/**
 * Checks run code that a model wrote: without network, and without writing outside the folder, where
 * bubblewrap works.
 */
const CONFINEMENT = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', os.tmpdir()];
let canConfine;

/** Settings by which a repository cannot start programs of its own, and nothing of this machine counts. */
const GIT = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'gc.auto': '0',
  'safe.directory': '*',
};
const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  PYTHONDONTWRITEBYTECODE: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_DATE: '2026-01-05T10:00:00Z',
  GIT_COMMITTER_DATE: '2026-01-05T10:00:00Z',
  GIT_CONFIG_COUNT: String(Object.keys(GIT).length),
  ...Object.fromEntries(
    Object.entries(GIT).flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ),
};

/**
 * Runs a program of a check in a folder, bounded in time and output.
 * @returns its exit code (null if it was ended) and its output
 */
export function runConfined(folder, program, args, input = '') {
  canConfine ??= spawnSync('bwrap', [...CONFINEMENT, '--unshare-all', 'true']).status === 0;
  if (!canConfine) return runProgram(folder, program, args, input);
  const confined = [...CONFINEMENT, '--bind', folder, folder, '--unshare-all', '--die-with-parent'];
  return runProgram(folder, 'bwrap', [...confined, '--chdir', folder, program, ...args], input);
}

/** Runs a program with the rights of this process, for what the evaluation itself has written. */
export async function runProgram(folder, program, args, input = '') {
  const child = spawn(program, args, {
    cwd: folder,
    env: ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  const end = () => endGroup(child);
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
      if (output[name].length > MAX_OUTPUT) end();
    });
  }
  // A program may end without reading its input.
  child.stdin.on('error', () => undefined).end(input);
  const impatience = setTimeout(end, PATIENCE_MS);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exitCode) => {
        // Whatever it left behind would hold the pipes open.
        end();
        child.once('close', () => resolve(exitCode));
      });
    });
    return { code, ...output };
  } finally {
    clearTimeout(impatience);
  }
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
