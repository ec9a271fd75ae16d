import { Module } from '@nestjs/common';
import { BashModule } from '../bash/bash.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { ExtensionsModule } from '../extensions/extensions.module.js';
import { AppBackendsGateway } from './gateways/app-backends.gateway.js';
import { BashEventsGateway } from './gateways/bash-events.gateway.js';
import { ConversationsGateway } from './gateways/conversations.gateway.js';
import { EventsGateway } from './gateways/events.gateway.js';
import { LegacyEventsGateway } from './gateways/legacy-events.gateway.js';
import { SessionGateway } from './gateways/session.gateway.js';
import { SharedGateway } from './gateways/shared.gateway.js';
import { SharesModule } from '../shares/index.js';
import { ConversationFilesGateway, MachineFilesGateway } from './gateways/files.gateway.js';
import { WorkspaceModule } from '../workspace/index.js';
import { TerminalsGateway } from './gateways/terminals.gateway.js';
import { TerminalsModule } from '../terminals/index.js';
import { SocketConnections } from './connections/socket-connections.js';
import { SocketAccounting } from './handshake/socket-accounting.js';
import { SocketGate } from './handshake/socket-gate.js';
import { SocketLimits } from './connections/socket-limits.js';
import { EventStreamController } from './streams/event-stream.controller.js';
import { EventStreams } from './streams/event-streams.js';

/**
 * The sockets of conversations, of terminals, of the server's shell, and of back ends of canvas extensions.
 * The application must use `PatternWsAdapter`.
 */
@Module({
  imports: [
    BashModule,
    ConversationsModule,
    EventBusModule,
    ExtensionsModule,
    SharesModule,
    TerminalsModule,
    WorkspaceModule,
  ],
  controllers: [EventStreamController],
  providers: [
    SocketConnections,
    EventStreams,
    SocketGate,
    SocketAccounting,
    SocketLimits,
    EventsGateway,
    LegacyEventsGateway,
    SessionGateway,
    ConversationsGateway,
    BashEventsGateway,
    AppBackendsGateway,
    SharedGateway,
    ConversationFilesGateway,
    MachineFilesGateway,
    TerminalsGateway,
  ],
  exports: [EventStreams, SocketConnections, SocketGate],
})
export class SocketsModule {}
