import { WebSocketGateway } from '@nestjs/websockets';
import { EventsGateway } from './events.gateway.js';

/** The events socket under the path of the first agent servers, with and without the prefix `/api`. */
@WebSocketGateway({ path: '/{api/}conversations/:conversation_id/events/socket' })
export class LegacyEventsGateway extends EventsGateway {}
