import { Module } from '@nestjs/common';
import { EventsGateway } from './events.gateway.js';
import { LegacyEventsGateway } from './legacy-events.gateway.js';
import { SessionGateway } from './session.gateway.js';
import { SocketConnections } from './socket-connections.js';
import { SocketLimits } from './socket-limits.js';

/** The sockets at conversations. The application has to use `PatternWsAdapter`. */
@Module({
  providers: [SocketConnections, SocketLimits, EventsGateway, LegacyEventsGateway, SessionGateway],
  exports: [SocketConnections],
})
export class SocketsModule {}
