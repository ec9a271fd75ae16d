import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../free-port.js';
import { TestDatabase } from '../postgres.js';
import { ServerProcess } from '../server-process.js';

const HOSTNAME = new URL('../other-hostname.mjs', import.meta.url).href;

/** Servers of one database that tests address one by one. */
export class MemberServers {
  folder = '';
  private database: TestDatabase | undefined;
  private readonly servers: ServerProcess[] = [];

  /** Servers for each of the tests that are declared next: new ones, with a database of their own. */
  static forTests(): MemberServers {
    const members = new MemberServers();
    beforeEach(() => members.prepare());
    afterEach(() => members.end());
    return members;
  }

  /** Servers for all tests that are declared next, which share them and the database. */
  static forBlock(): MemberServers {
    const members = new MemberServers();
    beforeAll(() => members.prepare());
    afterAll(() => members.end());
    return members;
  }

  query(text: string, values: unknown[] = []): ReturnType<TestDatabase['query']> {
    if (!this.database) throw new Error('there is no database');
    return this.database.query(text, values);
  }

  /** The address of the database for another role, whose password is its name. */
  urlAs(role: string): string {
    const url = new URL(this.database?.url ?? '');
    [url.username, url.password] = [role, role];
    return url.href;
  }

  /**
   * Starts one more.
   * @param host the name of its host: servers of different hosts have folders of their own
   */
  async start(host = 'one', env: Record<string, string> = {}): Promise<ServerProcess> {
    const port = await freePort();
    const cwd = path.join(this.folder, host);
    await mkdir(cwd, { recursive: true });
    const server = await ServerProcess.start({
      cwd,
      args: ['--port', String(port)],
      nodeOptions: ['--import', HOSTNAME],
      env: {
        TEST_HOSTNAME: host,
        OH_DATABASE_URL: this.database?.url ?? '',
        OH_SERVER_URL: `http://127.0.0.1:${port}`,
        OH_SERVER_LEASE_SECONDS: '2',
        OH_SECRET_KEY: 'the key of all servers',
        ...env,
      },
    });
    this.servers.push(server);
    return server;
  }

  private async prepare(): Promise<void> {
    this.folder = await mkdtemp(path.join(os.tmpdir(), 'members-'));
    this.database = await TestDatabase.create();
  }

  private async end(): Promise<void> {
    await Promise.all(this.servers.splice(0).map((server) => server.end('SIGKILL')));
    await this.database?.drop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
