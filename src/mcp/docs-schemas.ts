import type { JsonSchema } from '../http/index.js';

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

/** Response schemas of the MCP routes for the API document. */
export function mcpSchemas(): Record<string, JsonSchema> {
  const found = {
    tool_result: orNull(ref('MCPToolCallResult')),
    oauth_state: orNull(ref('MCPOAuthStateResponse')),
  };
  const failure = { error: orNull(text), error_kind: orNull(kind) };
  return {
    MCPToolCallResult: {
      type: 'object',
      properties: { is_error: flag, text },
      required: ['is_error', 'text'],
    },
    MCPOAuthStateResponse: {
      type: 'object',
      properties: {
        tokens: orNull(open({ access_token: orNull(text), refresh_token: orNull(text) })),
        client_info: orNull(open({ client_secret: orNull(text) })),
        token_expires_at: orNull({ type: 'number' }),
      },
    },
    MCPTestSuccess: { type: 'object', properties: { ok: ok(true), tools: names, ...found } },
    MCPTestFailure: {
      type: 'object',
      properties: { ok: ok(false), error: text, error_kind: kind },
      required: ['error', 'error_kind'],
    },
    MCPOAuthStartResponse: {
      type: 'object',
      properties: { ok: flag, job_id: orNull(text), authorization_url: orNull(text), ...failure },
      required: ['ok'],
    },
    MCPOAuthStatusResponse: {
      type: 'object',
      properties: {
        ok: flag,
        status: { type: 'string', enum: ['pending', 'authorizing', 'succeeded', 'failed'] },
        job_id: text,
        authorization_url: orNull(text),
        callback_ready: { type: 'boolean', default: false },
        tools: orNull(names),
        ...found,
        ...failure,
      },
      required: ['ok', 'status', 'job_id'],
    },
  };
}
