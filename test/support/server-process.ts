import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { settlesWithin } from '../../src/flow/index.js';

/** A program that the server started may still write while it ends, git for instance. */
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Options for the start of a server. */
export interface ServerOptions {
  /** Its working directory; the default is a new one, which `stop` removes. */
  cwd?: string;
  env?: Record<string, string>;
  args?: string[];
  /** The value of `--host`; null leaves the option out, which differs from its default. */
  host?: string | null;
  /** A command that runs the program in its last arguments. */
  wrapper?: string[];
  /** The command that starts the program; the default is this Node with `nodeOptions` and `main`. */
  command?: string[];
  /** Starts a process group, to which `end` sends its signal as a terminal does. */
  group?: boolean;
  /** Options of Node itself. */
  nodeOptions?: string[];
  /** The main file; the default is that of this build. */
  main?: string;
  /** The user that runs it; the default is the user of the test. */
  user?: { uid: number; gid: number };
  /** The session key that `request` sends. */
  key?: string;
}

/** The longest wait for a condition (ms). A machine that is busy with other tests needs most of it. */
const TIMEOUT_MS = 60_000;

/** The real server in a separate process, on a free port, by default in a new folder. */
export class ServerProcess {
  private output = '';

  private constructor(
    readonly cwd: string,
    /** Whether `stop` removes the folder. */
    private ownsFolder: boolean,
    private readonly child: ChildProcess,
    private readonly options: ServerOptions,
  ) {
    const keep = (chunk: Buffer): void => void (this.output += chunk.toString());
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Starts the built server and waits until it answers. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const cwd = options.cwd ?? (await realpath(await mkdtemp(path.join(os.tmpdir(), 'agent-server-'))));
    const { host = '127.0.0.1' } = options;
    const address = [...(host === null ? [] : ['--host', host]), '--port', '0'];
    const node = [process.execPath, ...(options.nodeOptions ?? []), options.main ?? MAIN];
    const command = [...(options.wrapper ?? []), ...(options.command ?? node)];
    const [program = '', ...words] = [...command, ...address, ...(options.args ?? [])];
    const child = spawn(program, words, {
      cwd,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        // Keeps the server from storing anything in the real home folder.
        ...(options.env?.['HOME'] === undefined && { OH_PERSISTENCE_DIR: path.join(cwd, 'persistence') }),
        // A web UI that was fetched into this checkout would change what the server answers and stores.
        OH_UI_PATH_IS_NONE: '1',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.group,
      ...options.user,
    });
    const server = new ServerProcess(cwd, options.cwd === undefined, child, options);
    try {
      await eventually(() => {
        if (server.hasEnded) throw new Error(`the server ended: ${server.output}`);
        return server.port !== undefined;
      }, 'the start of the server');
    } catch (error) {
      await server.end('SIGKILL');
      await server.stop();
      throw error;
    }
    return server;
  }

  /**
   * Ends the process and starts another one in the same folder, with the same options but for `changes`. The
   * folder is now removed by the `stop` of the new one.
   */
  async restart(signal: NodeJS.Signals = 'SIGTERM', changes: ServerOptions = {}): Promise<ServerProcess> {
    await this.end(signal);
    const next = await ServerProcess.start({ ...this.options, ...changes, cwd: this.cwd });
    next.ownsFolder = this.ownsFolder;
    this.ownsFolder = false;
    return next;
  }

  private get port(): string | undefined {
    // The last line of the start.
    return /listening on http:\/\/[^\s:]+:(\d+)/.exec(this.output)?.[1];
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port ?? ''}`;
  }

  /** The address of a socket on this server. */
  socketUrl(route: string): string {
    return `ws://127.0.0.1:${this.port ?? ''}${route}`;
  }

  /** Waits until its log contains a text: lines are buffered for a moment before they are written. */
  async logs(text: string | RegExp): Promise<void> {
    const isThere = (): boolean => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log));
    await eventually(isThere, `${String(text)} in the log`);
  }

  /** Its log with all that it has written before this call. Needs the log level `info` or `debug`. */
  async flushedLog(): Promise<string> {
    const id = `flush-${randomUUID()}`;
    await this.request('GET', '/server_info', undefined, { 'x-request-id': id });
    await this.logs(id);
    return this.log;
  }

  /** Its output so far: complete only after `end`, see `flushedLog`. */
  get log(): string {
    return this.output;
  }

  /** Sends a request with a JSON body. */
  async request(method: string, route: string, body?: unknown, headers: Record<string, string> = {}) {
    const json = body === undefined ? undefined : JSON.stringify(body);
    await closedConnectionsSeen();
    const response = await fetch(this.url + route, {
      method,
      headers: {
        ...(this.options.key === undefined ? {} : { 'x-session-api-key': this.options.key }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: json,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** Ends the process. @returns its exit code, or the signal that ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    if (!this.hasEnded) {
      const exit = once(this.child, 'exit');
      // A process that the server left behind may keep the pipe open.
      const output = settlesWithin(once(this.child, 'close'), 2000);
      if (this.options.group) process.kill(-this.pid, signal);
      else this.child.kill(signal);
      await exit;
      await output;
    }
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    if (this.ownsFolder) await rm(this.cwd, REMOVE);
  }
}

/**
 * Lets `fetch` see which idle connections the server has closed. While a test computes for the five seconds
 * after which the server does so, `fetch` does not see it, and would send the next request on a closed one.
 */
async function closedConnectionsSeen(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Waits until a condition is true. @param what names it in the error */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} was not true within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
