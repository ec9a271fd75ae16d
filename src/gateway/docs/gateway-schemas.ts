import type { JsonSchema } from '../../http/index.js';

const text: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const seconds: JsonSchema = { type: 'number' };
const constant = (value: string): JsonSchema => ({ type: 'string', const: value });
const withDefault = (value: string): JsonSchema => ({ ...constant(value), default: value });
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** OpenAI's values; the gateway always answers `stop`. */
const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'content_filter', 'function_call'];

/** An object schema; fields whose names end in `?` are optional. */
function object(fields: Record<string, JsonSchema>): JsonSchema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), fields[name]])),
    required: names.filter((name) => !name.endsWith('?')),
  };
}

/** Schemas of the answers of `/v1`. */
export function gatewaySchemas(): Record<string, JsonSchema> {
  return {
    OpenAIModelListResponse: object({ 'object?': withDefault('list'), data: listOf(ref('Model')) }),
    Model: object({ id: text, created: integer, object: constant('model'), owned_by: text }),
    ...chatSchemas(),
    ...responseSchemas(),
  };
}

function chatSchemas(): Record<string, JsonSchema> {
  return {
    ChatCompletion: object({
      id: text,
      choices: listOf(ref('Choice')),
      created: integer,
      model: text,
      object: constant('chat.completion'),
      'usage?': orNull(ref('CompletionUsage')),
    }),
    Choice: object({
      finish_reason: { type: 'string', enum: FINISH_REASONS },
      index: integer,
      message: ref('ChatCompletionMessage'),
    }),
    ChatCompletionMessage: object({ 'content?': orNull(text), role: constant('assistant') }),
    CompletionUsage: object({ completion_tokens: integer, prompt_tokens: integer, total_tokens: integer }),
  };
}

function responseSchemas(): Record<string, JsonSchema> {
  return {
    OpenAIResponse: object({
      id: text,
      created_at: seconds,
      completed_at: seconds,
      'instructions?': orNull(text),
      'metadata?': orNull({ type: 'object', additionalProperties: text }),
      model: text,
      'object?': withDefault('response'),
      output: listOf(ref('OpenAIResponseOutputMessage')),
      'parallel_tool_calls?': { type: 'boolean', default: false },
      'status?': withDefault('completed'),
      'tool_choice?': withDefault('none'),
      tools: listOf({ type: 'object', additionalProperties: text }),
      usage: ref('OpenAIResponseUsage'),
    }),
    OpenAIResponseOutputMessage: object({
      id: text,
      content: listOf(ref('OpenAIResponseOutputText')),
      'role?': withDefault('assistant'),
      'status?': withDefault('completed'),
      'type?': withDefault('message'),
    }),
    OpenAIResponseOutputText: object({
      annotations: listOf({ type: 'object', additionalProperties: true }),
      text,
      'type?': withDefault('output_text'),
    }),
    OpenAIResponseUsage: object({
      input_tokens: integer,
      input_tokens_details: ref('OpenAIResponseInputTokensDetails'),
      output_tokens: integer,
      output_tokens_details: ref('OpenAIResponseOutputTokensDetails'),
      total_tokens: integer,
    }),
    OpenAIResponseInputTokensDetails: object({ cached_tokens: integer }),
    OpenAIResponseOutputTokensDetails: object({ reasoning_tokens: integer }),
  };
}
