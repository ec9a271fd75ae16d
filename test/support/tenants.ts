import { SocketRecorder } from './conversation-client.js';
import type { ServerProcess } from './server-process.js';

/** The session key of servers with tenants. */
export const ADMIN_KEY = 'the-key-of-the-administrator';

/** An answer, with its text as it came. */
export interface RawAnswer {
  status: number;
  text: string;
  headers: Headers;
}

/** Somebody with a key. */
export class Tenant {
  /** All that a server has ever told it: it must not have what others wrote. */
  readonly seen: string[] = [];

  constructor(
    readonly server: ServerProcess,
    readonly name: string,
    readonly key: string,
    /** The id of the key. */
    readonly keyId: string,
  ) {}

  /** Makes a key that reaches its own conversations only. */
  static async make(server: ServerProcess, name: string, scope = 'write'): Promise<Tenant> {
    const admin = { 'x-session-api-key': ADMIN_KEY };
    const made = await server.request('POST', '/api/keys', { name, scope, reach: 'own' }, admin);
    if (made.status !== 201) throw new Error(`a key: ${made.status} ${JSON.stringify(made.body)}`);
    const { id, key } = made.body as { id: string; key: string };
    return new Tenant(server, name, key, id);
  }

  /** The administrator. */
  static admin(server: ServerProcess): Tenant {
    return new Tenant(server, 'admin', ADMIN_KEY, 'session');
  }

  async ask(
    method: string,
    route: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<RawAnswer> {
    const response = await fetch(this.server.url + route, {
      method,
      headers: {
        'x-session-api-key': this.key,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...more,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    this.seen.push(text);
    return { status: response.status, text, headers: response.headers };
  }

  /** The JSON of an answer with one of the statuses. */
  async json<T>(method: string, route: string, body?: unknown): Promise<T> {
    const { status, text } = await this.ask(method, route, body);
    if (status >= 300) throw new Error(`${this.name}: ${method} ${route} answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** A socket with the key of this tenant. */
  socket(route: string): SocketRecorder {
    const recorder = new SocketRecorder(this.server.socketUrl(route), { 'x-session-api-key': this.key });
    recorder.socket.on('message', (data: Buffer) => this.seen.push(data.toString()));
    return recorder;
  }
}
