import { Field, OptionalBody } from '../../../http/validation/field.js';
import { choice, flag, nullable, text, uuid } from '../../../http/validation/field-type.js';
import { tags } from './tags.js';

/** Where the next event goes. */
export class NavigateRequestDto {
  @Field(nullable(text()), 'The event that the next one follows; null: the start of a new branch.')
  event_id: string | null = null;
}

/** What a fork is called, and how much it takes of the conversation. */
@OptionalBody()
export class ForkConversationRequestDto {
  @Field(nullable(uuid()), 'Null: the server makes one.')
  id: string | null = null;

  @Field(nullable(text({ max: 200 })))
  title: string | null = null;

  @Field(nullable(tags), 'Null: none.')
  tags: Record<string, string> | null = null;

  @Field(flag(), 'Begin with empty statistics.')
  reset_metrics = true;

  @Field(nullable(text()), 'Take only the branch from the root to this event.')
  from_event_id: string | null = null;
}

/** Work for a conversation of its own. */
export class StartChildConversationRequestDto {
  @Field(text({ min: 1 }), 'The first message.')
  task!: string;

  @Field(nullable(text()))
  title: string | null = null;

  @Field(choice(['worktree', 'shared']), 'In a git worktree of the workspace, or in the workspace itself.')
  isolation: 'worktree' | 'shared' = 'worktree';
}
