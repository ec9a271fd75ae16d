import { WebSocketGateway } from '@nestjs/websockets';
import { Scope } from '../../auth/index.js';
import { EventsGateway } from './events.gateway.js';

/** The events socket under the path of the first agent servers, with and without the prefix `/api`. */
@Scope('read', { own: true })
@WebSocketGateway({ path: '/{api/}conversations/:conversation_id/events/socket' })
export class LegacyEventsGateway extends EventsGateway {}
