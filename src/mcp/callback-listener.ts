import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorCode } from '../errors/index.js';
import { untilAborted } from '../flow/index.js';
import { parseUrl } from '../text/index.js';

const PATH = '/callback';
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** With what a person comes back from a sign-in. */
interface Return {
  code?: string;
  error?: string;
}

/** Nobody was let in; the text is that of the authorization server. */
export class SignInRefusedError extends Error {
  override readonly name = 'SignInRefusedError';
}

/** Waits on this machine for the browser of a person who signs in elsewhere, on a port of its own. */
export class CallbackListener {
  private resolve: (value: Return) => void = () => undefined;
  private readonly returned = new Promise<Return>((resolve) => (this.resolve = resolve));
  private state: string | undefined;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('request', (request, response) => this.answer(request, response));
  }

  /** @param port where it has been before, if it has; another one when that is taken */
  static async open(port = 0): Promise<CallbackListener> {
    const server = createServer();
    // A browser that nobody closes must not keep the server from its end.
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

  /** From now on who comes back with this state is taken for the person who was sent away. */
  expect(state: string): void {
    this.state = state;
  }

  /**
   * The code with which the person comes back.
   * @throws SignInRefusedError; the reason of the signal once it is aborted
   */
  async code(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const { code, error } = await untilAborted(signal, this.returned);
    if (code !== undefined) return code;
    throw new SignInRefusedError(error ?? 'the sign-in was not finished');
  }

  /** Whether an address is one that the person can come back to, and is meant for this listener. */
  isOwn(url: URL): boolean {
    return url.port === String(this.port) && url.pathname === PATH;
  }

  /** Takes the address that the browser came back to. False: it is not of this sign-in. */
  take(url: URL): boolean {
    const { searchParams: query } = url;
    const [code, error] = [query.get('code'), query.get('error')];
    // Any page can call this port: who does not know the state is nobody.
    if (this.state === undefined || query.get('state') !== this.state || (code ?? error) === null)
      return false;
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
    const isTaken = url?.pathname === PATH && request.method === 'GET' && this.take(url);
    const text = isTaken
      ? 'Thank you. You can close this page and go back to OpenHands.'
      : 'This is no answer to a sign-in that this server waits for.';
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      Connection: 'close',
    };
    response.writeHead(isTaken ? 200 : 400, headers).end(text);
  }
}

/** An address on this machine, over plain HTTP; undefined for any other. */
export function localAddress(text: string): URL | undefined {
  const url = parseUrl(text);
  return url?.protocol === 'http:' && LOCAL.test(url.hostname) && url.username === '' ? url : undefined;
}
