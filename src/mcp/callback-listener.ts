import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorCode } from '../errors/index.js';
import { untilAborted } from '../flow/index.js';
import { parseUrl } from '../text/index.js';

const PATH = '/callback';
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** The result of a sign-in, from the callback URL. */
interface SignInResult {
  code?: string;
  error?: string;
}

/** The callback that a sign-in waits for. */
export interface ExpectedCallback {
  /** Port of the listener. */
  port: number;
  state: string;
}

/** The authorization server refused the sign-in; the message is its text. */
class SignInRefusedError extends Error {
  override readonly name = 'SignInRefusedError';
}

/** Receives the OAuth callback of a browser on this machine, on its own port. */
export class CallbackListener {
  private resolve: (value: SignInResult) => void = () => undefined;
  private readonly returned = new Promise<SignInResult>((resolve) => (this.resolve = resolve));
  private state: string | undefined;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('request', (request, response) => this.answer(request, response));
  }

  /** @param port preferred port; another one is used if it is taken */
  static async open(port = 0): Promise<CallbackListener> {
    const server = createServer();
    // An open browser connection must not delay the shutdown.
    server.keepAliveTimeout = 1;
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if (port !== 0 && (errorCode(error) === 'EADDRINUSE' || errorCode(error) === 'EACCES'))
        return this.open();
      throw error;
    }
    const address = server.address();
    return new CallbackListener(server, typeof address === 'object' && address ? address.port : port);
  }

  get redirectUrl(): string {
    return `http://localhost:${this.port}${PATH}`;
  }

  /** Accepts only callbacks with this state. */
  expectState(state: string): void {
    this.state = state;
  }

  /**
   * Resolves with the authorization code.
   * @throws SignInRefusedError; the reason of the signal once it is aborted
   */
  async waitForCode(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const { code, error } = await untilAborted(signal, this.returned);
    if (code !== undefined) return code;
    throw new SignInRefusedError(error ?? 'the sign-in was not completed');
  }

  /** The callback that it waits for; undefined before `expectState`. */
  get expected(): ExpectedCallback | undefined {
    return this.state === undefined ? undefined : { port: this.port, state: this.state };
  }

  /** Handles a callback URL. Returns false if it does not belong to this sign-in. */
  accept(url: URL): boolean {
    if (this.state === undefined || !hasResult(url, this.state)) return false;
    const { searchParams: query } = url;
    const [code, error] = [query.get('code'), query.get('error')];
    const text = query.get('error_description') ?? error ?? '';
    this.resolve(
      error === null && code !== null ? { code } : { error: `${error ?? ''} ${text}`.trim().slice(0, 500) },
    );
    return true;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [target, base] = [request.url ?? '', this.redirectUrl];
    const url = parseUrl(target, base);
    const isTaken = url?.pathname === PATH && request.method === 'GET' && this.accept(url);
    const text = isTaken
      ? 'Thank you. You can close this page and go back to OpenHands.'
      : 'This server does not expect this callback.';
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      Connection: 'close',
    };
    response.writeHead(isTaken ? 200 : 400, headers).end(text);
  }
}

/** Whether a URL is the callback of a sign-in. */
export function isExpected(url: URL, { port, state }: ExpectedCallback): boolean {
  return url.port === String(port) && url.pathname === PATH && hasResult(url, state);
}

/** Any page can call the port: the state is required. */
function hasResult({ searchParams: query }: URL, state: string): boolean {
  return query.get('state') === state && (query.get('code') ?? query.get('error')) !== null;
}

/** Parses a plain HTTP URL of this machine; undefined for any other. */
export function parseLocalUrl(text: string): URL | undefined {
  const url = parseUrl(text);
  return url?.protocol === 'http:' && LOCAL_HOST.test(url.hostname) && url.username === '' ? url : undefined;
}
