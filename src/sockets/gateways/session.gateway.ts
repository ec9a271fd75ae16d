import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { SessionFrames } from '../frames/frame-format.js';
import { admit, readSessionResend, type Admission } from '../handshake/handshake.js';
import type { PatternWsServer } from '../handshake/pattern-ws-adapter.js';
import { SocketConnections } from '../connections/socket-connections.js';

/**
 * The events of a conversation in envelopes with sequence numbers: `sync`, the replay after `after_seq`, the
 * full state, then live events. Unfinished answers are sent as items. Authentication and messages are those
 * of the events socket.
 */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/sockets/session/:conversation_id' })
export class SessionGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  private readonly format = new SessionFrames();

  constructor(private readonly connections: SocketConnections) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => admit(handshake, this.connections.checkKey, readSessionResend);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: Admission): void {
    this.connections.accept(socket, request, admission, this.format);
  }
}
