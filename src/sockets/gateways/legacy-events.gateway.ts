import { WebSocketGateway } from '@nestjs/websockets';
import { EventsGateway } from './events.gateway.js';

/** The same socket under the path of the first agent servers, with and without the `/api` prefix. */
@WebSocketGateway({ path: '/{api/}conversations/:conversation_id/events/socket' })
export class LegacyEventsGateway extends EventsGateway {}
