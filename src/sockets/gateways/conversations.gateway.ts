import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { SummaryFeed } from '../../conversations/index.js';
import { SocketConnections } from '../connections/socket-connections.js';
import { SummariesConnection } from '../connections/summaries-connection.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { PatternWsServer } from '../handshake/pattern-ws-adapter.js';

/**
 * The changes of all conversations, one JSON object per frame: `{"type":"ready","time":...}` first, with the
 * time of the server, then `{"type":"summary","summary":{...}}` with the `ConversationSummary` of each
 * conversation that has changed, and `{"type":"removed","id":...}`. A conversation is sent at most four times
 * a second, with its last state. To have all of them, wait for `ready`, then read
 * `GET /api/conversations/summaries`. Authentication is that of the events socket. Frames of the client are
 * ignored, except for the key. A client that does not read is closed with 1013, a shutdown closes with 1012.
 */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/sockets/conversations' })
export class ConversationsGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly connections: SocketConnections,
    private readonly feed: SummaryFeed,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = this.connections.checkKey;
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: KeyAdmission): void {
    const { gate, limits } = this.connections;
    const connection = new SummariesConnection(socket, request, admission, { feed: this.feed, gate, limits });
    this.connections.add(connection, request, 'socket of all conversations');
  }
}
