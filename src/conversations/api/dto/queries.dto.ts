import { EXECUTION_STATUSES } from '../../../events/index.js';
import { Field, choice, flag, instant, integer, listOf, nullable, text, uuid } from '../../../http/index.js';
import type { ConversationSortOrder } from '../../queries/conversation-page.js';

const CONVERSATION_ORDERS: readonly ConversationSortOrder[] = [
  'CREATED_AT',
  'UPDATED_AT',
  'CREATED_AT_DESC',
  'UPDATED_AT_DESC',
];

const includeSkills = 'Include `agent.agent_context.skills`.';

/** Options of a conversation in an answer. */
export class ConversationViewQueryDto {
  @Field(flag(), includeSkills)
  include_skills = false;
}

/** Ids of the conversations to get. */
export class ConversationBatchQueryDto extends ConversationViewQueryDto {
  @Field(listOf(uuid(), { max: 99 }))
  ids!: string[];
}

/** Filter of conversations. */
export class ConversationCountQueryDto {
  @Field(nullable(choice(EXECUTION_STATUSES, 'enum')))
  status: string | null = null;
}

/** Filter, order and page of conversations. */
export class ConversationSearchQueryDto extends ConversationCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(choice(CONVERSATION_ORDERS, 'enum'))
  sort_order: ConversationSortOrder = 'CREATED_AT_DESC';

  @Field(flag(), includeSkills)
  include_skills = false;
}

/** Filters of events. */
export class EventCountQueryDto {
  @Field(nullable(text()), 'The class name of the event, with or without its module path.')
  kind: string | null = null;

  @Field(nullable(text()), 'agent, user, environment or hook.')
  source: string | null = null;

  @Field(nullable(text()), 'Part of the text of a message; case-insensitive.')
  body: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__gte: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__lt: string | null = null;
}

/** Filters, order and page of events. */
export class EventSearchQueryDto extends EventCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'))
  sort_order = 'TIMESTAMP';
}

/** Ids of the events to get; without ids, a search. */
export class EventListQueryDto extends EventSearchQueryDto {
  @Field(nullable(listOf(text())), 'Get these events instead of searching.')
  ids: string[] | null = null;
}
