import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ServerProcess } from '../server-process.js';

/**
 * Servers of one configuration that the tests of a block share, each in a folder of its own. A test that ends
 * one does so here, and the next test gets another one for it.
 */
export class ServerPool {
  private readonly running: ServerProcess[] = [];
  private started = 0;

  /** @param folder where the folders of the servers are made. @param launch starts a server in one */
  constructor(
    private readonly folder: string,
    private readonly launch: (cwd: string) => Promise<ServerProcess>,
  ) {}

  /** As many running servers, the same ones as before where they still run. */
  take(count: 1): Promise<[ServerProcess]>;
  take(count: 2): Promise<[ServerProcess, ServerProcess]>;
  take(count: 3): Promise<[ServerProcess, ServerProcess, ServerProcess]>;
  async take(count: number): Promise<ServerProcess[]> {
    const missing = Math.max(0, count - this.running.length);
    await Promise.all(Array.from({ length: missing }, () => this.add()));
    return this.running.slice(0, count);
  }

  /** Starts another server. */
  async add(): Promise<ServerProcess> {
    this.started += 1;
    const cwd = path.join(this.folder, `server-${this.started}`);
    await mkdir(cwd, { recursive: true });
    const server = await this.launch(cwd);
    this.running.push(server);
    return server;
  }

  /** Ends a server for good. @returns its exit code, or the signal that ended it */
  end(server: ServerProcess, signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const index = this.running.indexOf(server);
    if (index >= 0) this.running.splice(index, 1);
    return server.end(signal);
  }

  /** Kills all servers. */
  async stop(): Promise<void> {
    await Promise.all(this.running.splice(0).map((server) => server.end('SIGKILL')));
  }
}
