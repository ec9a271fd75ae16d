import { Field, choice, flag, integer, listOf, nullable, text } from '../../../http/index.js';

const STEP = 'the number of a checkpoint, or the id of its event';

/** A page of checkpoints. */
export class CheckpointQueryDto {
  @Field(
    nullable(integer({ ge: 1 })),
    'The `next_page_id` of the previous page; null: the page that ends with the last checkpoint.',
  )
  page_id: number | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of checkpoints in the page.')
  limit = 20;
}

/** Two moments to compare. */
export class CheckpointDiffQueryDto {
  @Field(text({ min: 1, max: 100 }), `\`beginning\`, \`now\`, or the moment after a step: ${STEP}.`)
  from = 'beginning';

  @Field(text({ min: 1, max: 100 }), `The other moment, named as in \`from\`.`)
  to = 'now';

  @Field(nullable(text({ min: 1, max: 4096 })), 'Only this file, below the workspace; null: all.')
  path: string | null = null;
}

/** A file of a checkpoint. */
export class CheckpointContentQueryDto {
  @Field(text({ min: 1, max: 4096 }), 'The file, below the workspace.')
  path!: string;

  @Field(choice(['before', 'after']), 'Before the step or after it.')
  side: 'before' | 'after' = 'before';
}

/** What to restore. */
export class RestoreRequestDto {
  @Field(text({ min: 1, max: 100 }), `The step: ${STEP}.`)
  step!: string;

  @Field(
    choice(['since', 'only']),
    '`since`: undo this step and all later ones, so that files are as they were before it; `only`: undo this step alone.',
  )
  mode: 'since' | 'only' = 'since';

  @Field(
    nullable(listOf(text({ min: 1, max: 4096 }), { min: 1, max: 1000 })),
    'Only these files, and what is in these folders, below the workspace; null: all files of the steps.',
  )
  paths: string[] | null = null;

  @Field(flag(), 'Also restore files that were changed since, as far as that is possible.')
  force = false;
}
