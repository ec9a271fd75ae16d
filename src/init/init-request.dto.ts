import {
  Field,
  NoOtherFields,
  anyObject,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
  valueError,
} from '../http/index.js';

/** Settings of a server that waits to be initialized. Null keeps the setting of the start. */
@NoOtherFields()
export class InitRequestDto {
  @Field(nullable(listOf(text())), 'Session keys; each of them grants access.')
  session_api_keys: string[] | null = null;
  @Field(nullable(text()), 'Key that encrypts stored secrets and becomes the key of this route.')
  secret_key: string | null = null;
  @Field(nullable(listOf(text())), 'Previous secret keys, which still decrypt.')
  previous_secret_keys: string[] | null = null;
  @Field(nullable(text()), 'Folder for conversations.')
  conversations_path: string | null = null;
  @Field(nullable(text()), 'Folder for the events of the bash routes.')
  bash_events_dir: string | null = null;
  @Field(nullable(text()), 'Folder for git worktrees.')
  conversation_worktree_root: string | null = null;
  @Field(nullable(listOf(anyObject({ secret: true }))), 'Receivers of events, as in the configuration.')
  webhooks: Record<string, unknown>[] | null = null;
  @Field(nullable(text()), 'Public URL of the server.')
  web_url: string | null = null;
  @Field(nullable(listOf(text())), 'Origins whose pages may call the server.')
  allow_cors_origins: string[] | null = null;
  @Field(nullable(integer({ ge: 1 })), 'Maximum number of conversations that run at once.')
  max_concurrent_runs: number | null = null;
  @Field(nullable(recordOf(text())), 'Environment variables of the server and its child processes.')
  env: Record<string, string> | null = null;
  @Field(
    nullable(anyObject({ secret: true })),
    'Reports about the usage of the server, as in the configuration.',
  )
  telemetry: Record<string, unknown> | null = null;
}

/** Validation problems for variables that an environment cannot contain. */
export function environmentProblems(env: Readonly<Record<string, string>>) {
  return Object.entries(env)
    .filter(([name, value]) => name === '' || /[=\0]/.test(name) || value.includes('\0'))
    .map(([name]) =>
      valueError('not the name and the value of an environment variable', ['body', 'env', name]),
    );
}
