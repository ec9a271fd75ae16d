import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { settlesWithin } from '../../src/flow/index.js';
import { eventually } from './eventually.js';
import { SANDBOX_OF_TESTS } from './sandbox.js';
import type { ServerOptions } from './server-process.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What a server, or a cluster of them, is to its tests. */
export interface RunningServer {
  /** The port that clients use. */
  readonly port: number;
  readonly pid: number;
  /** The output so far. */
  readonly log: string;
  /** Ends it. @returns its exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** One process of the built server. */
export class SpawnedServer implements RunningServer {
  private output = '';
  private foundPort: string | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly isGroup: boolean,
  ) {
    const keep = (chunk: Buffer): void => void (this.output += chunk.toString());
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Starts it in a folder, and waits until it answers. @param port 0 for a free one */
  static async start(cwd: string, options: ServerOptions, port = 0): Promise<SpawnedServer> {
    const { host = '127.0.0.1' } = options;
    const address = [...(host === null ? [] : ['--host', host]), '--port', String(port)];
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
        ...SANDBOX_OF_TESTS,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.group,
      ...options.user,
    });
    const server = new SpawnedServer(child, options.group ?? false);
    try {
      const hasStarted = (): boolean => {
        if (server.hasEnded) throw new Error(`the server ended: ${server.output}`);
        return server.address !== undefined;
      };
      await eventually(hasStarted, 'the start of the server', options.startMs);
    } catch (error) {
      await server.end('SIGKILL');
      throw error;
    }
    return server;
  }

  get port(): number {
    return Number(this.address ?? 0);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get log(): string {
    return this.output;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    if (!this.hasEnded) {
      const exit = once(this.child, 'exit');
      // A process that the server left behind may keep the pipe open.
      const output = settlesWithin(once(this.child, 'close'), 2000);
      if (this.isGroup) process.kill(-this.pid, signal);
      else this.child.kill(signal);
      await exit;
      await output;
      // It would keep the process of the tests from ending.
      this.child.stdout?.destroy();
      this.child.stderr?.destroy();
    }
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** The port in the last line of the start, kept because each request needs it and logs are long. */
  private get address(): string | undefined {
    return (this.foundPort ??= /listening on http:\/\/[^\s:]+:(\d+)/.exec(this.output)?.[1]);
  }
}
