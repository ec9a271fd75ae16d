import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from './server-process.js';

/** What a JSON answer holds. */
export type Json = Record<string, unknown>;

/** An answer as the tests look at it. */
export interface SettingsAnswer {
  status: number;
  body: Json;
}

/**
 * A server whose user has a home of its own, with ways to look at both. Nothing of the real home is ever
 * touched.
 */
export class SettingsStage {
  private constructor(
    readonly folder: string,
    private readonly env: Record<string, string>,
    public server: ServerProcess,
  ) {}

  /** @param env `OH_SECRET_KEY` is `test-key` unless it is said otherwise; an empty one leaves it out */
  static async start(env: Record<string, string> = {}): Promise<SettingsStage> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'settings-'));
    const full = { HOME: path.join(folder, 'home'), OH_SECRET_KEY: 'test-key', ...env };
    const given = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== ''));
    return new SettingsStage(folder, given, await ServerProcess.start({ cwd: folder, env: given }));
  }

  /** The folder with the files. */
  get root(): string {
    return this.env['OH_PERSISTENCE_DIR'] ?? path.join(this.folder, 'home', '.openhands');
  }

  /** Ends the server and starts another one on the same files. */
  async restart(signal: NodeJS.Signals = 'SIGTERM', env: Record<string, string> = {}): Promise<void> {
    await this.server.end(signal);
    this.server = await ServerProcess.start({ cwd: this.folder, env: { ...this.env, ...env } });
  }

  /** A second server on the same files. */
  another(): Promise<ServerProcess> {
    return ServerProcess.start({ cwd: this.folder, env: this.env });
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

  /** Like `ask` for something that has to succeed. */
  async done(method: string, route: string, body?: unknown, headers?: Record<string, string>): Promise<Json> {
    const { status, body: answer } = await this.ask(method, route, body, headers);
    if (status >= 300) throw new Error(`${method} ${route}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The settings with secrets in clear. */
  plain(): Promise<Json> {
    return this.done('GET', '/api/settings', undefined, { 'x-expose-secrets': 'plaintext' });
  }

  /** The text of a stored file. */
  text(name: string): Promise<string> {
    return readFile(path.join(this.root, name), 'utf8');
  }

  /** The object in a stored file. */
  async file(name: string): Promise<Json> {
    return asJson(JSON.parse(await this.text(name)));
  }
}

/** A value as an object. */
export function asJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${JSON.stringify(value)}`);
  return { ...value };
}

/** Follows keys into an object. */
export function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((found, key) => asJson(found)[key], value);
}

/** Matches any text that contains this one. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}
