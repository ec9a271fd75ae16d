import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** How a server is started for a test. */
export interface ServerOptions {
  /** The folder it runs in; the default is a new one, removed by `stop`. */
  cwd?: string;
  env?: Record<string, string>;
  args?: string[];
  /** What `--host` says; null leaves it out, which is not the same as its default. */
  host?: string | null;
  /** A command that starts the program behind it. */
  wrapper?: string[];
  /** Options of Node itself. */
  nodeOptions?: string[];
  /** The program that is started; the default is this build. */
  main?: string;
  /** Whom it runs as; the default is who runs the test. */
  user?: { uid: number; gid: number };
  /** A session key that `request` shows. */
  key?: string;
}

/** Fails when something takes longer than it ever should (ms). */
const PATIENCE_MS = 30_000;

/** The real server as a process of its own, on a free port, in a folder of its own. */
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
    const cwd = options.cwd ?? (await mkdtemp(path.join(os.tmpdir(), 'agent-server-')));
    const { host = '127.0.0.1' } = options;
    const address = [...(host === null ? [] : ['--host', host]), '--port', '0'];
    const args = [...(options.nodeOptions ?? []), options.main ?? MAIN, ...address, ...(options.args ?? [])];
    const [program = '', ...words] = [...(options.wrapper ?? []), process.execPath, ...args];
    const child = spawn(program, words, {
      cwd,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        // Nothing is stored in the real home; whoever gives the server another one looks into that.
        ...(options.env?.['HOME'] === undefined && { OH_PERSISTENCE_DIR: path.join(cwd, 'persistence') }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options.user,
    });
    const server = new ServerProcess(cwd, options.cwd === undefined, child, options);
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the server ended: ${server.output}`);
      return server.port !== undefined;
    });
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
    // The last thing that it says at start.
    return /listening on http:\/\/[^\s:]+:(\d+)/.exec(this.output)?.[1];
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

  /** Waits until its log has this in it: lines are gathered for a moment before they are written. */
  async logs(text: string | RegExp): Promise<void> {
    const isThere = (): boolean => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log));
    await eventually(isThere, `${String(text)} in the log`);
  }

  /** What it printed so far. */
  get log(): string {
    return this.output;
  }

  /** Sends a request; the body is JSON. */
  async request(method: string, route: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(this.url + route, {
      method,
      headers: {
        ...(this.options.key === undefined ? {} : { 'x-session-api-key': this.options.key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** Ends the process and answers its exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill(signal);
      await exit;
    }
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    if (this.ownsFolder) await rm(this.cwd, { recursive: true, force: true });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Checks a condition again and again until it holds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not come true within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
