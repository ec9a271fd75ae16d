import { type JsonSchema, objectSchema } from '../../http/index.js';

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

const OBJECT = 'Kind of the object, as in the API of OpenAI.';

/** Schemas of the answers of `/v1`. */
export function gatewaySchemas(): Record<string, JsonSchema> {
  return {
    OpenAIModelListResponse: objectSchema({
      'object?': [withDefault('list'), OBJECT],
      data: [listOf(ref('Model')), 'The models, sorted by name.'],
    }),
    Model: objectSchema({
      id: [text, 'Name of the model: `openhands_` followed by the name of an LLM profile.'],
      created: [integer, 'Always 0: the time is not stored.'],
      object: [constant('model'), OBJECT],
      owned_by: [text, 'Always `openhands`.'],
    }),
    ...chatSchemas(),
    ...responseSchemas(),
  };
}

function chatSchemas(): Record<string, JsonSchema> {
  return {
    ChatCompletion: objectSchema({
      id: [text, 'Id of the answer. The header of the conversation, not this id, continues the dialogue.'],
      choices: [listOf(ref('Choice')), 'Just one answer.'],
      created: [integer, 'Time of the answer, in seconds since 1970.'],
      model: [text, 'Name of the model, as in the request.'],
      object: [constant('chat.completion'), OBJECT],
      'usage?': [
        orNull(ref('CompletionUsage')),
        'Tokens that the models of the conversation have used so far.',
      ],
    }),
    Choice: objectSchema({
      finish_reason: [
        { type: 'string', enum: FINISH_REASONS },
        'Why the answer ends: `stop`, because the run is done. The other values are those of OpenAI.',
      ],
      index: [integer, 'Number of the answer; always 0.'],
      message: [ref('ChatCompletionMessage'), 'The final response of the agent.'],
    }),
    ChatCompletionMessage: objectSchema({
      'content?': [orNull(text), 'Text of the response.'],
      role: [constant('assistant'), 'Who the message is from.'],
    }),
    CompletionUsage: objectSchema({
      completion_tokens: [integer, 'Tokens that the models of the conversation have written so far.'],
      prompt_tokens: [integer, 'Tokens that the models of the conversation have read so far.'],
      total_tokens: [integer, 'Sum of both.'],
    }),
  };
}

function responseSchemas(): Record<string, JsonSchema> {
  return {
    OpenAIResponse: objectSchema({
      id: [text, 'Id of the answer. The header of the conversation, not this id, continues the dialogue.'],
      created_at: [seconds, 'Time when the request was accepted, in seconds since 1970.'],
      completed_at: [seconds, 'Time when the run was done, in seconds since 1970.'],
      'instructions?': [orNull(text), 'The instructions of the request; absent if it had none.'],
      'metadata?': [
        orNull({ type: 'object', additionalProperties: text }),
        'The metadata of the request, unchanged; absent if it had none.',
      ],
      model: [text, 'Name of the model, as in the request.'],
      'object?': [withDefault('response'), OBJECT],
      output: [listOf(ref('OpenAIResponseOutputMessage')), 'The messages of the agent.'],
      'parallel_tool_calls?': [
        { type: 'boolean', default: false },
        'Always false: the client gets no tool calls.',
      ],
      'status?': [withDefault('completed'), 'Always `completed`: a failed run is answered with an error.'],
      'tool_choice?': [withDefault('none'), 'Always `none`: the agent has its own tools.'],
      tools: [
        listOf({ type: 'object', additionalProperties: text }),
        'Always empty: the agent has its own tools.',
      ],
      usage: [ref('OpenAIResponseUsage'), 'Tokens that the models of the conversation have used so far.'],
    }),
    OpenAIResponseOutputMessage: objectSchema({
      id: [text, 'Id of the message.'],
      content: [listOf(ref('OpenAIResponseOutputText')), 'The parts of the message.'],
      'role?': [withDefault('assistant'), 'Who the message is from.'],
      'status?': [withDefault('completed'), 'Always `completed`: the message is whole.'],
      'type?': [withDefault('message'), 'Kind of the output.'],
    }),
    OpenAIResponseOutputText: objectSchema({
      annotations: [
        listOf({ type: 'object', additionalProperties: true }),
        'Always empty: there are no citations.',
      ],
      text: [text, 'Text of the part.'],
      'type?': [withDefault('output_text'), 'Kind of the part.'],
    }),
    OpenAIResponseUsage: objectSchema({
      input_tokens: [integer, 'Tokens that the models of the conversation have read so far.'],
      input_tokens_details: [ref('OpenAIResponseInputTokensDetails'), 'How many of them were cached.'],
      output_tokens: [integer, 'Tokens that the models of the conversation have written so far.'],
      output_tokens_details: [ref('OpenAIResponseOutputTokensDetails'), 'How many of them were reasoning.'],
      total_tokens: [integer, 'Sum of the tokens read and written.'],
    }),
    OpenAIResponseInputTokensDetails: objectSchema({
      cached_tokens: [integer, 'Tokens that the provider had cached.'],
    }),
    OpenAIResponseOutputTokensDetails: objectSchema({
      reasoning_tokens: [integer, 'Tokens of reasoning, which are not part of the text.'],
    }),
  };
}
