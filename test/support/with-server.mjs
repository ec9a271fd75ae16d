import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * For scripts: runs a program beside a fresh server of ours, in a folder of its own that goes afterwards, and takes its exit
 * code over.
 * @param {string} name begins the name of the folder
 * @param {NodeJS.ProcessEnv} environment of the server, besides ours
 * @param {(url: string, folder: string) => import('node:child_process').ChildProcess | Promise<import('node:child_process').ChildProcess>} start
 */
export async function runBesideServer(name, environment, start) {
  const folder = await mkdtemp(path.join(os.tmpdir(), `${name}-`));
  const server = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', '0'], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  try {
    const program = await start(await address(server), folder);
    const [code] = await once(program, 'exit');
    process.exitCode = code ?? 1;
  } finally {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where a server that is starting can be reached. */
function address(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    const look = (chunk) => {
      output += chunk;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
}
