import type { IncomingMessage } from 'node:http';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { SessionKeys } from '../auth/index.js';
import { ConversationsService } from '../conversations/conversations.service.js';
import { EventBus } from '../events/index.js';
import { loggableUrl, requestId } from '../logging/index.js';
import { CLOSE, closeReason, closeSocket } from './close-code.js';
import { Connection, type ConnectionSources } from './connection.js';
import type { FrameFormat } from './frame-format.js';
import type { Admission } from './handshake.js';
import { SocketLimits } from './socket-limits.js';

/** All sockets at conversations, of whatever kind: accepts them, keeps them alive, and closes them at shutdown. */
@Injectable()
export class SocketConnections implements ConnectionSources, OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('Sockets');
  private readonly connections = new Set<Connection>();
  private pingTimer: NodeJS.Timeout | undefined;
  private shuttingDown = false;

  constructor(
    readonly conversations: ConversationsService,
    readonly bus: EventBus,
    readonly keys: SessionKeys,
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

  /** How many sockets are open. */
  get size(): number {
    return this.connections.size;
  }

  /** Takes over a socket whose handshake was admitted. */
  accept(socket: WebSocket, request: IncomingMessage, admission: Admission, format: FrameFormat): void {
    if (this.shuttingDown) return closeSocket(socket, CLOSE.shuttingDown);
    const log = this.lifeOf(request, admission.conversationId);
    const connection = new Connection(socket, request.socket, admission, format, this);
    this.connections.add(connection);
    socket.on('close', (code: number, reason: Buffer) => {
      this.connections.delete(connection);
      connection.release();
      log(`closed with ${code}, ${closeReason(socket, code, reason.toString())}`, { code });
    });
    log('opened');
    connection.open();
  }

  /** Writes what happens to a socket into the log; its lines share an id. */
  private lifeOf(request: IncomingMessage, conversationId: string) {
    const request_id = requestId(request.headers['x-request-id']?.toString());
    const path = loggableUrl(request.url ?? '');
    const opened = performance.now();
    return (what: string, fields: object = {}): void => {
      const duration_ms = Math.round(performance.now() - opened);
      const message = `socket of conversation ${conversationId} ${what}`;
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

  /** Closes every socket with 1012 and resolves when all are closed; who does not answer in time is cut off. */
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
  }

  private pingAll(): void {
    for (const connection of this.connections) connection.ping();
  }
}
