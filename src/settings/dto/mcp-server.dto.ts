import {
  model,
  problemsOf,
  readDto,
  Field,
  NoOtherFields,
  type FieldType,
  anyObject,
  choice,
  decimal,
  flag,
  listOf,
  nullable,
  recordOf,
  shortText,
  text,
  hasSecrets,
  shownAs,
} from '../../http/index.js';
import { isJsonObject } from '../../json/index.js';

const TRANSPORTS = ['stdio', 'http', 'streamable-http', 'sse'];

/** An MCP server: a program to start, or a URL. */
@NoOtherFields()
export class McpServerDto {
  @Field(
    nullable(shortText({ min: 1 })),
    'URL of the server; null if it is started by `command`. Just one of the two is set.',
  )
  url: string | null = null;

  @Field(
    nullable(choice(TRANSPORTS)),
    'How the server is spoken to. Null: stdio for a command; for a URL streamable HTTP, or SSE if its path ' +
      'ends in `/sse`.',
  )
  transport: string | null = null;

  @Field(
    nullable(text({ min: 1 })),
    'Program that speaks MCP on its standard input and output; null if the server has a `url`.',
  )
  command: string | null = null;

  @Field(nullable(listOf(text())), 'Arguments of the program; null: none.')
  args: string[] | null = null;

  @Field(
    nullable(recordOf(nullable(text({ secret: true })))),
    'Environment variables of the program. Values may name secrets as `$NAME` or `${NAME}`. Null: none.',
  )
  env: Record<string, string | null> | null = null;

  @Field(nullable(text()), 'Working directory of the program; null: the workspace.')
  cwd: string | null = null;

  @Field(nullable(text()), 'What the server offers, for people; null: none.')
  description: string | null = null;

  @Field(nullable(text()), 'Icon for user interfaces; null: none. Not used by this server.')
  icon: string | null = null;

  @Field(nullable(decimal()), 'Time limit for connecting and listing tools in seconds; null: 30.')
  timeout: number | null = null;

  @Field(nullable(decimal()), 'Stored for other programs; not used.')
  sse_read_timeout: number | null = null;

  @Field(nullable(flag()), 'Stored for other programs; not used.')
  keep_alive: boolean | null = null;

  @Field(
    nullable(recordOf(nullable(text({ secret: true })))),
    'Headers of each request to the URL. Values may name secrets as `$NAME` or `${NAME}`. Null: none.',
  )
  headers: Record<string, string | null> | null = null;

  @Field(
    nullable(anyObject({ secret: true })),
    'Credentials for the URL by `strategy`: none, api_key, bearer, basic, header, oauth2. Null: none.',
  )
  auth: object | null = null;

  @Field(flag(), 'Whether agents use the server; false keeps it in the settings without effect.')
  enabled: boolean = true;
}

const values = (): FieldType => nullable(recordOf(nullable(text({ secret: true }))));
const OPTIONAL = { optional: true } as const;

/** Changes of an MCP server: missing fields are kept, null removes a field. */
@NoOtherFields()
export class McpServerPatchDto {
  @Field(nullable(shortText({ min: 1 })), 'New URL of the server; null removes it.', OPTIONAL)
  url?: string | null;

  @Field(nullable(choice(TRANSPORTS)), 'New transport; null: derived from `url` or `command`.', OPTIONAL)
  transport?: string | null;

  @Field(nullable(text({ min: 1 })), 'New program to start; null removes it.', OPTIONAL)
  command?: string | null;

  @Field(nullable(listOf(text())), 'New arguments of the program; null: none.', OPTIONAL)
  args?: string[] | null;

  @Field(
    values(),
    'Environment variables, merged with the present ones; null as a value removes a variable, null as a ' +
      'whole all of them.',
    OPTIONAL,
  )
  env?: Record<string, string | null> | null;

  @Field(nullable(text()), 'New working directory of the program; null: the workspace.', OPTIONAL)
  cwd?: string | null;

  @Field(nullable(text()), 'New description for people; null: none.', OPTIONAL)
  description?: string | null;

  @Field(nullable(text()), 'New icon for user interfaces; null: none.', OPTIONAL)
  icon?: string | null;

  @Field(
    nullable(decimal()),
    'New time limit for connecting and listing tools in seconds; null: 30.',
    OPTIONAL,
  )
  timeout?: number | null;

  @Field(nullable(decimal()), 'Stored for other programs; not used. Null removes it.', OPTIONAL)
  sse_read_timeout?: number | null;

  @Field(nullable(flag()), 'Stored for other programs; not used. Null removes it.', OPTIONAL)
  keep_alive?: boolean | null;

  @Field(
    values(),
    'Headers, merged with the present ones; null as a value removes a header, null as a whole all of them.',
    OPTIONAL,
  )
  headers?: Record<string, string | null> | null;

  @Field(
    nullable(anyObject({ secret: true })),
    'New credentials by `strategy`: none, api_key, bearer, basic, header, oauth2. Null removes them.',
    OPTIONAL,
  )
  auth?: object | null;

  @Field(
    nullable(flag()),
    'Whether agents use the server from now on; null: the default, which is true.',
    OPTIONAL,
  )
  enabled?: boolean | null;
}

const checked = model(McpServerDto);

/** A server in `mcp_config`. It is stored as sent, without defaults. */
export const mcpServer: FieldType = {
  ...anyObject(),
  holdsSecrets: () => hasSecrets(McpServerDto),
  shown: (raw) => shownAs([McpServerDto], raw),
  problems: (value) =>
    isJsonObject(value) ? problemsOf(readDto(McpServerDto, value)) : checked.problems(value),
  schema: () => checked.schema(),
};
