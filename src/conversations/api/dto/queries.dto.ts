import { EXECUTION_STATUSES } from '../../../events/index.js';
import { Field } from '../../../http/validation/field.js';
import {
  choice,
  flag,
  instant,
  integer,
  listOf,
  nullable,
  text,
  uuid,
} from '../../../http/validation/field-type.js';
import type { ConversationSortOrder } from '../../queries/conversation-page.js';

const CONVERSATION_ORDERS: readonly ConversationSortOrder[] = [
  'CREATED_AT',
  'UPDATED_AT',
  'CREATED_AT_DESC',
  'UPDATED_AT_DESC',
];

const includeSkills = 'Whether `agent.agent_context.skills` is filled.';

/** How a conversation is shown. */
export class ConversationViewQueryDto {
  @Field(flag(), includeSkills)
  include_skills = false;
}

/** Which conversations are fetched at once. */
export class ConversationBatchQueryDto extends ConversationViewQueryDto {
  @Field(listOf(uuid(), { max: 99 }))
  ids!: string[];
}

/** Which conversations are counted. */
export class ConversationCountQueryDto {
  @Field(nullable(choice(EXECUTION_STATUSES, 'enum')))
  status: string | null = null;
}

/** Which conversations are listed, and how. */
export class ConversationSearchQueryDto extends ConversationCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the page before.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(choice(CONVERSATION_ORDERS, 'enum'))
  sort_order: ConversationSortOrder = 'CREATED_AT_DESC';

  @Field(flag(), includeSkills)
  include_skills = false;
}

/** Which events are counted. */
export class EventCountQueryDto {
  @Field(nullable(text()), 'Class name of the event, with or without its module path.')
  kind: string | null = null;

  @Field(nullable(text()), 'agent, user, environment or hook.')
  source: string | null = null;

  @Field(nullable(text()), 'Part of the text of a message, in any case.')
  body: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__gte: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__lt: string | null = null;
}

/** Which events are listed, and how. */
export class EventSearchQueryDto extends EventCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the page before.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'))
  sort_order = 'TIMESTAMP';
}

/** Which events are fetched: those of these ids, or else a page as the search gives it. */
export class EventListQueryDto extends EventSearchQueryDto {
  @Field(nullable(listOf(text())), 'Fetches these events instead of searching.')
  ids: string[] | null = null;
}
