import { parseCursor } from '../../conversations/index.js';
import { EXECUTION_STATUSES } from '../../events/index.js';
import { Field, NoOtherFields, choice, flag, integer, nullable, text, uuid } from '../../http/index.js';

/** Longest message (characters): as much as a few files. */
const MAX_MESSAGE = 1024 * 1024;
/** Longest wait of one call (seconds). */
export const MAX_WAIT_SECONDS = 600;

/** Statuses that callers meet. */
const STATUSES = EXECUTION_STATUSES.filter((status) => status !== 'deleting');

const message = text({ min: 1, max: MAX_MESSAGE });
const name = nullable(text({ min: 1, max: 255 }));
const idempotencyKey = nullable(text({ min: 1, max: 255 }));
const PAGE_ID = 'The next_page_id of the previous page. Null: the first page.';
const IDEMPOTENCY =
  'A text of your choice that identifies this call, such as a UUID. If you repeat the call with the same key, for example ' +
  'because you do not know whether the first attempt arrived, it is not executed twice.';

/** No arguments. */
@NoOtherFields()
export class NoArguments {}

/** A conversation. */
@NoOtherFields()
export class ConversationArguments {
  @Field(uuid(), 'The id of the conversation, as returned by start_conversation or list_conversations.')
  conversation_id!: string;
}

/** A new conversation. */
@NoOtherFields()
export class StartArguments {
  @Field(
    message,
    'The first message to the agent: the task, with everything the agent needs to know. It does not see your own conversation.',
  )
  message!: string;

  @Field(
    name,
    'Name of the agent profile to use, from list_profiles. Null: the active agent profile, or the default agent if ' +
      'llm_profile is given.',
  )
  agent_profile: string | null = null;

  @Field(name, 'Name of the LLM profile to use, from list_profiles. Null: the one of the agent.')
  llm_profile: string | null = null;

  @Field(
    nullable(text({ min: 1, max: 4096 })),
    'The directory on the server in which the agent works; it is created if it does not exist. Null: the default workspace of the server.',
  )
  working_dir: string | null = null;

  @Field(nullable(text({ min: 1, max: 200 })), 'A title for people. Null: one is derived from the task.')
  title: string | null = null;

  @Field(idempotencyKey, IDEMPOTENCY)
  idempotency_key: string | null = null;
}

/** A message to a conversation. */
@NoOtherFields()
export class SendArguments extends ConversationArguments {
  @Field(message, 'The message to the agent.')
  message!: string;

  @Field(idempotencyKey, IDEMPOTENCY)
  idempotency_key: string | null = null;
}

/** How long to wait. */
@NoOtherFields()
export class WaitArguments extends ConversationArguments {
  @Field(
    integer({ ge: 0, le: MAX_WAIT_SECONDS }),
    'How long to wait at most. The default is below the time limit of common MCP clients (60 seconds); use more only if your ' +
      'client waits longer or extends its limit on progress.',
  )
  timeout_seconds = 50;
}

/** A page of a list. */
@NoOtherFields()
export class ListArguments {
  @Field(nullable(choice(STATUSES, 'enum')), 'Only conversations with this status; null: all.')
  status: string | null = null;

  @Field(integer({ ge: 1, le: 100 }), 'Maximum number of conversations to return.')
  limit = 20;

  @Field(
    nullable(
      text({ check: (id) => (parseCursor(id) ? undefined : 'page_id must be a next_page_id of a result') }),
    ),
    PAGE_ID,
  )
  page_id: string | null = null;
}

/** A page of events. */
@NoOtherFields()
export class EventsArguments extends ConversationArguments {
  @Field(
    nullable(choice(['message', 'action', 'observation', 'error'], 'enum')),
    'Only messages, tool calls of the agent, results of its tools, or errors. Null: everything.',
  )
  kind: string | null = null;

  @Field(
    choice(['newest_first', 'oldest_first']),
    'newest_first to see what happened last; oldest_first to read from the beginning.',
  )
  order = 'newest_first';

  @Field(integer({ ge: 1, le: 100 }), 'Maximum number of events to return.')
  limit = 20;

  @Field(nullable(uuid()), PAGE_ID)
  page_id: string | null = null;
}

/** A decision about pending actions. */
@NoOtherFields()
export class RespondArguments extends ConversationArguments {
  @Field(flag(), 'true executes all pending actions; false rejects all of them.')
  accept!: boolean;

  @Field(
    nullable(text({ min: 1, max: 10_000 })),
    'Why you reject the actions, and what to do instead; the agent reads it. Not used if you accept.',
  )
  reason: string | null = null;

  @Field(idempotencyKey, IDEMPOTENCY)
  idempotency_key: string | null = null;
}
