import { choice, Field, instant, integer, nullable, text, uuid } from '../http/index.js';
import { AUDIT_OUTCOMES, type AuditOutcome } from '../storage/index.js';

/** Which entries of the audit log to return. */
export class AuditQueryDto {
  @Field(
    nullable(text({ max: 200 })),
    'The id or the name of a key; `session` for the session key. Null: all.',
  )
  key: string | null = null;

  @Field(nullable(text({ max: 200 })), 'A part of the name of the operation, in any case. Null: all.')
  operation: string | null = null;

  @Field(nullable(uuid()), 'Only what concerned this conversation. Null: all.')
  conversation_id: string | null = null;

  @Field(
    nullable(choice(AUDIT_OUTCOMES)),
    '`done`; `refused` for its key, its rights, or a limit; `failed` for another reason. Null: all.',
  )
  outcome: AuditOutcome | null = null;

  @Field(nullable(instant()), 'Only entries from this time on. Null: from the oldest one.')
  from: string | null = null;

  @Field(nullable(instant()), 'Only entries before this time. Null: up to the newest one.')
  before: string | null = null;

  @Field(nullable(text({ max: 100 })), 'The `next_page_id` of the previous page. Null: the first page.')
  page_id: string | null = null;

  @Field(integer({ ge: 1, le: 200 }), 'Most entries of the page.')
  limit = 50;
}
