import OpenAI from 'openai';
import { SettingsFixture } from './settings-fixture.js';
import type { ServerProcess } from './server-process.js';

/** The header that names a conversation. */
export const CONVERSATION = 'X-OpenHands-ServerConversation-ID';
/** The session key of the server, which is the API key of OpenAI's client. */
export const KEY = 'test-session-key';

/** A server with models for OpenAI's client: `main` is scripted inside, others are added by the test. */
export class GatewayFixture {
  private constructor(private readonly settings: SettingsFixture) {}

  static async start(env: Record<string, string> = {}): Promise<GatewayFixture> {
    const fixture = new GatewayFixture(await SettingsFixture.start({ SESSION_API_KEY: KEY, ...env }));
    await fixture.model('main', { model: 'scripted/test' });
    return fixture;
  }

  get server(): ServerProcess {
    return this.settings.server;
  }

  /** OpenAI's client without retries. */
  client(options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
    return new OpenAI({ baseURL: `${this.server.url}/v1`, apiKey: KEY, maxRetries: 0, ...options });
  }

  /** Stores an LLM profile: the model `openhands_<name>`. */
  async model(name: string, llm: object): Promise<void> {
    await this.ok('POST', `/api/profiles/${name}`, { llm: { num_retries: 0, ...llm } });
  }

  /** A request to the server's own API that has to succeed. */
  ok(method: string, route: string, body?: unknown): Promise<Record<string, unknown>> {
    return this.settings.done(method, route, body, { 'x-session-api-key': KEY });
  }

  async status(conversationId: string): Promise<unknown> {
    return (await this.ok('GET', `/api/conversations/${conversationId}`))['execution_status'];
  }

  /** A raw request to a route below `/v1`. */
  raw(
    route: string,
    body: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(`${this.server.url}/v1${route}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal,
    });
  }

  restart(signal?: NodeJS.Signals): Promise<void> {
    return this.settings.restart(signal);
  }

  stop(): Promise<void> {
    return this.settings.stop();
  }
}

/** A request for a completion. */
export function chat(text: string, more: object = {}) {
  return { model: 'openhands_main', messages: [{ role: 'user' as const, content: text }], ...more };
}

/** The id of the conversation that an answer names. */
export function conversationOf(response: { headers: Headers }): string {
  return response.headers.get(CONVERSATION) ?? '';
}
