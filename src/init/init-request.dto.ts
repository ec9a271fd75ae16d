import { Field, NoOtherFields } from '../http/validation/field.js';
import { anyObject, integer, listOf, nullable, recordOf, text } from '../http/validation/field-type.js';
import { valueError } from '../http/validation/problem.js';

/** What a server that waits is to work with. What is null stays as it was at the start. */
@NoOtherFields()
export class InitRequestDto {
  @Field(nullable(listOf(text())), 'Each of these keys opens the server.')
  session_api_keys: string[] | null = null;
  @Field(nullable(text()), 'Encrypts secrets at rest, and becomes the key of this route.')
  secret_key: string | null = null;
  @Field(nullable(listOf(text())), 'Former secret keys; they still decrypt.')
  previous_secret_keys: string[] | null = null;
  @Field(nullable(text()), 'Folder of the conversations.')
  conversations_path: string | null = null;
  @Field(nullable(text()), 'Folder of the events of the bash routes.')
  bash_events_dir: string | null = null;
  @Field(nullable(text()), 'Folder of the git worktrees.')
  conversation_worktree_root: string | null = null;
  @Field(nullable(listOf(anyObject({ secret: true }))), 'Receivers of events, as in the configuration.')
  webhooks: Record<string, unknown>[] | null = null;
  @Field(nullable(text()), 'Address under which browsers reach the server.')
  web_url: string | null = null;
  @Field(nullable(listOf(text())), 'Origins whose pages may call the server.')
  allow_cors_origins: string[] | null = null;
  @Field(nullable(integer({ ge: 1 })), 'So many conversations may run at once.')
  max_concurrent_runs: number | null = null;
  @Field(nullable(recordOf(text())), 'Environment variables of the server and of what it starts.')
  env: Record<string, string> | null = null;
  @Field(
    nullable(anyObject({ secret: true })),
    'Reports about the use of the server, as in the configuration.',
  )
  telemetry: Record<string, unknown> | null = null;
}

/** What no environment can hold, as a problem of the request. */
export function environmentProblems(env: Readonly<Record<string, string>>) {
  return Object.entries(env)
    .filter(([name, value]) => name === '' || /[=\0]/.test(name) || value.includes('\0'))
    .map(([name]) =>
      valueError('not the name and the value of an environment variable', ['body', 'env', name]),
    );
}
