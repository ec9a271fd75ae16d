import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import { Scope } from '../../auth/index.js';
import { AppBackendBridge, type AdmittedSocket, tunnelSocket } from '../../extensions/index.js';
import type { PatternWsServer } from '../handshake/pattern-ws-adapter.js';

/** Admits sockets of canvas extension pages and tunnels them to their back ends. */
@Scope('write')
@WebSocketGateway({ path: '/app-backends/:extension_name{/*rest}' })
export class AppBackendsGateway implements OnGatewayInit<PatternWsServer> {
  constructor(private readonly bridge: AppBackendBridge) {}

  afterInit(server: PatternWsServer): void {
    server.tunnel = (handshake, socket, head) => {
      const { backend, session }: AdmittedSocket = this.bridge.admitSocket(handshake.request);
      void tunnelSocket({ request: handshake.request, socket, head }, backend, session.ended);
    };
  }
}
