import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { SessionFrames } from '../frames/frame-format.js';
import { admit, readSessionResend, type Admission } from '../handshake/handshake.js';
import type { PatternWsServer } from '../handshake/pattern-ws-adapter.js';
import { SocketConnections } from '../connections/socket-connections.js';

/**
 * A conversation's events in envelopes with their sequence numbers: `sync`, the replay after `after_seq`, the
 * full state, then live. Answers in the making come as items. Authentication and messages are as on the
 * events socket.
 */
@WebSocketGateway({ path: '/sockets/session/:conversation_id' })
export class SessionGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  private readonly format = new SessionFrames();

  constructor(private readonly connections: SocketConnections) {}

  afterInit(server: PatternWsServer): void {
    server.admit = (handshake) => admit(handshake, this.connections.checkKey, readSessionResend);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: Admission): void {
    this.connections.accept(socket, request, admission, this.format);
  }
}
