import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LoadBalancer } from './cluster/load-balancer.mjs';
import { freePort } from './postgres/free-port.mjs';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * For scripts: starts this server in a folder, which may have been used before. With `TEST_CLUSTER=3` it is a
 * cluster of three servers.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} further environment variables of the server
 * @param {string} port the default is a free one
 * @returns {Promise<{ url: string, pid: number, log: () => string, stop: () => Promise<void> }>}
 */
export async function startServer(folder, environment, port = '0') {
  const size = Number(process.env.TEST_CLUSTER ?? 0);
  return size === 0 ? startOne(folder, environment, port) : startCluster(folder, environment, size);
}

/** Starts several servers with one database and one folder, behind a load balancer, as one server. */
async function startCluster(folder, environment, size) {
  const { PostgresInstance } = await import('./postgres/instance.mjs');
  const database = await PostgresInstance.start();
  const servers = [];
  const balancer = await LoadBalancer.start(Math.random);
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await balancer.stop();
    await database.stop();
  };
  try {
    for (let count = 0; count < size; count += 1) {
      const port = await freePort();
      const shared = {
        OH_DATABASE_URL: database.url(),
        OH_CLUSTER_KEY: 'k'.repeat(32),
        OH_WORKSPACES_SHARED: '1',
      };
      const own = { OH_SERVER_URL: `http://127.0.0.1:${port}` };
      servers.push(await startOne(folder, { ...shared, ...own, ...environment }, String(port)));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  balancer.setTargets(servers.map(({ url }) => url));
  const log = () => servers.map((server) => server.log()).join('');
  return { url: balancer.url, pid: servers[0].pid, log, stop };
}

async function startOne(folder, environment, port) {
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
