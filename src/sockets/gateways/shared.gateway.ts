import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { OpenRoute, STRICTEST } from '../../auth/index.js';
import { parseUuid } from '../../http/index.js';
import { SharedView, SharesService } from '../../shares/index.js';
import { SharedConnection, type ShareAdmission } from '../connections/shared-connection.js';
import { SocketConnections } from '../connections/socket-connections.js';
import { readSessionResend } from '../handshake/handshake.js';
import type { Handshake, PatternWsServer } from '../handshake/pattern-ws-adapter.js';

/**
 * The stored events of a conversation for people with a share link, redacted, in the envelopes of the session
 * socket: `sync`, the events after `after_seq`, then new ones. The token is in the query, as `share_token`. A
 * link that has ended closes the socket with 4001 within seconds.
 */
@OpenRoute()
@WebSocketGateway({ path: '/sockets/shared/:shared_id' })
export class SharedGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly connections: SocketConnections,
    private readonly shares: SharesService,
    private readonly view: SharedView,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.admit = (handshake) => this.admit(handshake);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: ShareAdmission): void {
    const { connections, shares, view } = this;
    const connection = new SharedConnection(socket, request, admission, connections, { shares, view });
    connections.add(connection, request, `shared socket of conversation ${admission.conversationId}`);
  }

  private async admit({ params, query }: Handshake): Promise<ShareAdmission | undefined> {
    const parsed = parseUuid(params['shared_id'] ?? '');
    const token = query.get('share_token') ?? '';
    const resend = readSessionResend(query);
    if ('error' in parsed || !resend || !(await this.shares.check(token, parsed.id))) return undefined;
    return { conversationId: parsed.id, principal: undefined, required: STRICTEST, token, resend };
  }
}
