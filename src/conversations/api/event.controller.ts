import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { withNulls } from '../../events/index.js';
import { ConversationIdPipe, Operation } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { ConversationsService } from '../conversations.service.js';

/** One event of a conversation over REST, under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id/events', 'conversations/:conversation_id/events'])
export class EventController {
  constructor(private readonly conversations: ConversationsService) {}

  @Get(':event_id')
  @Scope('read', { own: true })
  @Operation({
    tag: 'Events',
    summary: 'Get an event',
    path: { event_id: { type: 'string', description: 'Id of the event: a UUID as in its `id`.' } },
    description: 'Null fields are included, unlike in lists.',
    answers: { 200: { description: 'The event with all of its fields.', schema: 'Event' } },
    errors: { 404: 'No event of the conversation has this id.' },
  })
  async get(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Param('event_id') eventId: string,
  ): Promise<JsonObject> {
    const [line] = await this.conversations.eventLines(id, [eventId]);
    if (typeof line !== 'string') throw new NotFoundException('Not Found');
    return withNulls(asJsonObject(JSON.parse(line)));
  }
}
