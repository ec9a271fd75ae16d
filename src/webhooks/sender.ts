import http from 'node:http';
import https from 'node:https';
import { errorCode } from '../errors/index.js';
import { standardHeaders } from './sign.js';
import type { WebhookTarget } from './webhook-target.js';

const TIMEOUT_MS = 30_000;
/** More of an answer is not read. */
const ANSWER_BYTES = 4 * 1024;
/** An answer whose status is known may take so long for the rest. */
const ANSWER_MS = 1_000;
/** No more connections to one receiver. */
const CONNECTIONS = 8;

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
    ({ Agent }) => new Agent({ keepAlive: true, maxSockets: CONNECTIONS, timeout: TIMEOUT_MS }),
  );
  private readonly ending = new AbortController();

  constructor(private readonly target: WebhookTarget) {}

  /** Never rejects. */
  async send(message: Message): Promise<Outcome> {
    const attempt = new Attempt(this.ending.signal);
    try {
      return { status: await this.start(attempt, message) };
    } catch (error) {
      // The receiver had closed a kept connection just when it was used again.
      if (attempt.wasReused && errorCode(error) === 'ECONNRESET' && !this.ending.signal.aborted) {
        return await this.sendAnew(message);
      }
      return { failure: attempt.describe(error) };
    } finally {
      attempt.end();
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.ending.abort();
    for (const agent of this.agents) agent.destroy();
  }

  private async sendAnew(message: Message): Promise<Outcome> {
    const attempt = new Attempt(this.ending.signal);
    try {
      return { status: await this.start(attempt, message, true) };
    } catch (error) {
      return { failure: attempt.describe(error) };
    } finally {
      attempt.end();
    }
  }

  private start(attempt: Attempt, { url, id, conversationId, body }: Message, anew = false): Promise<number> {
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
  private readonly clock = new AbortController();
  private readonly timer = setTimeout(() => this.clock.abort(), TIMEOUT_MS);
  private request: http.ClientRequest | undefined;

  constructor(private readonly ending: AbortSignal) {}

  get wasReused(): boolean {
    return this.request?.reusedSocket ?? false;
  }

  run(url: URL, body: string, options: http.RequestOptions): Promise<number> {
    const { request } = url.protocol === 'https:' ? https : http;
    const signal = AbortSignal.any([this.clock.signal, this.ending]);
    return new Promise((resolve, reject) => {
      this.request = request(url, { ...options, signal });
      this.request.on('response', (answer) => {
        statusOf(answer).then(resolve, reject);
      });
      this.request.on('error', reject);
      this.request.end(body);
    });
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /** By its code alone: messages of errors repeat addresses. */
  describe(error: unknown): string {
    if (this.clock.signal.aborted) return `no answer within ${TIMEOUT_MS / 1000} s`;
    if (this.ending.aborted) return 'the server stopped';
    const code = errorCode(error) ?? 'failed';
    return FAILURES[code] ?? `the request failed (${code})`;
  }
}

const BROKEN_OFF = 'BROKEN_OFF';
const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host is not known',
  ETIMEDOUT: 'the connection timed out',
  [BROKEN_OFF]: 'the answer broke off',
};

/** The status of an answer that came to its end, or of which enough was read. */
function statusOf(answer: http.IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    const enough = (): void => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    };
    const timer = setTimeout(enough, ANSWER_MS);
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES) enough();
    });
    answer.on('end', () => resolve(answer.statusCode ?? 0));
    answer.on('error', () => undefined);
    answer.on('close', () => {
      clearTimeout(timer);
      reject(Object.assign(new Error('the answer broke off'), { code: BROKEN_OFF }));
    });
  });
}
