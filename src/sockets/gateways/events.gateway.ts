import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { EventFrames } from '../frames/frame-format.js';
import { admit, readEventsResend, type Admission } from '../handshake/handshake.js';
import type { PatternWsServer } from '../handshake/pattern-ws-adapter.js';
import { SocketConnections } from '../connections/socket-connections.js';

/**
 * The events of a conversation, one JSON object per frame: the full state, the replay that `resend_mode` asks
 * for, then live events. Clients may send messages. If keys are configured, the client sends one in the
 * query, a header or the first frame.
 */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/sockets/events/:conversation_id' })
export class EventsGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  private readonly format = new EventFrames();

  constructor(private readonly connections: SocketConnections) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => admit(handshake, this.connections.checkKey, readEventsResend);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: Admission): void {
    this.connections.accept(socket, request, admission, this.format);
  }
}
