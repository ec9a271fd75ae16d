import { Field, OptionalBody, choice, flag, nullable, text, uuid } from '../../../http/index.js';
import { tags } from './tags.js';

/** The event to navigate to. */
export class NavigateRequestDto {
  @Field(nullable(text()), 'The parent of the next event; null: start a new branch.')
  event_id: string | null = null;
}

/** Properties of a fork. */
@OptionalBody()
export class ForkConversationRequestDto {
  @Field(nullable(uuid()), 'Null: the server generates one.')
  id: string | null = null;

  @Field(nullable(text({ max: 200 })))
  title: string | null = null;

  @Field(nullable(tags), 'Null: no tags.')
  tags: Record<string, string> | null = null;

  @Field(flag(), 'Start with empty statistics.')
  reset_metrics = true;

  @Field(nullable(text()), 'Copy only the branch from the root to this event; null: copy all events.')
  from_event_id: string | null = null;
}

/** A task for a child conversation. */
export class StartChildConversationRequestDto {
  @Field(text({ min: 1 }), 'The first message.')
  task!: string;

  @Field(nullable(text()))
  title: string | null = null;

  @Field(
    choice(['worktree', 'shared']),
    'Work in a git worktree of the workspace, or in the workspace itself.',
  )
  isolation: 'worktree' | 'shared' = 'worktree';
}
