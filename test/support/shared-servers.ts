import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { TestDatabase } from './postgres.js';
import { ServerProcess } from './server-process.js';
import { asJson, type Json, type SettingsAnswer } from './settings-fixture.js';

/** A server of a database, with folders of its own as on a machine of its own. */
export class DatabaseServer {
  private constructor(
    readonly folder: string,
    readonly process: ServerProcess,
  ) {}

  static async start(folder: string, url: string, env: Record<string, string> = {}): Promise<DatabaseServer> {
    await mkdir(folder, { recursive: true });
    const all = { HOME: path.join(folder, 'home'), OH_SECRET_KEY: 'test-key', OH_DATABASE_URL: url, ...env };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    return new DatabaseServer(folder, await ServerProcess.start({ cwd: folder, env: given }));
  }

  async ask(method: string, route: string, body?: unknown): Promise<SettingsAnswer> {
    const headers = { 'x-expose-secrets': 'plaintext' };
    const answer = await this.process.request(method, route, body, method === 'GET' ? headers : {});
    return { status: answer.status, body: asJson(answer.body) };
  }

  /** As `ask`, for requests that have to succeed. @returns the body */
  async done(method: string, route: string, body?: unknown): Promise<Json> {
    const { status, body: answer } = await this.ask(method, route, body);
    if (status >= 300) throw new Error(`${method} ${route}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }
}

/** Servers of a new database, below one folder. */
export class SharedServers {
  readonly all: DatabaseServer[] = [];

  private constructor(
    readonly folder: string,
    readonly database: TestDatabase,
    private readonly env: Record<string, string>,
  ) {}

  static async start(count: number, env: Record<string, string> = {}): Promise<SharedServers> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'shared-'));
    const servers = new SharedServers(folder, await TestDatabase.create(), env);
    // At once: on an empty database they make its schema together.
    await Promise.all(Array.from({ length: count }, (_, index) => servers.add(`server-${index}`)));
    return servers;
  }

  /** Starts another server. @param env in place of that of the others; an empty value leaves one out */
  async add(name: string, env: Record<string, string> = {}): Promise<DatabaseServer> {
    const folder = path.join(this.folder, name);
    const server = await DatabaseServer.start(folder, this.database.url, { ...this.env, ...env });
    this.all.push(server);
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((server) => server.process.stop()));
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
