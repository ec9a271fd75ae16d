import { type DescribedField, describedFields, type JsonSchema, objectSchema } from '../http/index.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const names: JsonSchema = { type: 'array', items: text };
const kind: JsonSchema = { type: 'string', enum: ['timeout', 'connection', 'unknown'] };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const open = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  additionalProperties: true,
});
const ok = (value: boolean): JsonSchema => ({ type: 'boolean', const: value, default: value });

const ERROR_KIND =
  '`timeout`: the server did not answer in time. `connection`: it cannot be reached or refuses. `unknown`: any other reason.';
const TOOLS = 'Names of the tools that the server has.';
const JOB_ID = 'Id of the sign-in, for the routes below `oauth/`. Null if it could not be started.';

/** Response schemas of the MCP routes for the API document. */
export function mcpSchemas(): Record<string, JsonSchema> {
  const found: Readonly<Record<string, DescribedField>> = {
    'tool_result?': [
      orNull(ref('MCPToolCallResult')),
      'Result of the requested tool call; absent without one.',
    ],
    'oauth_state?': [
      orNull(ref('MCPOAuthStateResponse')),
      "Credentials of a sign-in, to be stored in the server's settings; absent if nobody signed in.",
    ],
  };
  const failure: Readonly<Record<string, DescribedField>> = {
    'error?': [orNull(text), 'Why it failed, for people; absent if it did not.'],
    'error_kind?': [orNull(kind), `${ERROR_KIND} Absent if it did not fail.`],
  };
  return {
    MCPToolCallResult: objectSchema({
      is_error: [flag, 'Whether the tool reported an error.'],
      text: [text, 'The text of the result.'],
    }),
    MCPOAuthStateResponse: {
      type: 'object',
      properties: describedFields({
        tokens: [
          orNull(
            open(
              describedFields({
                access_token: [
                  orNull(text),
                  'Token for requests to the server, encrypted if this server has a key.',
                ],
                refresh_token: [
                  orNull(text),
                  'Token that renews the other one, encrypted if this server has a key.',
                ],
              }),
            ),
          ),
          'Tokens that the server issued; null: none.',
        ],
        client_info: [
          orNull(
            open(
              describedFields({
                client_secret: [
                  orNull(text),
                  'Secret of the registered client, encrypted if this server has a key.',
                ],
              }),
            ),
          ),
          'How this server is registered at the other one; null: not registered.',
        ],
        token_expires_at: [
          orNull({ type: 'number' }),
          'Time when the access token expires, in seconds since 1970.',
        ],
      }),
    },
    MCPTestSuccess: {
      type: 'object',
      properties: optionalFields({
        'ok?': [ok(true), 'Always true: the server could be used.'],
        'tools?': [names, TOOLS],
        ...found,
      }),
    },
    MCPTestFailure: objectSchema({
      'ok?': [ok(false), 'Always false: the server could not be used.'],
      error: [text, 'Why it failed, for people.'],
      error_kind: [kind, ERROR_KIND],
    }),
    MCPOAuthStartResponse: objectSchema({
      ok: [flag, 'Whether the sign-in was started.'],
      'job_id?': [orNull(text), JOB_ID],
      'authorization_url?': [
        orNull(text),
        'Address at which the user signs in; absent if none is needed or it failed.',
      ],
      ...failure,
    }),
    MCPOAuthStatusResponse: objectSchema({
      ok: [flag, 'Whether the sign-in has not failed.'],
      status: [
        { type: 'string', enum: ['pending', 'authorizing', 'succeeded', 'failed'] },
        '`pending`: not started yet. `authorizing`: the user has to sign in. `succeeded` and `failed` are final.',
      ],
      job_id: [text, 'Id of the sign-in.'],
      'authorization_url?': [orNull(text), 'Address at which the user signs in; absent before it is known.'],
      'callback_ready?': [
        { type: 'boolean', default: false },
        'Whether the callback URL can be sent with `oauth/callback`.',
      ],
      'tools?': [orNull(names), `${TOOLS} Absent before the sign-in has succeeded.`],
      ...found,
      ...failure,
    }),
  };
}

/** The `properties` of fields that are all optional. */
function optionalFields(fields: Readonly<Record<string, DescribedField>>): unknown {
  return objectSchema(fields)['properties'];
}
