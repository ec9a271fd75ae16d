import type { IncomingMessage } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { WebSocketServer } from 'ws';
import { principalOf, type Requirement } from '../../auth/index.js';
import { errorMessage } from '../../errors/index.js';
import type { UpgradeRequest } from '../../forwarding/index.js';
import {
  MAX_INBOUND_FRAGMENTS,
  MAX_INBOUND_FRAME_BYTES,
  SocketConnections,
  SocketGate,
} from '../../sockets/index.js';
import { KeyAccounts } from '../accounts/key-accounts.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { ContainerConnection } from './container-connection.js';

/** To watch. What a client sends needs more. */
const REQUIRED: Requirement = { scope: 'read', own: true };

/** Sockets of conversations in containers. */
@Injectable()
export class ContainerSockets {
  private readonly logger = new Logger('Sockets');
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INBOUND_FRAME_BYTES,
    maxFragments: MAX_INBOUND_FRAGMENTS,
    perMessageDeflate: false,
  });

  constructor(
    private readonly containers: ConversationContainers,
    private readonly connections: SocketConnections,
    private readonly gate: SocketGate,
    private readonly accounts: KeyAccounts,
  ) {}

  /**
   * Connects a socket with the container of its conversation.
   * @param authenticated false: its first frame must hold the key, before which no container is started
   * @returns false if the conversation is not in a container
   */
  forwardSocket(id: string, client: UpgradeRequest, authenticated: boolean): Promise<boolean> {
    return Promise.resolve(this.takes(id, client, authenticated));
  }

  private takes(id: string, client: UpgradeRequest, authenticated: boolean): boolean {
    if (!this.containers.has(id) || isShared(client.request)) return false;
    const { request, socket, head } = client;
    const principal = authenticated ? principalOf(request) : undefined;
    if (principal && !this.containers.records.isVisible(id, principal)) return false;
    this.server.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', (error) => this.logger.debug(errorMessage(error)));
      const admission = { principal, required: REQUIRED, conversationId: id };
      const { gate, containers, accounts } = this;
      const connection = new ContainerConnection(opened, request, admission, { gate, containers, accounts });
      this.connections.add(connection, request, `socket of conversation ${id} in a container`);
    });
    return true;
  }
}

/** Sockets of share links show what is stored here. */
function isShared({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/sockets/shared/');
}
