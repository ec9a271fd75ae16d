import { z } from 'zod';
import { claudeFault, claudeSignature, redacted, type ClaudeBlock, type ClaudeMessage } from './claude.js';
import {
  numberedCalls,
  pieces,
  tokens,
  type Answering,
  type Json,
  type Refusal,
  type WireProtocol,
  type WireRequest,
} from './wire-protocol.js';

/**
 * Anthropic's messages (https://docs.anthropic.com/en/api/messages, `.../messages-streaming`, `.../errors`):
 * content blocks, named server-sent events with a ping, arguments in parts of JSON, thinking with its
 * signature at the end. Requests that the service would refuse are refused. `extra.redacted` is redacted
 * thinking, `extra.error` an error in the stream.
 */
export const anthropicMessages: WireProtocol = {
  streams: ({ body }) => body['stream'] === true,
  refuse: refuseMessages,
  whole: (answering) => ({
    ...envelope(answering),
    content: contentBlocks(answering),
    stop_reason: stopReason(answering),
    usage: { ...inputUsage(answering.number), ...outputUsage(answering.number) },
  }),
  stream: (answering) => ({
    contentType: 'text/event-stream; charset=utf-8',
    frames: streamEvents(answering).map(
      (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
    ),
  }),
};

/** An error in the format of the service. */
export function anthropicError(type: string, message: string): Json {
  return { type: 'error', error: { type, message }, request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy' };
}

function envelope({ request, number }: Answering): Json {
  return {
    id: `msg_${number}`,
    type: 'message',
    role: 'assistant',
    model: request.body['model'],
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...inputUsage(number), output_tokens: 1 },
  };
}

/** The prompt tokens: new ones, those read from the cache and those written to it. */
function inputUsage(number: number): Json {
  const { prompt, cached } = tokens(number);
  return {
    input_tokens: prompt - cached - 7,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: 7,
    cache_creation: { ephemeral_5m_input_tokens: 7, ephemeral_1h_input_tokens: 0 },
    service_tier: 'standard',
  };
}

function outputUsage(number: number): Json {
  const { completion, reasoning } = tokens(number);
  return { output_tokens: completion, output_tokens_details: { thinking_tokens: reasoning } };
}

const STOP: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  content_filter: 'refusal',
};

function stopReason({ turn }: Answering): string {
  return STOP[turn.stop ?? (turn.calls ? 'tool_calls' : 'stop')] ?? 'end_turn';
}

type Block = Json & { type: string };

function contentBlocks(answering: Answering): Block[] {
  const { turn } = answering;
  const blocks: Block[] = [];
  const { reasoning, text } = turn;
  if (reasoning !== undefined)
    blocks.push({ type: 'thinking', thinking: reasoning, signature: claudeSignature(reasoning) });
  const hidden = turn.extra?.['redacted'];
  if (typeof hidden === 'string') blocks.push({ type: 'redacted_thinking', data: redacted(hidden) });
  if (text !== undefined) blocks.push({ type: 'text', text });
  for (const { id, name, text: input } of toolUses(answering)) {
    blocks.push({ type: 'tool_use', id, name, input: JSON.parse(input) as unknown });
  }
  return blocks;
}

function toolUses(answering: Answering): ReturnType<typeof numberedCalls> {
  return numberedCalls(answering).map(({ id, ...call }) => ({ ...call, id: id.replace(/^call_/, 'toolu_') }));
}

function streamEvents(answering: Answering): Block[] {
  const calls = toolUses(answering);
  const blocks: [begun: Block, deltas: Block[]][] = [];
  const { reasoning, text, extra } = answering.turn;
  if (reasoning !== undefined) {
    blocks.push([
      { type: 'thinking', thinking: '', signature: '' },
      [
        ...pieces(reasoning).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: claudeSignature(reasoning) },
      ],
    ]);
  }
  const hidden = extra?.['redacted'];
  if (typeof hidden === 'string') blocks.push([{ type: 'redacted_thinking', data: redacted(hidden) }, []]);
  if (text !== undefined) {
    blocks.push([
      { type: 'text', text: '' },
      pieces(text).map((piece) => ({ type: 'text_delta', text: piece })),
    ]);
  }
  for (const { id, name, text: input } of calls) {
    // The service sends an empty part first.
    const parts = ['', ...pieces(input)].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    blocks.push([{ type: 'tool_use', id, name, input: {} }, parts]);
  }
  const error = extra?.['error'];
  return [
    { type: 'message_start', message: envelope(answering) },
    ...blocks.flatMap(([content_block, deltas], index) => [
      { type: 'content_block_start', index, content_block },
      ...(index === 0 ? [{ type: 'ping' }] : []),
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    ...(error === undefined ? endEvents(answering) : [{ type: 'error', error }]),
  ];
}

function endEvents(answering: Answering): Block[] {
  return [
    {
      type: 'message_delta',
      delta: { stop_reason: stopReason(answering), stop_sequence: null },
      usage: outputUsage(answering.number),
    },
    { type: 'message_stop' },
  ];
}

const mark = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() });
const cache_control = mark.optional();
const text = z.strictObject({ type: z.literal('text'), text: z.string().regex(/\S/), cache_control });
const media_type = z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const image = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('base64'), media_type, data: z.base64() }),
    z.strictObject({ type: z.literal('url'), url: z.url() }),
  ]),
  cache_control,
});
const toolId = z.string().regex(/^[a-zA-Z0-9_-]+$/);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);
const block = z.discriminatedUnion('type', [
  text,
  image,
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: toolId,
    name: toolName,
    input: z.record(z.string(), z.unknown()),
    cache_control,
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: toolId,
    content: z.array(z.discriminatedUnion('type', [text, image])),
    is_error: z.boolean().optional(),
    cache_control,
  }),
]);
const messagesRequest = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block) })).min(1),
  system: z.array(text).optional(),
  tools: z
    .array(
      z.strictObject({
        name: toolName,
        description: z.string().optional(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        cache_control,
      }),
    )
    .optional(),
  thinking: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1024) }),
      z.strictObject({ type: z.literal('adaptive'), display: z.string().optional() }),
      z.strictObject({ type: z.literal('disabled') }),
    ])
    .optional(),
  output_config: z.strictObject({ effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']) }).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().optional(),
  top_k: z.int().optional(),
  stop_sequences: z.array(z.string().regex(/\S/)).optional(),
});
type MessagesRequest = z.infer<typeof messagesRequest>;

function refuseMessages(request: WireRequest): Refusal | undefined {
  const { headers } = request;
  const refusal = (status: number, type: string, message: string): Refusal => ({
    status,
    body: anthropicError(type, message),
  });
  if (request.path !== '/v1/messages') return refusal(404, 'not_found_error', `not found: ${request.path}`);
  if (headers['anthropic-version'] !== '2023-06-01')
    return refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
  if (typeof headers['x-api-key'] !== 'string' || headers['x-api-key'] === '')
    return refusal(401, 'authentication_error', 'x-api-key header is required');
  const fault = messagesFault(request.body);
  return fault === undefined ? undefined : refusal(400, 'invalid_request_error', fault);
}

/** The reason why the service would refuse a body; undefined if it is valid. */
export function messagesFault(body: unknown): string | undefined {
  const parsed = messagesRequest.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  }
  const { data } = parsed;
  return (
    limitFault(data) ??
    resultsFirstFault(data) ??
    claudeFault(data.messages.map(claudeMessage), data.thinking?.type === 'enabled')
  );
}

function limitFault(data: MessagesRequest): string | undefined {
  const marks = JSON.stringify(data).split('"cache_control"').length - 1;
  if (marks > 4) return `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`;
  if (data.thinking?.type !== 'enabled') return undefined;
  if (data.thinking.budget_tokens >= data.max_tokens)
    return '`max_tokens` must be greater than `thinking.budget_tokens`.';
  if (data.temperature !== undefined && data.temperature !== 1)
    return '`temperature` may only be set to 1 when thinking is enabled.';
  return undefined;
}

function resultsFirstFault({ messages }: MessagesRequest): string | undefined {
  const late = messages.find(({ content }) => {
    const types = content.map(({ type }) => type === 'tool_result');
    return types.lastIndexOf(true) > types.indexOf(false) && types.includes(false);
  });
  return late && '`tool_result` blocks must come before other content of a message';
}

function claudeMessage({ role, content }: MessagesRequest['messages'][number]): ClaudeMessage {
  return { role, blocks: content.map(claudeBlock) };
}

function claudeBlock(part: z.infer<typeof block>): ClaudeBlock {
  switch (part.type) {
    case 'thinking':
      return part;
    case 'redacted_thinking':
      return { type: 'redacted', data: part.data };
    case 'tool_use':
      return { type: 'call', id: part.id };
    case 'tool_result':
      return { type: 'result', id: part.tool_use_id };
    default:
      return { type: 'other' };
  }
}
