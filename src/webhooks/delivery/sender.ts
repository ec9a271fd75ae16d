import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { errorCode } from '../../errors/index.js';
import { traced, traceHeaders, type SpanOptions } from '../../telemetry/index.js';
import type { WebhookTarget } from '../webhook-target.js';

const TIMEOUT_MS = 30_000;
/** Bytes of a response that are read. */
const MAX_RESPONSE_BYTES = 4 * 1024;
/** Time limit for the rest of a response after its headers (ms). */
const RESPONSE_END_MS = 1_000;
const STOPPED = 'the server stopped';
/** Maximum number of connections to one receiver. */
const MAX_CONNECTIONS = 8;

/** One request to a receiver. */
export interface Message {
  url: string;
  /** The same for all attempts with the same content. */
  id: string;
  conversationId: string;
  body: string;
}

/** The result of an attempt: the status of the response, or why there was none. */
export type Outcome = { status: number } | { failure: string };

/** Sends the deliveries of one webhook. Does not follow redirects, and reads only the start of responses. */
export class Sender {
  private readonly agents = [http, https].map(
    ({ Agent }) => new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: TIMEOUT_MS }),
  );
  private readonly attempts = new Set<Attempt>();
  private closed = false;

  constructor(private readonly target: WebhookTarget) {}

  /** Never rejects. */
  send(message: Message): Promise<Outcome> {
    return traced(
      'webhook',
      () => this.spanOf(message),
      async (span) => {
        const outcome = await this.sendOrRepeat(message);
        if ('failure' in outcome) span.fail('unreachable', outcome.failure);
        else span.set({ 'http.response.status_code': outcome.status });
        if ('status' in outcome && outcome.status >= 400) span.fail(String(outcome.status));
        return outcome;
      },
    );
  }

  /** A delivery belongs to the run whose events it brings. */
  private spanOf({ url, conversationId }: Message): SpanOptions {
    const { hostname, port, protocol } = new URL(url);
    return {
      kind: 'client',
      within: conversationId,
      attributes: {
        'http.request.method': this.target.method,
        'server.address': hostname,
        'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
        'gen_ai.conversation.id': conversationId,
        'session.id': conversationId,
      },
    };
  }

  private async sendOrRepeat(message: Message): Promise<Outcome> {
    const first = await this.attempt(message);
    // The receiver closed a kept-alive connection at the moment it was reused.
    return first === 'stale' ? this.attempt(message, true) : first;
  }

  /** Aborts running requests. */
  close(): void {
    this.closed = true;
    for (const attempt of this.attempts) attempt.cancel();
    for (const agent of this.agents) agent.destroy();
  }

  private async attempt(message: Message): Promise<Outcome | 'stale'>;
  private async attempt(message: Message, anew: true): Promise<Outcome>;
  private async attempt(message: Message, anew = false): Promise<Outcome | 'stale'> {
    if (this.closed) return { failure: STOPPED };
    const attempt = new Attempt();
    this.attempts.add(attempt);
    try {
      return { status: await this.start(attempt, message, anew) };
    } catch (error) {
      const isStale = !anew && attempt.wasReused && errorCode(error) === 'ECONNRESET';
      return isStale ? 'stale' : { failure: attempt.describe(error) };
    } finally {
      attempt.end();
      this.attempts.delete(attempt);
    }
  }

  private start(
    attempt: Attempt,
    { url, id, conversationId, body }: Message,
    anew: boolean,
  ): Promise<number> {
    const { method, headers, signingKey } = this.target;
    const target = new URL(url);
    const [plain, secure] = this.agents;
    const agent = target.protocol === 'https:' ? secure : plain;
    return attempt.run(target, body, {
      method,
      agent: anew ? false : agent,
      headers: {
        'user-agent': 'openhands-agent-server',
        accept: '*/*',
        ...traceHeaders(),
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-conversation-id': conversationId,
        ...standardHeaders(id, Math.floor(Date.now() / 1000), body, signingKey),
      },
    });
  }
}

/**
 * The headers of the Standard Webhooks scheme. They let a receiver verify the sender (signature, with a key),
 * reject replays (timestamp) and detect duplicates (id).
 * @param timestamp seconds since the epoch
 */
function standardHeaders(
  id: string,
  timestamp: number,
  body: string,
  key: Buffer | undefined,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

/** One request and the relevant part of its response. */
class Attempt {
  private readonly abort = new AbortController();
  private readonly timer = setTimeout(() => this.cut(`no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  private request: http.ClientRequest | undefined;
  /** Why this server aborted the request. */
  private cutFor: string | undefined;

  get wasReused(): boolean {
    return this.request?.reusedSocket ?? false;
  }

  run(url: URL, body: string, options: http.RequestOptions): Promise<number> {
    const { request } = url.protocol === 'https:' ? https : http;
    const { signal } = this.abort;
    return new Promise((resolve, reject) => {
      this.request = request(url, { ...options, signal });
      this.request.on('response', (answer) => {
        statusOf(answer).then(resolve, reject);
      });
      this.request.on('error', reject);
      this.request.end(body);
    });
  }

  cancel(): void {
    this.cut(STOPPED);
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /** Uses only the error code: messages contain addresses. */
  describe(error: unknown): string {
    if (this.cutFor !== undefined) return this.cutFor;
    const code = errorCode(error) ?? 'failed';
    return FAILURES[code] ?? `the request failed (${code})`;
  }

  private cut(reason: string): void {
    this.cutFor = reason;
    this.abort.abort();
  }
}

const RESPONSE_INCOMPLETE = 'BROKEN_OFF';
const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host is unknown',
  ETIMEDOUT: 'the connection timed out',
  [RESPONSE_INCOMPLETE]: 'the response was incomplete',
};

/** The status of a response that is complete, or of which enough was read. */
function statusOf(answer: http.IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    const enough = (): void => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    };
    const timer = setTimeout(enough, RESPONSE_END_MS);
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_RESPONSE_BYTES) enough();
    });
    answer.on('end', () => resolve(answer.statusCode ?? 0));
    answer.on('error', () => undefined);
    answer.on('close', () => {
      clearTimeout(timer);
      reject(Object.assign(new Error('the response was incomplete'), { code: RESPONSE_INCOMPLETE }));
    });
  });
}
