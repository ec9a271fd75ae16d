import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { parseUuid } from '../../http/index.js';
import { TerminalsService } from '../../terminals/index.js';
import { SocketConnections } from '../connections/socket-connections.js';
import {
  type TerminalAdmission,
  TerminalConnection,
  TYPING_SCOPES,
} from '../connections/terminal-connection.js';
import { readTerminalPlace } from '../handshake/handshake.js';
import type { Handshake, PatternWsServer } from '../handshake/pattern-ws-adapter.js';

/**
 * A terminal: binary frames are its bytes, in both directions, text frames are JSON. `conversation_id` in the
 * query names its conversation; without it any terminal of the server, for administrators. `after` is the
 * offset of the first byte to send, for clients that come again. Authentication is that of the events socket.
 */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/sockets/terminals/:terminal_id' })
export class TerminalsGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly connections: SocketConnections,
    private readonly terminals: TerminalsService,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => this.admit(handshake);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: TerminalAdmission): void {
    const { gate, limits, ownership } = this.connections;
    const { terminals } = this;
    const connection = new TerminalConnection(socket, request, admission, {
      terminals,
      ownership,
      gate,
      limits,
    });
    this.connections.add(connection, request, `socket of terminal ${admission.terminalId}`);
  }

  private async admit(handshake: Handshake): Promise<TerminalAdmission | undefined> {
    const place = readTerminalPlace(handshake.query);
    const isOfServer = place?.conversationId === undefined;
    const required = isOfServer ? TYPING_SCOPES.server : handshake.required;
    const key = await this.connections.checkKey({ ...handshake, required });
    const terminal = parseUuid(handshake.params['terminal_id'] ?? '');
    if ('error' in terminal || !place) return undefined;
    return {
      ...key,
      terminalId: terminal.id,
      ...(isOfServer && { serverTerminalId: terminal.id }),
      ...place,
    };
  }
}
