import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from './server-process.js';

/** What a server keeps open below the folder of settings. */
const JOURNALS = ['audit', 'usage'];

/** A JSON object. */
export type Json = Record<string, unknown>;

/** The status and the body of an answer. */
export interface SettingsAnswer {
  status: number;
  body: Json;
}

/** A server with a temporary home folder, and helpers to read both. The real home folder is not used. */
export class SettingsFixture {
  private constructor(
    readonly folder: string,
    private readonly env: Record<string, string>,
    public server: ServerProcess,
  ) {}

  /** @param env `OH_SECRET_KEY` defaults to `test-key`; an empty value leaves a variable out */
  static async start(env: Record<string, string> = {}): Promise<SettingsFixture> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'settings-'));
    const full = { HOME: path.join(folder, 'home'), OH_SECRET_KEY: 'test-key', ...env };
    const given = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== ''));
    return new SettingsFixture(folder, given, await ServerProcess.start({ cwd: folder, env: given }));
  }

  /** The folder of the settings files. */
  get root(): string {
    return this.env['OH_PERSISTENCE_DIR'] ?? path.join(this.folder, 'home', '.openhands');
  }

  /** Ends the server and starts another one with the same files. */
  async restart(signal: NodeJS.Signals = 'SIGTERM', env: Record<string, string> = {}): Promise<void> {
    await this.server.end(signal);
    this.server = await ServerProcess.start({ cwd: this.folder, env: { ...this.env, ...env } });
  }

  /** Starts a second server with the same files. */
  another(): Promise<ServerProcess> {
    return ServerProcess.start({ cwd: this.folder, env: this.env });
  }

  /**
   * Removes the settings, secrets, profiles and extensions that requests have stored, which the server reads
   * from their files: a test begins as with a new server. Journals, which it keeps open, stay.
   */
  async clear(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    const stored = names.filter((name) => !JOURNALS.includes(name)).map((name) => path.join(this.root, name));
    const ofUser = path.join(this.folder, 'home', '.agents');
    for (const entry of [...stored, ofUser]) await rm(entry, { recursive: true, force: true });
  }

  /**
   * Starts a second server with the same files, and ends it after `use`.
   * @param env in place of that of this one
   */
  async withAnother(
    env: Record<string, string>,
    use: (other: SettingsFixture) => Promise<void>,
  ): Promise<void> {
    const all = { ...this.env, ...env };
    const server = await ServerProcess.start({ cwd: this.folder, env: all });
    try {
      await use(new SettingsFixture(this.folder, all, server));
    } finally {
      await server.end();
    }
  }

  async stop(): Promise<void> {
    await this.server.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  async ask(
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<SettingsAnswer> {
    const answer = await this.server.request(method, route, body, headers);
    return { status: answer.status, body: asJson(answer.body) };
  }

  /** Like `ask`, for requests that have to succeed. @returns the body */
  async done(method: string, route: string, body?: unknown, headers?: Record<string, string>): Promise<Json> {
    const { status, body: answer } = await this.ask(method, route, body, headers);
    if (status >= 300) throw new Error(`${method} ${route}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The settings with secrets in plaintext. */
  plain(): Promise<Json> {
    return this.done('GET', '/api/settings', undefined, { 'x-expose-secrets': 'plaintext' });
  }

  /** The text of a settings file. */
  text(name: string): Promise<string> {
    return readFile(path.join(this.root, name), 'utf8');
  }

  /** The JSON object in a settings file. */
  async file(name: string): Promise<Json> {
    return asJson(JSON.parse(await this.text(name)));
  }
}

/** A copy of a value that has to be an object. */
export function asJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${JSON.stringify(value)}`);
  return { ...value };
}

/** The value at a path of keys in an object. */
export function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((found, key) => asJson(found)[key], value);
}

/** Matches any text that contains this one. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}
