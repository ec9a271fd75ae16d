import http from 'node:http';
import https from 'node:https';
import { errorCode } from '../../errors/index.js';
import { standardHeaders } from './sign.js';
import type { WebhookTarget } from '../webhook-target.js';

const TIMEOUT_MS = 30_000;
/** More of an answer is not read. */
const MAX_RESPONSE_BYTES = 4 * 1024;
/** An answer whose status is known may take so long for the rest. */
const RESPONSE_END_MS = 1_000;
const STOPPED = 'the server stopped';
/** No more connections to one receiver. */
const MAX_CONNECTIONS = 8;

/** One request to a receiver. */
export interface Message {
  url: string;
  /** The same each time that the same content is sent. */
  id: string;
  conversationId: string;
  body: string;
}

/** How an attempt ended: with the status of the answer, or with what went wrong before there was one. */
export type Outcome = { status: number } | { failure: string };

/** Sends the deliveries of one webhook. Follows no redirect and reads no more of an answer than it has to. */
export class Sender {
  private readonly agents = [http, https].map(
    ({ Agent }) => new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: TIMEOUT_MS }),
  );
  private readonly attempts = new Set<Attempt>();
  private closed = false;

  constructor(private readonly target: WebhookTarget) {}

  /** Never rejects. */
  async send(message: Message): Promise<Outcome> {
    const first = await this.attempt(message);
    // The receiver had closed a kept connection just when it was used again.
    return first === 'stale' ? this.attempt(message, true) : first;
  }

  /** Ends what is under way. */
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
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-conversation-id': conversationId,
        ...standardHeaders(id, Math.floor(Date.now() / 1000), body, signingKey),
      },
    });
  }
}

/** One request and the part of its answer that counts. */
class Attempt {
  private readonly abort = new AbortController();
  private readonly timer = setTimeout(() => this.cut(`no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  private request: http.ClientRequest | undefined;
  /** Why it was cut from here. */
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

  /** By its code alone: messages of errors repeat addresses. */
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
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host is not known',
  ETIMEDOUT: 'the connection timed out',
  [RESPONSE_INCOMPLETE]: 'the answer broke off',
};

/** The status of an answer that came to its end, or of which enough was read. */
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
      reject(Object.assign(new Error('the answer broke off'), { code: RESPONSE_INCOMPLETE }));
    });
  });
}
