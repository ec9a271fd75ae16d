import { Module } from '@nestjs/common';
import { BashModule } from '../bash/bash.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { BashEventsGateway } from './bash-events.gateway.js';
import { EventsGateway } from './events.gateway.js';
import { LegacyEventsGateway } from './legacy-events.gateway.js';
import { SessionGateway } from './session.gateway.js';
import { SocketConnections } from './socket-connections.js';
import { SocketLimits } from './socket-limits.js';

/** The sockets at conversations and at the shell of the server. The application has to use `PatternWsAdapter`. */
@Module({
  imports: [BashModule, ConversationsModule, EventBusModule],
  providers: [
    SocketConnections,
    SocketLimits,
    EventsGateway,
    LegacyEventsGateway,
    SessionGateway,
    BashEventsGateway,
  ],
  exports: [SocketConnections],
})
export class SocketsModule {}
