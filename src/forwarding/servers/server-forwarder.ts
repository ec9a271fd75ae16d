import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpException, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { principalOf, refuseUpgrade, remoteAddress, SESSION } from '../../auth/index.js';
import { DomainError, errorMessage, errorStack, retryHeaders, WIRE_CODES } from '../../errors/index.js';
import { HOP_HEADER, MISDIRECTED, MOVED, type PassWriter, REFUSED } from '../hop/hop-pass.js';
import { hopOf, movedAway } from '../hop/hop-receiver.js';
import { endToEndHeaders, framingOf } from '../relay/end-to-end-headers.js';
import { passAnswer } from '../relay/pass-answer.js';
import { readJson } from '../relay/read-json.js';
import { RequestBody } from '../relay/request-body.js';
import { joinSockets, passRefusal, type UpgradeRequest, watchClient } from '../relay/tunnel.js';
import { askUpgrade, askUpstream, type OutgoingRequest, UpstreamError } from '../relay/upstream.js';
import { ForwardingError, keyRefused, misdirected, moving, silent } from './forwarding-errors.js';
import type { Locator, ServerAddress } from './locator.js';
import { LostServers } from './lost-servers.js';
import type { ServerAddresses } from './server-addresses.js';
import { ServerConnections } from './server-connections.js';
import { ServerWatch } from './server-watch.js';

/** Servers that a request is sent to before it is answered with 503: the owner, and once a new one. */
const MAX_SERVERS = 2;
/** Attempts to take a conversation that nobody has, while others try so, too. */
const MAX_CLAIMS = 5;
/** Methods without effects, which may be repeated. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Headers that are made anew for the next server. `Expect` was answered already. */
const WITHHELD = ['host', 'expect', 'x-request-id', HOP_HEADER];

/** How a request is served that no other server can serve. */
interface ServedHere {
  /** Takes the conversation if no server has it. */
  takes: boolean;
  /** Answers it from the database while the server that has the conversation is unreachable. */
  canFallBack: boolean;
  /** The body, if it was read before: some protocols name the conversation there. */
  body?: Buffer;
}

/** How long an answer that is read here may take (ms). */
const READ_MS = 5_000;
/** Headers that would change the form of an answer. */
const CONDITIONS = new Set(['accept-encoding', 'if-none-match', 'if-modified-since', 'range']);

/** A name of 255 characters, a port, and brackets. */
const MAX_HOST_LENGTH = 263;

/** A server that answered, or the reason why it is not the right one any more. */
type PassResult = 'passed' | typeof MOVED | typeof MISDIRECTED;

/**
 * Passes requests and sockets on to the server that has their conversation. The key was checked before, the
 * body was not read. A request is passed on once: what another server has passed on is served here or
 * answered with 421.
 */
export class ServerForwarder implements OnApplicationShutdown {
  private readonly logger = new Logger('Forwarding');
  private readonly connections = new ServerConnections();
  private readonly lost = new LostServers();
  private readonly watch: ServerWatch;

  constructor(
    private readonly locator: Locator,
    private readonly passes: PassWriter,
    private readonly addresses: ServerAddresses,
  ) {
    this.watch = new ServerWatch(locator, this.connections);
  }

  /**
   * Passes a request on if another server has its conversation.
   * @returns false if this server serves it
   * @throws ForwardingError, HttpException
   */
  async forward(
    conversationId: string,
    request: IncomingMessage,
    response: ServerResponse,
    { takes, canFallBack, body: parsed }: ServedHere,
  ): Promise<boolean> {
    const body = new RequestBody(request, parsed);
    let result: PassResult = MOVED;
    for (let servers = 0; servers < MAX_SERVERS; servers += 1) {
      const isLast = servers === MAX_SERVERS - 1;
      const server = await this.elsewhere(conversationId, takes, servers > 0);
      if (!server && body.isUntouched) return false;
      if (!server) break;
      if (hopOf(request)) throw notHere(response);
      try {
        result = await this.pass(server, request, response, body);
        if (result === 'passed') return true;
      } catch (error) {
        // It may have a new server since it was looked up.
        if (isUnsent(error) && !isLast && body.isRepeatable) continue;
        if (!canFallBack || !body.isUntouched || response.headersSent) throw error;
        // What is open here lacks what others have written since they took it. It is closed in a moment.
        if (this.locator.isOpenHere(conversationId)) throw moving();
        return false;
      }
      if (!body.isRepeatable) break;
    }
    throw notServed(result);
  }

  /**
   * Passes a request on to a given server.
   * @throws ForwardingError
   */
  async forwardTo(server: ServerAddress, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const passed = await this.pass(server, request, response, new RequestBody(request));
    if (passed !== 'passed') throw notServed(passed);
  }

  /**
   * Sends a request to a given server, too, and reads its answer.
   * @param parsed the body, if it was read before
   * @returns the JSON of the answer; undefined for one without content
   * @throws ForwardingError, also for an answer that is none, is late or is too large
   */
  async readFrom(server: ServerAddress, request: IncomingMessage, parsed?: Buffer): Promise<unknown> {
    const origin = this.addresses.originOf(server);
    const stop = new AbortController();
    const release = this.watch.watch(server.serverId, origin, stop);
    const deadline = setTimeout(() => stop.abort(silent()), READ_MS);
    const outgoing = this.outgoing(server, origin, request, undefined);
    const headers = Object.entries(outgoing.headers).filter(([name]) => !CONDITIONS.has(name.toLowerCase()));
    try {
      const upstream = this.connections.to(origin);
      const framing = parsed && { 'content-length': String(parsed.length) };
      const asked = { ...outgoing, headers: { ...Object.fromEntries(headers), ...framing }, upstream };
      const answer = await askUpstream(asked, new RequestBody(request, parsed), stop.signal);
      const refused = this.refusalOf(answer, server);
      if (refused) throw notServed(refused);
      return await readJson(answer);
    } catch (error) {
      throw this.failure(server, error);
    } finally {
      clearTimeout(deadline);
      release();
    }
  }

  /** Connects a WebSocket with a given server, or refuses it. */
  async forwardSocketTo(server: ServerAddress, client: UpgradeRequest): Promise<void> {
    try {
      const passed = await this.tunnel(server, client);
      if (passed !== 'passed') throw notServed(passed);
    } catch (error) {
      this.refuse(client, error);
    }
  }

  /**
   * Connects a WebSocket with the server that has its conversation, or refuses it.
   * @param takes takes the conversation if no server has it
   * @returns false if this server serves it
   */
  async forwardSocket(conversationId: string, client: UpgradeRequest, takes: boolean): Promise<boolean> {
    let result: PassResult = MOVED;
    try {
      for (let servers = 0; servers < MAX_SERVERS; servers += 1) {
        const server = await this.elsewhere(conversationId, takes, servers > 0);
        if (!server) return false;
        if (hopOf(client.request)) {
          const { status, detail, reason } = movedAway();
          refuseUpgrade(client.socket, status, detail, { [HOP_HEADER]: reason });
          return true;
        }
        const isLast = servers === MAX_SERVERS - 1;
        result = await this.tunnel(server, client).catch((error: unknown) => {
          if (isLast || !isUnsent(error)) throw error;
          return MOVED;
        });
        if (result === 'passed') return true;
      }
      throw notServed(result);
    } catch (error) {
      this.refuse(client, error);
      return true;
    }
  }

  /** Closes the kept connections, after the server has answered its last request. */
  onApplicationShutdown(): void {
    this.watch.close();
    this.connections.close();
  }

  /** The other server that has a conversation; undefined if this one serves it. */
  private async elsewhere(
    conversationId: string,
    takes: boolean,
    isFresh: boolean,
  ): Promise<ServerAddress | undefined> {
    for (let claims = 0; claims < MAX_CLAIMS; claims += 1) {
      const location = await this.locator.locate(conversationId, isFresh || claims > 0);
      if (typeof location === 'object') return location;
      if (location === 'here' || !takes || (await this.locator.claim(conversationId))) return undefined;
    }
    throw moving();
  }

  private async pass(
    server: ServerAddress,
    request: IncomingMessage,
    response: ServerResponse,
    body: RequestBody,
  ): Promise<PassResult> {
    const origin = this.addresses.originOf(server);
    const stop = new AbortController();
    const leave = (): void => stop.abort(LEFT);
    response.once('close', leave);
    if (response.destroyed) leave();
    const release = this.watch.watch(server.serverId, origin, stop);
    try {
      const answer = await this.ask(server, origin, request, response, body, stop.signal);
      this.lost.reached(server.serverId);
      const refused = this.refusalOf(answer, server);
      if (refused) return refused;
      await passAnswer(answer, response, endToEndHeaders(answer, []));
      return 'passed';
    } catch (error) {
      if (stop.signal.reason === LEFT) return 'passed';
      throw this.failure(server, error);
    } finally {
      release();
      body.stop();
      response.off('close', leave);
    }
  }

  private async ask(
    server: ServerAddress,
    origin: URL,
    request: IncomingMessage,
    response: ServerResponse,
    body: RequestBody,
    stop: AbortSignal,
  ): Promise<IncomingMessage> {
    const requestId = response.getHeader('x-request-id')?.toString();
    const outgoing = (): Omit<OutgoingRequest, 'upstream'> => {
      const { headers, ...rest } = this.outgoing(server, origin, request, requestId);
      const framing =
        body.length === undefined ? framingOf(request) : { 'content-length': String(body.length) };
      return { ...rest, headers: { ...headers, ...framing } };
    };
    try {
      // Streams would use up the connections that are kept for requests.
      const upstream = isStream(request) ? this.connections.newTo(origin) : this.connections.to(origin);
      return await askUpstream({ ...outgoing(), upstream }, body, stop);
    } catch (error) {
      // The server may have closed a kept connection before it received the request.
      const isRepeatable = SAFE.has(request.method ?? '') && body.isRepeatable;
      if (!(error instanceof UpstreamError) || !error.wasKept || !isRepeatable) throw error;
      return askUpstream({ ...outgoing(), upstream: this.connections.newTo(origin) }, body, stop);
    }
  }

  private async tunnel(server: ServerAddress, client: UpgradeRequest): Promise<PassResult> {
    const { request, socket } = client;
    const origin = this.addresses.originOf(server);
    const stop = new AbortController();
    const forget = watchClient(client, () => stop.abort(LEFT));
    const release = this.watch.watch(server.serverId, origin, stop);
    const outgoing = this.outgoing(server, origin, request, request.headers['x-request-id']?.toString());
    try {
      const asked = await askUpgrade({ ...outgoing, upstream: this.connections.newTo(origin) }, stop.signal);
      forget();
      this.lost.reached(server.serverId);
      if ('refusal' in asked) {
        const refused = this.refusalOf(asked.refusal, server);
        if (!refused) await passRefusal(asked.refusal, client);
        release();
        return refused ?? 'passed';
      }
      void joinSockets(client, asked, endToEndHeaders(asked.answer, []), stop.signal).finally(release);
      return 'passed';
    } catch (error) {
      forget();
      release();
      if (stop.signal.reason !== LEFT) throw this.failure(server, error);
      socket.destroy();
      return 'passed';
    }
  }

  private outgoing(
    { serverId: to }: ServerAddress,
    origin: URL,
    request: IncomingMessage,
    requestId: string | undefined,
  ): Omit<OutgoingRequest, 'upstream'> {
    const { method = 'GET' } = request;
    const target = targetOf(request);
    const hop = this.passes.write(method, target, {
      from: this.locator.selfId,
      to,
      client: remoteAddress(request) ?? null,
      host: hostOf(request),
      key: namedKeyOf(request),
    });
    // Ours come first: Node ignores headers after the first 1,000.
    const headers = {
      host: origin.host,
      [HOP_HEADER]: hop,
      ...(requestId !== undefined && { 'x-request-id': requestId }),
      ...endToEndHeaders(request, WITHHELD),
    };
    return { method, target, headers };
  }

  /**
   * Why the server that was asked is not the right one; undefined if it is.
   * @throws ForwardingError if it refuses every request of this one
   */
  private refusalOf(
    answer: IncomingMessage,
    { serverId, url }: ServerAddress,
  ): typeof MOVED | typeof MISDIRECTED | undefined {
    const reason = answer.headers[HOP_HEADER];
    if (reason !== REFUSED && reason !== MISDIRECTED && reason !== MOVED) return undefined;
    answer.resume();
    if (reason === REFUSED) throw keyRefused();
    if (reason === MISDIRECTED)
      this.logger.warn(`server ${serverId} at ${url}: another server answers there`);
    return reason;
  }

  private failure(server: ServerAddress, error: unknown): unknown {
    const failed = this.lost.explain(server, error);
    if (failed instanceof ForwardingError)
      this.logger.warn(`server ${server.serverId} at ${server.url}: ${errorMessage(error)}`);
    return failed;
  }

  private refuse({ socket }: UpgradeRequest, error: unknown): void {
    if (!(error instanceof DomainError)) this.logger.error('a socket was not passed on', errorStack(error));
    if (!socket.writable) socket.destroy();
    else if (!(error instanceof DomainError)) refuseUpgrade(socket, 500, 'Internal Server Error');
    else refuseUpgrade(socket, WIRE_CODES[error.kind].status, error.message, retryHeaders(error));
  }
}

/** The reason of an abort: the client has disconnected. */
const LEFT = Symbol('left');

/** Whether the server was not reached, so that another one may serve the request. */
function isUnsent(error: unknown): boolean {
  return error instanceof ForwardingError && error.isUnsent;
}

/** The host that a client has asked for; a name that is longer than names can be is not passed on. */
function hostOf({ headers: { host } }: IncomingMessage): string | null {
  return host === undefined || host.length > MAX_HOST_LENGTH ? null : host;
}

/** The id of the named key that this server has verified. */
function namedKeyOf(request: IncomingMessage): string | null {
  const principal = principalOf(request);
  return principal === undefined || principal === SESSION ? null : principal.id;
}

const STREAM = /\/events\/stream(\?|$)/;

/** Whether the answer has no end of its own. */
function isStream({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && STREAM.test(url);
}

/** Path and query as the client has sent them: Express changes `url`. */
function targetOf(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '/';
}

function notServed(result: PassResult): ForwardingError {
  return result === MISDIRECTED ? misdirected() : moving();
}

function notHere(response: ServerResponse): HttpException {
  const { status, detail, reason } = movedAway();
  response.setHeader(HOP_HEADER, reason);
  return new HttpException({ detail }, status);
}
