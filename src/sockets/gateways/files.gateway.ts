import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayInit } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { requirementOfGateway, Scope } from '../../auth/index.js';
import { parseUuid } from '../../http/index.js';
import { WatchService } from '../../workspace/index.js';
import { FilesConnection, type FilesAdmission } from '../connections/files-connection.js';
import { SocketConnections } from '../connections/socket-connections.js';
import { readWatchedPath } from '../handshake/handshake.js';
import type { Handshake, PatternWsServer } from '../handshake/pattern-ws-adapter.js';

/**
 * What changes in the folder of a conversation, or in the one below it that `path` names (`./src`). Each
 * frame is a JSON object; the first one is the state of the watch. Authentication is that of the events
 * socket. Frames of the client are ignored, except for the key.
 */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/sockets/files/:conversation_id' })
export class ConversationFilesGateway
  implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket>
{
  constructor(
    private readonly connections: SocketConnections,
    private readonly watches: WatchService,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => this.admit(handshake);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: FilesAdmission): void {
    const { connections, watches } = this;
    const connection = new FilesConnection(socket, request, admission, connections, watches);
    connections.add(connection, request, `files socket of conversation ${admission.conversationId}`);
  }

  private async admit(handshake: Handshake): Promise<FilesAdmission | undefined> {
    const key = await this.connections.checkKey(handshake);
    const conversation = parseUuid(handshake.params['conversation_id'] ?? '');
    const folder = readWatchedPath(handshake.query);
    if ('error' in conversation || !folder) return undefined;
    return { ...key, conversationId: conversation.id, path: folder.path ?? './' };
  }
}

/** The same for a folder of the machine, which `path` names. */
@Scope('admin')
@WebSocketGateway({ path: '/sockets/files' })
export class MachineFilesGateway implements OnGatewayInit<PatternWsServer>, OnGatewayConnection<WebSocket> {
  constructor(
    private readonly connections: SocketConnections,
    private readonly watches: WatchService,
  ) {}

  afterInit(server: PatternWsServer): void {
    server.required = requirementOfGateway(this);
    server.admit = (handshake) => this.admit(handshake);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage, admission: FilesAdmission): void {
    const { connections, watches } = this;
    const connection = new FilesConnection(socket, request, admission, connections, watches);
    connections.add(connection, request, 'files socket');
  }

  private async admit(handshake: Handshake): Promise<FilesAdmission | undefined> {
    const key = await this.connections.checkKey(handshake);
    const folder = readWatchedPath(handshake.query);
    // Without one the socket is told what is wrong.
    return folder && { ...key, path: folder.path ?? '' };
  }
}
