import { EXECUTION_STATUSES } from '../../../events/index.js';
import { Field, choice, flag, instant, integer, listOf, nullable, text, uuid } from '../../../http/index.js';
import type { CatalogueOrder } from '../../../storage/index.js';
import { MAX_PRIORITY, MIN_PRIORITY, type OnRunLimit, type RunRequest } from '../../runs/queue/queued-run.js';
import { parseCursor } from '../../queries/summary-page.js';

const CONVERSATION_ORDERS: readonly CatalogueOrder[] = [
  'CREATED_AT',
  'UPDATED_AT',
  'CREATED_AT_DESC',
  'UPDATED_AT_DESC',
];

/** Declares `include_skills`. */
const IncludeSkills = Field(flag(), 'Include `agent.agent_context.skills`, which may be long.');

/** Options of a conversation in an answer. */
export class ConversationViewQueryDto {
  @IncludeSkills
  include_skills = false;
}

/** What happens if the run that a request starts reaches a limit. */
export class RunRequestQueryDto {
  @Field(
    nullable(choice(['refuse', 'wait'], 'enum')),
    'What happens if the maximum number of runs is active: the request is answered with 429, or the run waits ' +
      'for its turn. Null: as `on_run_limit` of the configuration says.',
  )
  on_limit: OnRunLimit | null = null;

  @Field(
    integer({ ge: MIN_PRIORITY, le: MAX_PRIORITY }),
    'How urgent the run is while it waits, compared with other runs of the same key: a higher number starts first.',
  )
  priority = 0;
}

/** Options of a new conversation. */
export class StartConversationQueryDto extends RunRequestQueryDto {
  @IncludeSkills
  include_skills = false;
}

/** Ids of the conversations to get. */
export class ConversationBatchQueryDto extends ConversationViewQueryDto {
  @Field(
    listOf(uuid(), { max: 99 }),
    'Ids of the conversations, at most 99; the parameter is repeated for each.',
  )
  ids!: string[];
}

/** Filter of conversations. */
export class ConversationCountQueryDto {
  @Field(
    nullable(choice(EXECUTION_STATUSES, 'enum')),
    'Only conversations whose execution status is this; null: all.',
  )
  status: string | null = null;
}

/** Filter, order and page of conversations. */
export class ConversationSearchQueryDto extends ConversationCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of conversations in the page.')
  limit = 100;

  @Field(
    choice(CONVERSATION_ORDERS, 'enum'),
    'By the time of the start or of the last change; `_DESC`: latest first.',
  )
  sort_order: CatalogueOrder = 'CREATED_AT_DESC';

  @IncludeSkills
  include_skills = false;
}

/** Filter and page of summaries. */
export class ConversationSummariesQueryDto extends ConversationCountQueryDto {
  @Field(
    nullable(
      text({ check: (id) => (parseCursor(id) ? undefined : 'page_id must be a next_page_id of an answer') }),
    ),
    'The `next_page_id` of the previous page; null: the first page.',
  )
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 1000 }), 'Maximum number of summaries in the page.')
  limit = 100;
}

/** Filters of events. */
export class EventCountQueryDto {
  @Field(
    nullable(text()),
    'Only events of this class, given by its name, with or without its module path; null: all.',
  )
  kind: string | null = null;

  @Field(nullable(text()), 'Only events from this source: agent, user, environment or hook. Null: all.')
  source: string | null = null;

  @Field(
    nullable(text()),
    'Only messages whose text contains this, in upper or lower case; null: all events.',
  )
  body: string | null = null;

  @Field(
    nullable(instant()),
    'Only events from this time on; without a zone it is local time of the server. Null: from the first.',
  )
  timestamp__gte: string | null = null;

  @Field(
    nullable(instant()),
    'Only events before this time; without a zone it is local time of the server. Null: to the last.',
  )
  timestamp__lt: string | null = null;
}

/** Filters, order and page of events. */
export class EventSearchQueryDto extends EventCountQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of events in the page.')
  limit = 100;

  @Field(
    choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'),
    '`TIMESTAMP`: oldest first; `TIMESTAMP_DESC`: newest first.',
  )
  sort_order = 'TIMESTAMP';
}

/** Ids of the events to get; without ids, a search. */
export class EventListQueryDto extends EventSearchQueryDto {
  @Field(
    nullable(listOf(text())),
    'Get the events with these ids instead of searching; the parameter is repeated for each. Null: search.',
  )
  ids: string[] | null = null;
}

/** How a request wants its run to be started. */
export function toRunRequest({ on_limit, priority }: RunRequestQueryDto): RunRequest {
  return { priority, ...(on_limit !== null && { onLimit: on_limit }) };
}
