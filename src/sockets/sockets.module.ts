import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { EventsGateway } from './events.gateway.js';
import { LegacyEventsGateway } from './legacy-events.gateway.js';
import { SessionGateway } from './session.gateway.js';
import { SocketConnections } from './socket-connections.js';
import { SocketLimits } from './socket-limits.js';

/** The sockets at conversations. The application has to use `PatternWsAdapter`. */
@Module({
  imports: [ConversationsModule, EventBusModule],
  providers: [SocketConnections, SocketLimits, EventsGateway, LegacyEventsGateway, SessionGateway],
  exports: [SocketConnections],
})
export class SocketsModule {}
