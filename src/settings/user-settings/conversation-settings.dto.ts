import { Field, choice, decimal, flag, integer, nullable, text } from '../../http/index.js';

/** Settings of new conversations. */
export class ConversationSettingsDto {
  @Field(integer({ ge: 1 }), 'Version of the format of these settings; this server writes 1.')
  schema_version = 1;

  @Field(integer({ ge: 1 }), 'Maximum number of steps of a run.')
  max_iterations = 500;

  @Field(flag(), 'Ask for confirmation before risky actions.')
  confirmation_mode = false;

  @Field(
    nullable(choice(['llm', 'none'])),
    'How the risk of actions is determined: `llm` by the model itself, `none` or null not at all.',
  )
  security_analyzer: string | null = 'llm';

  @Field(
    choice(['local', 'worktree', 'docker']),
    'Where conversations work: in the workspace, in a git worktree of it, or in a container.',
  )
  default_runtime = 'local';

  @Field(choice(['default_branch', 'head', 'ref']), 'The commit that worktrees start at.')
  worktree_base = 'default_branch';

  @Field(
    nullable(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/ })),
    'Branch, tag or commit that worktrees start at if the base is `ref`; null otherwise.',
  )
  worktree_base_ref: string | null = null;

  @Field(text({ pattern: /^([A-Za-z0-9][A-Za-z0-9._/-]*)?$/ }), 'Prefix of the names of their branches.')
  worktree_branch_prefix = 'openhands/';

  @Field(
    nullable(text({ pattern: /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/ })),
    "Memory limit of containers, such as `512m`; null: the server's default.",
  )
  container_memory: string | null = null;

  @Field(nullable(decimal({ ge: 0.01 })), "CPU limit of containers; null: the server's default.")
  container_cpus: number | null = null;

  @Field(flag(), 'Whether containers have a browser.')
  container_browser = true;
}
