import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { BashService } from '../../bash/index.js';
import { BashConnection, type BashAdmission } from '../connections/bash-connection.js';
import { readBashResend } from '../handshake/handshake.js';
import type { Handshake, PatternWsServer } from '../handshake/pattern-ws-adapter.js';
import { SocketConnections } from '../connections/socket-connections.js';

/**
 * The commands of the bash routes and their output, one JSON object per frame. `resend_mode=all` sends the
 * stored events first. Clients may start commands. Authentication is that of the events socket.
 */
@Scope('admin')
@WebSocketGateway({ path: '/sockets/bash-events' })
export class BashEventsGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly connections: SocketConnections,
    private readonly bash: BashService,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => this.admit(handshake);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: BashAdmission): void {
    const connection = new BashConnection(socket, request, admission, {
      shell: () => this.bash.shell(),
      gate: this.connections.gate,
    });
    this.connections.add(connection, request, 'bash events socket');
  }

  private async admit(handshake: Handshake): Promise<BashAdmission | undefined> {
    const key = await this.connections.checkKey(handshake);
    const resend = readBashResend(handshake.query);
    return resend === undefined ? undefined : { ...key, resend };
  }
}
