import type { IncomingMessage } from 'node:http';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { ConversationsService } from '../../conversations/conversations.service.js';
import { EventBus } from '../../events/index.js';
import { Slots, settlesWithin } from '../../flow/index.js';
import { loggableUrl, requestId } from '../../logging/index.js';
import { CLOSE, closeReason, closeSocket } from './close-code.js';
import { Connection, type ConnectionSources } from './connection.js';
import type { FrameFormat } from '../frames/frame-format.js';
import type { Admission } from '../handshake/handshake.js';
import type { Handshake } from '../handshake/pattern-ws-adapter.js';
import { SocketGate } from '../handshake/socket-gate.js';
import { SocketLimits } from './socket-limits.js';

/** So many sockets are attached, and so many replays read, at a time. */
const TURNS = 4;

/** One client's socket, of whatever kind. */
export interface AnyConnection {
  readonly socket: WebSocket;
  /** Begins to serve the client. */
  open(): void;
  /** Releases what it holds, once its socket is closed. */
  release(): void;
  /** Resolves when all frames that were received have been handled. Never rejects. */
  handled(): Promise<void>;
  ping(): void;
}

/** All sockets, of whatever kind: accepts them, keeps them alive, and closes them at shutdown. */
@Injectable()
export class SocketConnections implements ConnectionSources, OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('Sockets');
  readonly turns = new Slots(TURNS);
  private readonly connections = new Set<AnyConnection>();
  /** Frames of sockets that are closed and still have some to be handled. */
  private readonly handling = new Set<Promise<void>>();
  private pingTimer: NodeJS.Timeout | undefined;
  private shuttingDown = false;

  constructor(
    readonly conversations: ConversationsService,
    readonly bus: EventBus,
    readonly gate: SocketGate,
    readonly limits: SocketLimits,
  ) {}

  onModuleInit(): void {
    this.pingTimer = setInterval(() => this.pingAll(), this.limits.pingIntervalMs).unref();
  }

  /** Clients learn that the server goes away before its HTTP server does. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.pingTimer);
    await this.closeAll();
  }

  /**
   * Whether a handshake shows a right key; without one the first frame has to bring it.
   * @throws HandshakeRefusedError for a wrong one
   */
  readonly checkKey = (handshake: Handshake): Promise<boolean> => this.gate.checkHandshake(handshake);

  /** How many sockets are open. */
  get size(): number {
    return this.connections.size;
  }

  /** Takes over a socket at a conversation whose handshake was admitted. */
  accept(socket: WebSocket, request: IncomingMessage, admission: Admission, format: FrameFormat): void {
    const connection = new Connection(socket, request, admission, format, this);
    this.adopt(connection, request, `socket of conversation ${admission.conversationId}`);
  }

  /**
   * Takes over any socket.
   * @param name what it is, for the log
   */
  adopt(connection: AnyConnection, request: IncomingMessage, name: string): void {
    const { socket } = connection;
    if (this.shuttingDown) return closeSocket(socket, CLOSE.shuttingDown);
    const log = this.lifeOf(request, name);
    this.connections.add(connection);
    socket.on('close', (code: number, reason: Buffer) => {
      this.connections.delete(connection);
      connection.release();
      const handled = connection.handled().finally(() => this.handling.delete(handled));
      this.handling.add(handled);
      log(`closed with ${code}, ${closeReason(socket, code, reason.toString())}`, { code });
    });
    log('opened');
    connection.open();
  }

  /** Writes what happens to a socket into the log; its lines share an id. */
  private lifeOf(request: IncomingMessage, name: string) {
    const request_id = requestId(request.headers['x-request-id']?.toString());
    const path = loggableUrl(request.url ?? '');
    const opened = performance.now();
    return (what: string, fields: object = {}): void => {
      const duration_ms = Math.round(performance.now() - opened);
      const message = `${name} ${what}`;
      this.logger.log({
        message,
        path,
        duration_ms,
        client: request.socket.remoteAddress,
        request_id,
        ...fields,
      });
    };
  }

  /**
   * Closes every socket with 1012 and resolves when all are closed and the frames that came before have been
   * handled. A client that does not answer in time is cut off; frames get `frameGraceMs`.
   */
  async closeAll(): Promise<void> {
    this.shuttingDown = true;
    const sockets = [...this.connections].map((connection) => connection.socket);
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of sockets) closeSocket(socket, CLOSE.shuttingDown);
    const grace = setTimeout(
      () => sockets.forEach((socket) => socket.terminate()),
      this.limits.shutdownGraceMs,
    );
    await Promise.all(closed);
    clearTimeout(grace);
    await settlesWithin(Promise.all(this.handling), this.limits.frameGraceMs);
  }

  private pingAll(): void {
    for (const connection of this.connections) connection.ping();
  }
}
