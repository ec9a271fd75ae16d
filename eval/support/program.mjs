import { spawn, spawnSync } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** More than any program of a check needs on a busy machine (ms). */
const PATIENCE_MS = 30_000;
const MAX_OUTPUT = 4 * 2 ** 20;

/** How long pipes may stay open after a program has ended: what left its group may hold them (ms). */
const CLOSE_MS = 1_000;

/** What a service of this machine or a person keeps at home: programs could be started by its sockets. */
const HIDDEN_AT_HOME = ['.aws', '.cache', '.config', '.docker', '.gnupg', '.kube', '.ssh'];
const HIDDEN = [
  ...[os.tmpdir(), '/tmp', '/run', '/var/run'],
  ...HIDDEN_AT_HOME.map((name) => path.join(os.homedir(), name)),
];

/**
 * Checks run code that a model wrote: without network, without sockets of services, and without writing
 * outside the folder, where bubblewrap works.
 */
const CONFINEMENT = [
  ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
  ...[...new Set(HIDDEN.flatMap(realFolder))].flatMap((place) => ['--tmpfs', place]),
];
let canConfine;

/** Settings by which a repository cannot start programs of its own, and nothing of this machine counts. */
const GIT = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'gc.auto': '0',
  'safe.directory': '*',
  // A repository cannot hide what is not committed.
  'status.showUntrackedFiles': 'all',
};
const ENVIRONMENT = {
  // Programs of a workspace never take the place of those of the machine.
  PATH: (process.env.PATH ?? '').split(path.delimiter).filter(path.isAbsolute).join(path.delimiter),
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  PYTHONDONTWRITEBYTECODE: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
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

/** Whether bubblewrap works here. */
export function canConfineChecks() {
  const { PATH } = ENVIRONMENT;
  canConfine ??=
    spawnSync('bwrap', [...CONFINEMENT, '--unshare-all', 'true'], { env: { PATH } }).status === 0;
  return canConfine;
}

/**
 * Runs a program of a check in a folder, bounded in time and output.
 * @returns its exit code (null if it was ended) and its output
 */
export function runConfined(folder, program, args, input = '') {
  if (!canConfineChecks()) return runProgram(folder, program, args, input);
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
        setTimeout(() => destroyPipes(child), CLOSE_MS).unref();
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

function destroyPipes({ stdout, stderr }) {
  stdout.destroy();
  stderr.destroy();
}

/** The folder that a path leads to; nothing if there is none, or if Node is there, which checks need. */
function realFolder(place) {
  try {
    const real = realpathSync(place);
    const isNeeded = process.execPath.startsWith(`${real}/`);
    return statSync(real).isDirectory() && !isNeeded ? [real] : [];
  } catch {
    return [];
  }
}
