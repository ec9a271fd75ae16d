import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * For scripts: starts this server in a folder, which may have been used before.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} further environment variables of the server
 * @param {string} port the default is a free one
 * @returns {Promise<{ url: string, pid: number, log: () => string, stop: () => Promise<void> }>}
 */
export async function startServer(folder, environment, port = '0') {
  const child = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', port], {
    cwd: folder,
    // Without the web UI that may have been fetched into this checkout.
    env: { ...process.env, OH_UI_PATH_IS_NONE: '1', ...environment },
  });
  let output = '';
  const ended = once(child, 'exit');
  const url = await new Promise((resolve, reject) => {
    const look = (chunk) => {
      output += chunk;
      const found = /listening on (http:\S+:\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
  return {
    url,
    pid: child.pid,
    log: () => output,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/**
 * For scripts: runs a program beside a new server in a temporary folder, and exits with its exit code.
 * @param {string} name prefix of the folder's name
 * @param {NodeJS.ProcessEnv | ((folder: string) => NodeJS.ProcessEnv)} environment of the server, besides
 *   ours
 * @param {(url: string, folder: string) => import('node:child_process').ChildProcess |
 *   Promise<import('node:child_process').ChildProcess>} start
 */
export async function runBesideServer(name, environment, start) {
  const folder = await mkdtemp(path.join(os.tmpdir(), `${name}-`));
  const variables = typeof environment === 'function' ? environment(folder) : environment;
  const server = await startServer(folder, variables);
  try {
    const program = await start(server.url, folder);
    const [code] = await once(program, 'exit');
    process.exitCode = code ?? 1;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
