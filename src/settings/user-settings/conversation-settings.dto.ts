import { Field } from '../../http/validation/field.js';
import { choice, decimal, flag, integer, nullable, text } from '../../http/validation/field-type.js';

/** How new conversations are run. */
export class ConversationSettingsDto {
  @Field(integer({ ge: 1 }))
  schema_version = 1;

  @Field(integer({ ge: 1 }), 'Steps that a run takes at most.')
  max_iterations = 500;

  @Field(flag(), 'Ask before actions that may do harm.')
  confirmation_mode = false;

  @Field(nullable(choice(['llm', 'none'])), 'Who judges whether an action may do harm.')
  security_analyzer: string | null = 'llm';

  @Field(
    choice(['local', 'worktree', 'docker']),
    'Where a conversation works: in its folder, in a git worktree of it, or in a container.',
  )
  default_runtime = 'local';

  @Field(choice(['default_branch', 'head', 'ref']), 'Where worktrees start from.')
  worktree_base = 'default_branch';

  @Field(
    nullable(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/ })),
    'The branch, tag or commit that worktrees start from when the base is `ref`.',
  )
  worktree_base_ref: string | null = null;

  @Field(
    text({ pattern: /^([A-Za-z0-9][A-Za-z0-9._/-]*)?$/ }),
    'What the names of their branches begin with.',
  )
  worktree_branch_prefix = 'openhands/';

  @Field(
    nullable(text({ pattern: /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/ })),
    'Memory of a container, as in `512m`; null: the default of the server.',
  )
  container_memory: string | null = null;

  @Field(
    nullable(decimal({ ge: 0.01 })),
    'Processors that a container may use; null: the default of the server.',
  )
  container_cpus: number | null = null;

  @Field(flag(), 'Whether containers have a browser.')
  container_browser = true;
}
