import {
  model,
  problemsOf,
  readDto,
  refTo,
  Field,
  type FieldType,
  anyObject,
  choice,
  decimal,
  flag,
  listOf,
  nullable,
  recordOf,
  text,
  type Problem,
  prefixPath,
  valueError,
  shownAs,
} from '../http/index.js';
import { isJsonObject, type JsonObject } from '../json/index.js';

const REMOTE = ['http', 'shttp', 'streamable-http', 'sse'] as const;
const STRATEGIES = ['none', 'api_key', 'bearer', 'basic', 'header', 'oauth2'];

/** A server that is a local program. */
class StdioServerSpecDto {
  @Field(choice(['stdio']), 'Marks a local program that speaks MCP on its standard input and output.')
  type: string = 'stdio';

  @Field(text({ min: 1 }), 'Program that is started on the host of this server.')
  command!: string;

  @Field(listOf(text()), 'Arguments of the program.')
  args: string[] = [];

  @Field(
    recordOf(text({ secret: true })),
    'Environment variables of the program. Values may be encrypted by this server.',
  )
  env: Record<string, string> = {};

  @Field(nullable(text()), 'Working directory of the program; null: that of this server.')
  cwd: string | null = null;
}

/** A server with a URL. */
class RemoteServerSpecDto {
  @Field(choice(REMOTE), 'Transport: streamable HTTP for `http`, `shttp` and `streamable-http`, or `sse`.')
  type!: string;

  @Field(text({ min: 1 }), 'URL of the MCP server.')
  url!: string;

  @Field(recordOf(text({ secret: true })), 'Headers of each request. Values may be encrypted by this server.')
  headers: Record<string, string> = {};

  @Field(
    nullable(credentials()),
    'Credentials by `strategy`: none, api_key, bearer, basic, header, oauth2. Null: none.',
  )
  auth: JsonObject | null = null;

  @Field(nullable(decimal()), 'Accepted for settings of other programs; `timeout` of the request applies.')
  timeout: number | null = null;

  @Field(nullable(decimal()), 'Accepted for settings of other programs; not used.')
  sse_read_timeout: number | null = null;

  @Field(nullable(flag()), 'Accepted for settings of other programs; not used.')
  keep_alive: boolean | null = null;
}

/** A tool call. */
class MCPToolCallSpecDto {
  @Field(text({ min: 1 }), 'Name of the tool, as the server lists it.')
  name!: string;

  @Field(anyObject(), 'Arguments of the call by name.')
  arguments: JsonObject = {};
}

function credentials(): FieldType {
  return {
    ...anyObject({ secret: true }),
    problems: (value) => {
      if (!isJsonObject(value)) return anyObject().problems(value);
      const { strategy } = value;
      if (typeof strategy === 'string' && STRATEGIES.includes(strategy)) return [];
      return [tagProblem('strategy', strategy, STRATEGIES)];
    },
  };
}

function tagProblem(field: string, tag: unknown, expected: readonly string[]): Problem {
  const discriminator = `'${field}'`;
  if (tag === undefined) {
    const msg = `Unable to extract tag using discriminator ${discriminator}`;
    return { type: 'union_tag_not_found', msg, ctx: { discriminator } };
  }
  const given = (typeof tag === 'string' ? tag : JSON.stringify(tag)).slice(0, 200);
  const tags = expected.map((word) => `'${word}'`).join(', ');
  return {
    type: 'union_tag_invalid',
    msg: `Input tag '${given}' found using ${discriminator} does not match any of the expected tags: ${tags}`,
    ctx: { discriminator, tag: given, expected_tags: tags },
  };
}

/** The server's type: `type`, `transport`, or derived from its fields. */
function typeOf(server: JsonObject): unknown {
  const { type, transport, command } = server;
  return type ?? transport ?? (command === undefined || command === null ? 'http' : 'stdio');
}

function read(server: JsonObject): StdioServerSpecDto | RemoteServerSpecDto | undefined {
  const type = typeOf(server);
  if (type === 'stdio') return readDto(StdioServerSpecDto, { ...server, type });
  if (REMOTE.some((name) => name === type)) return readDto(RemoteServerSpecDto, { ...server, type });
  return undefined;
}

function problemsOfServer(server: JsonObject): Problem[] {
  const dto = read(server);
  if (!dto) return [tagProblem('type', typeOf(server), ['stdio', ...REMOTE])];
  const problems = problemsOf(dto);
  if (problems.length > 0 || dto instanceof StdioServerSpecDto) return prefixPath([dto.type], problems);
  if (dto.auth === null || dto.auth['strategy'] === 'none') return [];
  const isGiven = Object.keys(dto.headers).some((name) => name.toLowerCase() === 'authorization');
  const text =
    "'auth' cannot be combined with an explicit top-level 'Authorization' header; use auth.strategy='header' instead.";
  return isGiven ? [valueError(text, [dto.type])] : [];
}

/** A server in any supported notation. */
const anyServer: FieldType = {
  holdsSecrets: () => true,
  shown: (raw) => shownAs([StdioServerSpecDto, RemoteServerSpecDto], raw),
  read: (raw) => {
    if (!isJsonObject(raw) || problemsOfServer(raw).length > 0) return raw;
    return read(raw);
  },
  problems: (value) => {
    if (value instanceof StdioServerSpecDto || value instanceof RemoteServerSpecDto) return [];
    if (isJsonObject(value)) return problemsOfServer(value);
    const msg = 'Input should be a valid dictionary or object to extract fields from';
    return [{ type: 'model_attributes_type', msg }];
  },
  schema: () => {
    const [stdio, remote] = [refTo(StdioServerSpecDto), refTo(RemoteServerSpecDto)];
    const mapping: Record<string, string> = { stdio };
    for (const name of REMOTE) mapping[name] = remote;
    return {
      oneOf: [{ $ref: stdio }, { $ref: remote }],
      discriminator: { propertyName: 'type', mapping },
    };
  },
};

/** The server to test. */
export class MCPTestRequestDto {
  @Field(text({ min: 1, max: 128 }), 'Name of the server in error messages.')
  name: string = 'test-server';

  @Field(anyServer, 'The server to connect to. Its secrets may be encrypted by this server.')
  server!: StdioServerSpecDto | RemoteServerSpecDto;

  @Field(decimal({ gt: 0, le: 120 }), 'Seconds for connecting, listing tools and the tool call together.')
  timeout: number = 15;

  @Field(nullable(model(MCPToolCallSpecDto)), 'A tool to call if the server has it; null: none.')
  tool_call: MCPToolCallSpecDto | null = null;
}

/** The URL that the browser was redirected to. */
export class MCPOAuthCallbackRequestDto {
  @Field(text({ min: 1 }), 'The complete URL with code and state.')
  callback_url!: string;
}
