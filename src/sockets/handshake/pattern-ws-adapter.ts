import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { MessageMappingProperties } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { WebSocketServer, type WebSocket } from 'ws';
import { type Principal, type Requirement, STRICTEST } from '../../auth/index.js';
import { DomainError, WIRE_CODES } from '../../errors/index.js';
import type { UpgradeRequest } from '../../forwarding/index.js';
import { loggableUrl, requestId } from '../../logging/index.js';
import type { KeyAdmission } from './key-admission.js';
import { MAX_INBOUND_FRAGMENTS, MAX_INBOUND_FRAME_BYTES } from '../connections/socket-limits.js';

/** A WebSocket upgrade request. */
export interface Handshake {
  request: IncomingMessage;
  query: URLSearchParams;
  /** Values of the placeholders in the path, decoded. */
  params: Record<string, string>;
  /** What a key needs to open the socket. */
  required: Requirement;
}

/**
 * Decides about a handshake. The result is passed to the gateway's `handleConnection` as its third argument;
 * `undefined` refuses the handshake with 403, a `HandshakeRefusedError` with another status.
 */
type Admit = (handshake: Handshake) => Promise<Admitted | undefined> | Admitted | undefined;

/** What is known about every admitted handshake. */
interface Admitted extends KeyAdmission {
  /** The conversation of the socket, which another server may have. */
  conversationId?: string;
  /** The terminal of the socket, if it is one of no conversation: another server may have it. */
  serverTerminalId?: string;
}

/** Passes sockets on to the servers that have what they are about. */
export interface SocketForwarder {
  /**
   * @param takes takes the conversation if no server has it
   * @returns false if this server serves the socket
   */
  forwardSocket(conversationId: string, client: UpgradeRequest, takes: boolean): Promise<boolean>;
  /** @returns false if this server serves the socket. Absent: it serves all. */
  forwardTerminal?(terminalId: string, client: UpgradeRequest): Promise<boolean>;
}

/** Takes over the connection of an unanswered handshake. */
type Tunnel = (handshake: Handshake, socket: Duplex, head: Buffer) => void;

/** Refuses a handshake with another status than 403. */
export class HandshakeRefusedError extends Error {
  override readonly name = 'HandshakeRefusedError';
  constructor(
    readonly status: number,
    readonly retryAfterSeconds?: number | undefined,
  ) {
    super(`handshake refused with ${status}`);
  }
}

/**
 * The WebSocket server of one gateway. Its path may contain placeholders
 * (`/sockets/events/:conversation_id`), optional parts (`/{api/}conversations`) and a wildcard at the end
 * (`/*rest`). A gateway sets `admit` and `required` in `afterInit`; without `admit` every handshake is
 * refused.
 */
export class PatternWsServer extends WebSocketServer {
  admit: Admit = () => undefined;
  /** What a key needs to open a socket of the gateway. */
  required: Requirement = STRICTEST;
  /** Set by a gateway that forwards connections instead of accepting them. Throws to refuse. */
  tunnel?: Tunnel;
  private readonly pattern: RegExp;

  constructor(path: string) {
    super({
      noServer: true,
      maxPayload: MAX_INBOUND_FRAME_BYTES,
      maxFragments: MAX_INBOUND_FRAGMENTS,
      perMessageDeflate: false,
    });
    this.pattern = compilePath(path);
  }

  /** The values of the placeholders, or undefined when the path does not match. */
  match(pathname: string): Record<string, string> | undefined {
    const match = this.pattern.exec(pathname);
    if (!match) return undefined;
    const params = Object.entries(match.groups ?? {}).map(([name, value]): [string, string] => [
      name,
      decodeURIComponent(value),
    ]);
    return Object.fromEntries(params);
  }
}

/**
 * Nest's adapter for `ws`, extended by path patterns and asynchronous decisions about handshakes. It replaces
 * Nest's `upgrade` listener, which destroys connections for paths that it does not know.
 */
export class PatternWsAdapter extends WsAdapter {
  private readonly servers = new Map<number, PatternWsServer[]>();
  /** The HTTP servers by port, with our listener. Nest's own registry is untyped. */
  private readonly httpServers = new Map<number, { server: Server; listener: UpgradeListener }>();

  constructor(
    private readonly app: INestApplication<Server>,
    private readonly forwarder?: SocketForwarder,
    /** Whether a conversation exists for whoever opens a socket; absent: for all. */
    private readonly exists?: (conversationId: string, principal: Principal) => Promise<boolean>,
  ) {
    super(app);
  }

  override create(port: number, options: { path?: string } = {}): PatternWsServer {
    const server = new PatternWsServer(options.path ?? '/');
    this.bindErrorHandler(server);
    this.ensureHttpServerExists(port, port === 0 ? this.app.getHttpServer() : undefined);
    this.servers.set(port, [...(this.servers.get(port) ?? []), server]);
    return server;
  }

  /** Gateways that read raw frames have no handlers and need no pipeline per socket. */
  override bindMessageHandlers(
    client: WebSocket,
    handlers: MessageMappingProperties[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    if (handlers.length > 0) super.bindMessageHandlers(client, handlers, transform);
  }

  /** Errors of clients (invalid frames, lost connections) are logged at debug level only. */
  override bindErrorHandler(server: PatternWsServer): PatternWsServer {
    server.on('connection', (client) => client.on('error', (error) => this.logger.debug(error.message)));
    server.on('error', (error) => this.logger.error(error));
    return server;
  }

  override async dispose(): Promise<void> {
    for (const { server, listener } of this.httpServers.values()) server.off('upgrade', listener);
    this.httpServers.clear();
    this.servers.clear();
    await super.dispose();
  }

  protected override ensureHttpServerExists(port: number, given?: Server): Server {
    const known = this.httpServers.get(port);
    if (known) return known.server;
    const server = given ?? createServer().listen(port);
    const listener: UpgradeListener = (request, socket, head) => {
      void this.upgrade(port, request, socket, head);
    };
    server.on('upgrade', listener);
    this.httpServers.set(port, { server, listener });
    // Nest closes the servers in its registry that are not the application's.
    this.httpServersRegistry.set(port, server);
    return server;
  }

  private async upgrade(port: number, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Another listener has answered it.
    if (!socket.writable) return;
    socket.on('error', () => socket.destroy());
    if (!/websocket/i.test(request.headers.upgrade ?? ''))
      return this.serveAsHttp(port, request, socket, head);
    try {
      const found = this.find(port, request);
      if (found?.server.tunnel) return found.server.tunnel(found.handshake, socket, head);
      const admitted = await found?.server.admit(found.handshake);
      if (!found || !admitted) return this.refuse(request, socket);
      if (await this.isElsewhere(admitted, { request, socket, head })) return;
      found.server.handleUpgrade(request, socket, head, (client) => {
        found.server.emit('connection', client, request, admitted);
      });
    } catch (error) {
      this.logger.debug(`handshake failed: ${String(error)}`);
      if (error instanceof HandshakeRefusedError) this.refuse(request, socket, error);
      else if (error instanceof DomainError) this.refuse(request, socket, statusOf(error));
      else this.refuse(request, socket);
    }
  }

  /** Whether another server serves the socket. Only clients that have shown a key make this one take it. */
  private async isElsewhere(admitted: Admitted, client: UpgradeRequest): Promise<boolean> {
    const { conversationId: id, serverTerminalId, principal } = admitted;
    if (serverTerminalId !== undefined)
      return (await this.forwarder?.forwardTerminal?.(serverTerminalId, client)) === true;
    if (id === undefined || !this.forwarder) return false;
    // The gateway closes it as that of an unknown conversation.
    if (principal && this.exists && !(await this.exists(id, principal))) return false;
    return this.forwarder.forwardSocket(id, client, principal !== undefined);
  }

  /** Answers with 403 and an empty body, as the original does, or with another status. */
  private refuse(
    request: IncomingMessage,
    socket: Duplex,
    { status, retryAfterSeconds }: Pick<HandshakeRefusedError, 'status' | 'retryAfterSeconds'> = FORBIDDEN,
  ): void {
    const path = loggableUrl(request.url ?? '');
    const request_id = requestId(request.headers['x-request-id']?.toString());
    this.logger.log({ message: `refused a socket with ${status}: ${path}`, path, status, request_id });
    const wait = retryAfterSeconds === undefined ? '' : `\r\nRetry-After: ${retryAfterSeconds}`;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}${wait}`;
    socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  /**
   * Returns a request that offers another protocol (Java's client offers HTTP/2) to the HTTP server, without
   * the offer. When there is an upgrade listener, Node treats such requests as upgrades, and nobody would
   * answer.
   */
  private serveAsHttp(port: number, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
    request.rawHeaders.forEach((name, index, headers) => {
      if (index % 2 === 0 && !UPGRADE_HEADERS.has(name.toLowerCase()))
        lines.push(`${name}: ${headers[index + 1]}`);
    });
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
    this.httpServers.get(port)?.server.emit('connection', socket);
  }

  private find(port: number, request: IncomingMessage) {
    const url = new URL(request.url ?? '/', 'ws://localhost');
    for (const server of this.servers.get(port) ?? []) {
      const params = server.match(url.pathname);
      if (params)
        return { server, handshake: { request, params, query: url.searchParams, required: server.required } };
    }
    return undefined;
  }
}

const FORBIDDEN = { status: 403 };

function statusOf({ kind }: DomainError): Pick<HandshakeRefusedError, 'status' | 'retryAfterSeconds'> {
  const { status, isTransient } = WIRE_CODES[kind];
  return { status, ...(isTransient && { retryAfterSeconds: 1 }) };
}
const UPGRADE_HEADERS = new Set(['connection', 'upgrade', 'http2-settings']);

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

function compilePath(path: string): RegExp {
  const source = path
    .replace(/[.*+?^$()[\]\\|]/g, '\\$&')
    .replace(/\\\*(\w+)/g, '(?<$1>.*)')
    .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    .replace(/\{([^{}]*)\}/g, '(?:$1)?');
  return new RegExp(`^${source}$`);
}
