import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from './http-client.mjs';
import { processesOf, proportionalMiB, residentMiB } from './processes.mjs';
import { Watcher } from './watcher.mjs';
import { freePort } from '../../scripts/free-port.mjs';

/** More than any server needs for its first answer or its end (ms). */
const PATIENCE_MS = 120_000;

const running = new Set();
/**
 * Folders of ended servers. Removed only at the end: ext4 creates files several times as slowly after recent
 * removals, which would affect the next benchmark.
 */
const leftFolders = [];
let isOver = false;

/** Registers a folder that others have filled for removal, see above. */
export function removeAtEnd(folder) {
  leftFolders.push(folder);
}

/** Ends all started servers, starts no more, and removes their folders. */
export async function endAllServers() {
  isOver = true;
  await Promise.all([...running].map((server) => server.stop()));
  for (const folder of leftFolders.splice(0))
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/**
 * Starts a server in a new folder, which is also its home, and waits until `/alive` answers 200.
 * @param command program and arguments; `env` is its environment, or a function of its port
 */
export async function startServer(command, { env = {} } = {}) {
  if (isOver) throw new Error('the benchmarks are being ended');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  const server = new BenchServer(command, folder, env);
  running.add(server);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A server under measurement and its connections. */
class BenchServer {
  /** Time from the start of the process to the first 200. */
  startMs = NaN;
  /** The same time as a `performance.now()` value, for intervals since then. */
  startedAt = NaN;
  #command;
  #env;
  #client;
  #watchers = new Set();
  /** The end of its standard error. */
  errors = '';
  #failure;
  #stopping;

  constructor(command, folder, env) {
    this.#command = command;
    this.folder = folder;
    this.#env = env;
  }

  async start() {
    const [program, ...args] = this.#command;
    this.port = await freePort();
    this.#client = new HttpClient(this.port);
    this.errors = '';
    this.startedAt = performance.now();
    const env = typeof this.#env === 'function' ? this.#env(this.port) : this.#env;
    this.child = spawn(program, [...args, '--port', String(this.port)], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, LANG: 'C.UTF-8', ...env },
      // Its input is open as long as this process lives: see `end-with-parent.mjs`.
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.child.on('error', (error) => (this.#failure = error));
    this.child.stderr.on('data', (chunk) => (this.errors = (this.errors + chunk).slice(-2000)));
    await this.#answers();
    this.startMs = performance.now() - this.startedAt;
  }

  async #answers() {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      if (this.#failure) throw this.#failure;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.errors.trim()}`);
      const answer = await this.send('GET', '/alive').catch(() => undefined);
      if (answer?.status === 200) return;
      await sleep(3);
    }
    throw new Error(`it did not answer within ${PATIENCE_MS} ms`);
  }

  /** Ends the process and starts another one in the same folder. */
  async restart() {
    await this.end();
    await this.start();
  }

  /** Sends a request. Returns its status, its text and its duration (ms). */
  send(method, route, body) {
    return this.#client.send(method, route, body);
  }

  /** Sends a request and checks its status. Returns the parsed body. */
  async expect(status, method, route, body) {
    return JSON.parse((await this.#insist(status, method, route, body)).text);
  }

  /**
   * Returns a parsed body and the time until its last byte (ms). Parsing is not included: it takes this
   * process half as long as a fast server's whole answer.
   */
  async read(route) {
    const { text, ms } = await this.#insist(200, 'GET', route);
    return { body: JSON.parse(text), ms };
  }

  async #insist(status, method, route, body) {
    const answer = await this.send(method, route, body);
    if (answer.status !== status) {
      throw new Error(
        `${method} ${route} answered ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`,
      );
    }
    return answer;
  }

  /** Opens a WebSocket; `onText` receives its text frames. */
  async watch(route, onText) {
    const watcher = await Watcher.open(this.port, route, onText);
    this.#watchers.add(watcher);
    return watcher;
  }

  /** A new working directory for an agent. */
  async workingDir() {
    const folder = path.join(this.folder, 'project');
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Memory of the process in RAM (MiB). */
  residentMiB() {
    return residentMiB(this.child.pid);
  }

  /**
   * Memory of the process and of all its child processes (MiB), shared pages counted once, and the number of
   * child processes.
   */
  async memory() {
    const pids = await processesOf(this.child.pid, this.folder);
    const [own, all] = await Promise.all([proportionalMiB([this.child.pid]), proportionalMiB(pids)]);
    return { own, all, processes: pids.length };
  }

  /** Ends the process; the folder stays. */
  async end() {
    this.#client.close();
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
    const { child } = this;
    if (child?.pid === undefined) return;
    const pids = await processesOf(child.pid, this.folder);
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS / 8);
      child.kill('SIGTERM');
      await exit;
      clearTimeout(impatience);
    }
    // Left-over processes would disturb the next measurement.
    const left = await processesOf(child.pid, this.folder);
    for (const pid of left) if (pid !== child.pid && pids.includes(pid)) end(pid);
  }

  /**
   * Ends the process; further calls wait for the same end. `endAllServers` removes the folder.
   */
  stop() {
    this.#stopping ??= this.#leave();
    return this.#stopping;
  }

  async #leave() {
    await this.end();
    leftFolders.push(this.folder);
    running.delete(this);
  }
}

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
