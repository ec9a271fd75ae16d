import type { IncomingMessage } from 'node:http';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { remoteAddress } from '../../auth/index.js';
import { ConversationsService, Ownership } from '../../conversations/index.js';
import { EventBus } from '../../events/index.js';
import { Slots, settlesWithin } from '../../flow/index.js';
import { loggableUrl, requestId } from '../../logging/index.js';
import { CLOSE, closeReason, closeSocket } from './close-code.js';
import { Connection, type ConnectionSources } from './connection.js';
import type { FrameFormat } from '../frames/frame-format.js';
import type { Admission } from '../handshake/handshake.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { Handshake } from '../handshake/pattern-ws-adapter.js';
import { SocketGate } from '../handshake/socket-gate.js';
import type { SocketConnection } from './socket-connection.js';
import { SocketLimits } from './socket-limits.js';

/** Sockets that are attached at a time, and replays that read from logs at a time. */
const MAX_CONCURRENT_REPLAYS = 4;

/** All sockets of the server: accepts them, pings them, and closes them at shutdown. */
@Injectable()
export class SocketConnections implements ConnectionSources, OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('Sockets');
  readonly replaySlots = new Slots(MAX_CONCURRENT_REPLAYS);
  private readonly connections = new Set<SocketConnection>();
  /** Pending frames of closed sockets. */
  private readonly handling = new Set<Promise<void>>();
  private pingTimer: NodeJS.Timeout | undefined;
  private shuttingDown = false;

  constructor(
    readonly conversations: ConversationsService,
    readonly bus: EventBus,
    readonly ownership: Ownership,
    readonly gate: SocketGate,
    readonly limits: SocketLimits,
  ) {}

  onModuleInit(): void {
    this.pingTimer = setInterval(() => this.pingAll(), this.limits.pingIntervalMs).unref();
  }

  /** Sockets are closed before the HTTP server, so that clients see the reason. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.pingTimer);
    await this.closeAll();
  }

  /**
   * Who sends a handshake, if it contains the key.
   * @throws HandshakeRefusedError for a wrong key, or one that does not allow this
   */
  readonly checkKey = (handshake: Handshake): Promise<KeyAdmission> => this.gate.checkHandshake(handshake);

  /** Number of open sockets. */
  get size(): number {
    return this.connections.size;
  }

  /** Serves a socket of a conversation after its handshake was admitted. */
  accept(socket: WebSocket, request: IncomingMessage, admission: Admission, format: FrameFormat): void {
    const connection = new Connection(socket, request, admission, format, this);
    this.add(connection, request, `socket of conversation ${admission.conversationId}`);
  }

  /**
   * Serves a socket until it is closed.
   * @param name describes the socket in the log
   */
  add(connection: SocketConnection, request: IncomingMessage, name: string): void {
    const { socket } = connection;
    if (this.shuttingDown) return closeSocket(socket, CLOSE.shuttingDown);
    const log = this.lifecycleLog(request, name);
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

  /** Creates a function that logs events in the life of a socket, with one id. */
  private lifecycleLog(request: IncomingMessage, name: string) {
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
        client: remoteAddress(request),
        request_id,
        ...fields,
      });
    };
  }

  /**
   * Closes every socket with 1012. Resolves when all are closed and their pending frames are handled. Clients
   * that do not answer in `shutdownGraceMs` are disconnected; frames get `frameGraceMs`.
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
