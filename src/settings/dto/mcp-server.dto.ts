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
  @Field(nullable(shortText({ min: 1 })), 'The URL of the server. Either this or `command`.')
  url: string | null = null;

  @Field(
    nullable(choice(TRANSPORTS)),
    'Null: stdio for a command; for a URL streamable HTTP, or SSE if its path ends in `/sse`.',
  )
  transport: string | null = null;

  @Field(nullable(text({ min: 1 })), 'A program that speaks MCP on its standard input and output.')
  command: string | null = null;

  @Field(nullable(listOf(text())))
  args: string[] | null = null;

  @Field(nullable(recordOf(nullable(text({ secret: true })))), 'May name secrets as `$NAME` or `${NAME}`.')
  env: Record<string, string | null> | null = null;

  @Field(nullable(text()), 'The working directory of the program; default: the workspace.')
  cwd: string | null = null;

  @Field(nullable(text()))
  description: string | null = null;

  @Field(nullable(text()))
  icon: string | null = null;

  @Field(nullable(decimal()), 'Time limit for connecting and listing tools in seconds. Default: 30.')
  timeout: number | null = null;

  @Field(nullable(decimal()))
  sse_read_timeout: number | null = null;

  @Field(nullable(flag()))
  keep_alive: boolean | null = null;

  @Field(nullable(recordOf(nullable(text({ secret: true })))), 'May name secrets as `$NAME` or `${NAME}`.')
  headers: Record<string, string | null> | null = null;

  @Field(
    nullable(anyObject({ secret: true })),
    'Credentials by `strategy`: none, api_key, bearer, basic, header, oauth2.',
  )
  auth: object | null = null;

  @Field(flag())
  enabled: boolean = true;
}

const values = (): FieldType => nullable(recordOf(nullable(text({ secret: true }))));
const OPTIONAL = { optional: true } as const;

/** Changes of an MCP server: missing fields are kept, null removes a field. */
@NoOtherFields()
export class McpServerPatchDto {
  @Field(nullable(shortText({ min: 1 })), '', OPTIONAL)
  url?: string | null;

  @Field(nullable(choice(TRANSPORTS)), '', OPTIONAL)
  transport?: string | null;

  @Field(nullable(text({ min: 1 })), '', OPTIONAL)
  command?: string | null;

  @Field(nullable(listOf(text())), '', OPTIONAL)
  args?: string[] | null;

  @Field(values(), 'Merged; null removes a variable.', OPTIONAL)
  env?: Record<string, string | null> | null;

  @Field(nullable(text()), '', OPTIONAL)
  cwd?: string | null;

  @Field(nullable(text()), '', OPTIONAL)
  description?: string | null;

  @Field(nullable(text()), '', OPTIONAL)
  icon?: string | null;

  @Field(nullable(decimal()), '', OPTIONAL)
  timeout?: number | null;

  @Field(nullable(decimal()), '', OPTIONAL)
  sse_read_timeout?: number | null;

  @Field(nullable(flag()), '', OPTIONAL)
  keep_alive?: boolean | null;

  @Field(values(), 'Merged; null removes a header.', OPTIONAL)
  headers?: Record<string, string | null> | null;

  @Field(nullable(anyObject({ secret: true })), '', OPTIONAL)
  auth?: object | null;

  @Field(nullable(flag()), '', OPTIONAL)
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
