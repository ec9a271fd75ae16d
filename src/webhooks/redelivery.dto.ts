import { Field, nullable, OptionalBody, text, uuid } from '../http/index.js';

/** What to deliver again. Everything that is pending, if it is empty. */
@OptionalBody()
export class RedeliveryRequestDto {
  @Field(nullable(uuid()), 'Only this conversation; null: all conversations with pending deliveries.')
  conversation_id: string | null = null;

  @Field(
    nullable(text({ min: 1, max: 256 })),
    'Deliver the events of the conversation again, beginning with the event with this id. Null: only what is pending.',
  )
  from_event_id: string | null = null;
}
