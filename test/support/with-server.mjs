import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * For scripts: starts a server of ours that works in a folder, also again in the same one.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} environment of the server, besides ours
 * @param {string} port a free one unless told
 * @returns {Promise<{ url: string, pid: number, log: () => string, stop: () => Promise<void> }>}
 */
export async function startServer(folder, environment, port = '0') {
  const child = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', port], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  let output = '';
  const ended = once(child, 'exit');
  const url = await new Promise((resolve, reject) => {
    const look = (chunk) => {
      output += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
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
 * For scripts: runs a program beside a fresh server of ours, in a folder of its own that goes afterwards, and
 * takes its exit code over.
 * @param {string} name begins the name of the folder
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
