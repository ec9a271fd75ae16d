import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any server may take to answer for the first time or to end (ms). */
const PATIENCE_MS = 60_000;

const running = new Set();

/** Ends what `startServer` started. */
export async function endAllServers() {
  await Promise.all([...running].map((server) => server.stop()));
}

/** Starts a server in a new folder, which is its home too, and waits until `/alive` answers 200. */
export async function startServer([program, ...args]) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-'));
  const port = await freePort();
  const started = performance.now();
  const child = spawn(program, [...args, '--port', String(port)], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const server = new BenchServer(child, folder, port);
  running.add(server);
  try {
    await server.answers();
    server.startMs = performance.now() - started;
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A server that is measured, and the connections to it. */
class BenchServer {
  /** From the start of the process to the first 200. */
  startMs = NaN;
  #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  #errors = '';
  #failure;

  constructor(child, folder, port) {
    this.child = child;
    this.folder = folder;
    this.port = port;
    child.on('error', (error) => (this.#failure = error));
    child.stderr.on('data', (chunk) => (this.#errors = (this.#errors + chunk).slice(-2000)));
  }

  async answers() {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      if (this.#failure) throw this.#failure;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.#errors.trim()}`);
      const answer = await this.send('GET', '/alive').catch(() => undefined);
      if (answer?.status === 200) return;
      await sleep(3);
    }
    throw new Error(`it did not answer within ${PATIENCE_MS} ms`);
  }

  /** Sends a request and answers its status and its text. */
  send(method, route, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        method,
        path: route,
        headers,
        agent: this.#agent,
      };
      const request = http.request(options, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }),
        );
      });
      request.on('error', reject);
      request.end(text);
    });
  }

  /** Sends a request, insists on the status, and answers the parsed body. */
  async expect(status, method, route, body) {
    const answer = await this.send(method, route, body);
    if (answer.status !== status) {
      throw new Error(
        `${method} ${route} answered ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`,
      );
    }
    return JSON.parse(answer.text);
  }

  /** A new folder for an agent to work in. */
  async workingDir() {
    const folder = path.join(this.folder, 'project');
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Memory of the process in RAM (MiB). */
  async residentMiB() {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  async stop() {
    running.delete(this);
    this.#agent.destroy();
    if (this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      const impatience = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS / 4);
      this.child.kill('SIGTERM');
      await exit;
      clearTimeout(impatience);
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
