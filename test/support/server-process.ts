import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { eventually } from './eventually.js';
import { SpawnedServer, type RunningServer } from './spawned-server.js';

export { eventually } from './eventually.js';

/** A program that the server started may still write while it ends, git for instance. */
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

/** How many servers each server of a test is; 0 for one without a database. */
const CLUSTER_SIZE = Number(process.env['TEST_CLUSTER'] ?? 0);

// Only these tests need a database. It goes when they have ended all servers of their folders.
const cluster = CLUSTER_SIZE === 0 ? undefined : await import('./cluster/server-cluster.js');
if (cluster) afterAll(() => cluster.dropDatabases());

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
  /** The longest wait for its start (ms), if it needs more than most. */
  startMs?: number;
}

/**
 * The real server in a separate process, on a free port, by default in a new folder. With `TEST_CLUSTER=3` it
 * is a cluster of three servers behind a load balancer, which tests use as one.
 */
export class ServerProcess {
  private constructor(
    readonly cwd: string,
    /** Whether `stop` removes the folder. */
    private ownsFolder: boolean,
    private readonly running: RunningServer,
    private readonly options: ServerOptions,
  ) {}

  /** Starts the built server and waits until it answers. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const cwd = options.cwd ?? (await realpath(await mkdtemp(path.join(os.tmpdir(), 'agent-server-'))));
    try {
      const running = await start(cwd, options);
      return new ServerProcess(cwd, options.cwd === undefined, running, options);
    } catch (error) {
      if (options.cwd === undefined) await rm(cwd, REMOVE);
      throw error;
    }
  }

  /** Servers that were started otherwise, as one. */
  static over(running: RunningServer, cwd: string): ServerProcess {
    return new ServerProcess(cwd, false, running, {});
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

  get pid(): number {
    return this.running.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.running.port}`;
  }

  /** The address of a socket on this server. */
  socketUrl(route: string): string {
    return `ws://127.0.0.1:${this.running.port}${route}`;
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
    return this.running.log;
  }

  /** Sends a request with a JSON body. */
  async request(method: string, route: string, body?: unknown, headers: Record<string, string> = {}) {
    const json = body === undefined ? undefined : JSON.stringify(body);
    await closedConnectionsSeen();
    const send = (): Promise<Response> =>
      fetch(this.url + route, {
        method,
        headers: {
          ...(this.options.key === undefined ? {} : { 'x-session-api-key': this.options.key }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: json,
      });
    const response = await send().catch((error: unknown) => {
      // A server that had no processor for seconds may close an idle connection while a request is coming.
      if (method === 'GET' && wasReset(error)) return send();
      throw error;
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** Ends the process. @returns its exit code, or the signal that ended it */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    return this.running.end(signal);
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    if (this.ownsFolder) await rm(this.cwd, REMOVE);
  }
}

function start(cwd: string, options: ServerOptions): Promise<RunningServer> {
  if (cluster === undefined) return SpawnedServer.start(cwd, options);
  return cluster.ServerCluster.start(cwd, options, CLUSTER_SIZE);
}

/**
 * Lets `fetch` see which idle connections the server has closed. While a test computes for the five seconds
 * after which the server does so, `fetch` does not see it, and would send the next request on a closed one.
 */
async function closedConnectionsSeen(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

/** Whether a connection was closed before it had an answer. */
function wasReset(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
