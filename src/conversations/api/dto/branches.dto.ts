import { Field, OptionalBody, choice, flag, nullable, text, uuid } from '../../../http/index.js';
import { tags } from './tags.js';

/** The event to navigate to. */
export class NavigateRequestDto {
  @Field(nullable(text()), 'Id of the event that the next event follows; null: start a new branch.')
  event_id: string | null = null;

  @Field(
    flag(),
    'Put files back as they were at this event (see `POST .../restore`). A message on the branch that is left tells of it.',
  )
  restore_files = false;

  @Field(flag(), 'With `restore_files`: also files that were changed by somebody else since.')
  force = false;
}

/** Properties of a fork. */
@OptionalBody()
export class ForkConversationRequestDto {
  @Field(nullable(uuid()), 'Id of the fork, which must not exist; null: the server generates one.')
  id: string | null = null;

  @Field(nullable(text({ max: 200 })), 'Title of the fork; null: none.')
  title: string | null = null;

  @Field(nullable(tags), 'Labels of the fork by key; null: none.')
  tags: Record<string, string> | null = null;

  @Field(flag(), 'Start with empty statistics; false: with those of the source.')
  reset_metrics = true;

  @Field(nullable(text()), 'Copy only the branch from the root to this event; null: copy all events.')
  from_event_id: string | null = null;

  @Field(
    flag(),
    'Copy the checkpoints as well, and put files back as they were at `from_event_id`. The fork works in the same folder.',
  )
  restore_files = false;

  @Field(flag(), 'With `restore_files`: also files that were changed by somebody else since.')
  force = false;
}

/** A task for a child conversation. */
export class StartChildConversationRequestDto {
  @Field(text({ min: 1 }), 'The first message of the child, which starts a run.')
  task!: string;

  @Field(nullable(text()), 'Title of the child; null: none yet.')
  title: string | null = null;

  @Field(
    choice(['worktree', 'shared']),
    '`worktree`: work in a new git worktree of the workspace; `shared`: in the workspace itself.',
  )
  isolation: 'worktree' | 'shared' = 'worktree';
}
