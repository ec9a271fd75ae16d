import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { thisServer } from '../support/this-server.mjs';

const PATIENCE_MS = 60_000;
const CONNECTIONS_REST_MS = 8_000;

/** The server under test. It is ended and restarted on the same folder and port; clients wait meanwhile. */
export class SoakServer {
  starts = 0;
  port = 0;
  #child;
  #folder;
  #env;
  #inspector;
  #said = '';
  #opened = () => undefined;
  #up = new Promise((resolve) => (this.#opened = resolve));
  #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  constructor(folder, env) {
    this.#folder = folder;
    this.#env = env;
  }

  async start() {
    // The inspector is only used to collect garbage before memory is compared.
    const [node, ...args] = thisServer(['--inspect=127.0.0.1:0']);
    const child = spawn(node, [...args, '--host', '127.0.0.1', '--port', String(this.port)], {
      cwd: this.#folder,
      env: { PATH: process.env.PATH, HOME: this.#folder, LANG: 'C.UTF-8', ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let said = '';
    child.stdout.on('data', (chunk) => (this.#said = said = (said + chunk).slice(-20_000)));
    child.stderr.on('data', (chunk) => {
      const text = chunk.toString();
      this.#inspector = /Debugger listening on (ws:\S+)/.exec(text)?.[1] ?? this.#inspector;
      const other = text.replaceAll(/^(Debugger (listening|ending|attached)|For help, see).*\n/gm, '');
      if (other !== '') process.stderr.write(other);
    });
    for (const end = Date.now() + PATIENCE_MS; !/listening on \S+:\d+/.test(said); await sleep(10)) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`it did not start: ${said}`);
    }
    this.port = Number(/listening on http:\/\/[^\s:]+:(\d+)/.exec(said)[1]);
    this.starts += 1;
    this.#opened();
  }

  /** @returns how it ended (exit code or signal) and the end of its log */
  async end(signal) {
    this.#up = new Promise((resolve) => (this.#opened = resolve));
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code, by] = await exit;
    return { how: by ?? code, said: this.#said };
  }

  /** Kills the process at the end of the test. */
  kill() {
    this.#child?.kill('SIGKILL');
  }

  /** Resolves when it is running. */
  up() {
    return this.#up;
  }

  socketUrl(route) {
    return `ws://127.0.0.1:${this.port}${route}`;
  }

  /** Sends a request; rejects if there was no answer. */
  send(method, route, body, headers = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const length = text === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
    const type = text === undefined ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        method,
        path: route,
        agent: this.#agent,
        headers: { ...type, ...length, ...headers },
      };
      const request = http.request(options, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() });
        });
      });
      request.setTimeout(PATIENCE_MS, () => request.destroy(new Error(`no answer: ${method} ${route}`)));
      request.on('error', reject);
      request.end(text);
    });
  }

  /** Repeats a request until there is an answer. */
  async insist(method, route, body, headers) {
    for (let attempt = 1; ; attempt += 1) {
      await this.up();
      try {
        const answer = await this.send(method, route, body, headers);
        if (answer.status !== 503) return answer;
      } catch (error) {
        if (attempt >= 600) throw error;
      }
      await sleep(100);
    }
  }

  /** The values of `GET /metrics` by their names without the prefix. */
  async metrics() {
    const { text } = await this.send('GET', '/metrics');
    return new Map(
      text.split('\n').flatMap((line) => {
        const [, name, value] = /^(?:agent_server_)?([a-z_]+) (\S+)$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, Number(value)]];
      }),
    );
  }

  /** Memory and used JavaScript heap after a garbage collection (MiB), open files, and child processes. */
  async facts() {
    const { pid } = this.#child;
    await this.#collectGarbage();
    const metrics = await this.metrics();
    const used = metrics.get('nodejs_heap_size_used_bytes') + metrics.get('nodejs_external_memory_bytes');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const memory = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    const files = await openFiles(pid);
    const processes = await descendants(pid);
    return { memory: Math.round(memory), used: Math.round(used / 1024 / 1024), files, processes };
  }

  async #collectGarbage() {
    const socket = new WebSocket(this.#inspector);
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
    await once(socket, 'message');
    socket.close();
    await once(socket, 'close');
  }
}

/** The open files of a process after idle client connections have been closed, which takes five seconds. */
async function openFiles(pid) {
  const folder = path.join('/proc', String(pid), 'fd');
  let least;
  for (const end = Date.now() + CONNECTIONS_REST_MS; Date.now() < end; await sleep(500)) {
    const links = (await readdir(folder)).map((fd) => readlink(path.join(folder, fd)).catch(() => ''));
    const files = (await Promise.all(links)).map((link) => link.replace(/:\[\d+\]$/, '')).sort();
    if (least === undefined || files.length < least.length) least = files;
  }
  return least;
}

/** The number of running processes that this one has started. */
async function descendants(pid) {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  let count = 0;
  for (const child of children.trim().split(' ').filter(Boolean)) count += 1 + (await descendants(child));
  return count;
}
