import { z } from 'zod';
import { event, exception } from './aws-event-stream.js';
import { signatureFault, type AwsIdentity } from './aws-signature.js';
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

/** The accepted credentials: a signature or a bearer token. */
export interface BedrockAccess {
  region: string;
  identity?: AwsIdentity;
  token?: string;
}

/**
 * AWS Bedrock's converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * and `.../API_runtime_ConverseStream.html`) with Claude behind it: signatures are checked, streams are
 * binary events. Requests that the service would refuse are refused. `extra.redacted` is redacted thinking,
 * `extra.exception` the type of an error in the stream.
 */
export function bedrockConverse(access: BedrockAccess): WireProtocol {
  return {
    streams: ({ path }) => path.endsWith('/converse-stream'),
    refuse: (request) => refuseConverse(request, access),
    whole: (answering) => ({
      output: { message: { role: 'assistant', content: contentBlocks(answering) } },
      stopReason: stopReason(answering),
      usage: usage(answering.number),
      metrics: { latencyMs: 1 },
    }),
    stream: (answering) => ({
      contentType: 'application/vnd.amazon.eventstream',
      frames: streamEvents(answering),
    }),
  };
}

/** The path of a model; its first group is the provider's name of the model. */
const PATH = /^\/model\/([^/]+)\/converse(-stream)?$/;

const STOP: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  content_filter: 'guardrail_intervened',
};

function stopReason({ turn }: Answering): string {
  return STOP[turn.stop ?? (turn.calls ? 'tool_calls' : 'stop')] ?? 'end_turn';
}

/** `inputTokens` excludes cached tokens. */
function usage(number: number): Json {
  const { prompt, cached, completion } = tokens(number);
  return {
    inputTokens: prompt - cached - 7,
    outputTokens: completion,
    totalTokens: prompt + completion,
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: 7,
  };
}

function toolUses(answering: Answering): ReturnType<typeof numberedCalls> {
  return numberedCalls(answering).map(({ id, ...call }) => ({
    ...call,
    id: id.replace(/^call_/, 'tooluse_'),
  }));
}

function contentBlocks(answering: Answering): Json[] {
  const { reasoning, text, extra } = answering.turn;
  const blocks: Json[] = [];
  if (reasoning !== undefined) {
    const reasoningText = { text: reasoning, signature: claudeSignature(reasoning) };
    blocks.push({ reasoningContent: { reasoningText } });
  }
  const hidden = extra?.['redacted'];
  if (typeof hidden === 'string') blocks.push({ reasoningContent: { redactedContent: redacted(hidden) } });
  if (text !== undefined) blocks.push({ text });
  for (const { id, name, text: input } of toolUses(answering))
    blocks.push({ toolUse: { toolUseId: id, name, input: JSON.parse(input) as unknown } });
  return blocks;
}

/** Only blocks of tools have a start; the padding `p` hides the length of a part. */
function streamEvents(answering: Answering): Buffer[] {
  const { reasoning, text, extra } = answering.turn;
  const blocks: { start?: Json; deltas: Json[] }[] = [];
  if (reasoning !== undefined) {
    const signature = claudeSignature(reasoning);
    const parts = [...pieces(reasoning).map((piece) => ({ text: piece })), { signature }];
    blocks.push({ deltas: parts.map((reasoningContent) => ({ reasoningContent })) });
  }
  const hidden = extra?.['redacted'];
  if (typeof hidden === 'string')
    blocks.push({ deltas: [{ reasoningContent: { redactedContent: redacted(hidden) } }] });
  if (text !== undefined) blocks.push({ deltas: pieces(text).map((piece) => ({ text: piece })) });
  for (const { id, name, text: input } of toolUses(answering)) {
    const deltas = pieces(input).map((piece) => ({ toolUse: { input: piece } }));
    blocks.push({ start: { toolUse: { toolUseId: id, name } }, deltas });
  }
  const failure = extra?.['exception'];
  return [
    event('messageStart', { role: 'assistant', p: 'abcdefgh' }),
    ...blocks.flatMap(({ start, deltas }, contentBlockIndex) => [
      ...(start ? [event('contentBlockStart', { contentBlockIndex, start, p: 'abc' })] : []),
      ...deltas.map((delta) => event('contentBlockDelta', { contentBlockIndex, delta, p: 'abcdefghijk' })),
      event('contentBlockStop', { contentBlockIndex, p: 'ab' }),
    ]),
    ...(typeof failure === 'string'
      ? [exception(failure, { message: `${failure} happened` })]
      : [
          event('messageStop', { stopReason: stopReason(answering), p: 'abcd' }),
          event('metadata', { usage: usage(answering.number), metrics: { latencyMs: 1 }, p: 'a' }),
        ]),
  ];
}

const cachePoint = z.strictObject({ type: z.literal('default'), ttl: z.string().optional() });
const text = z.strictObject({
  text: z
    .string()
    .regex(
      /\S/,
      'The text field in the ContentBlock object is blank. Add text to the text field, and try again.',
    ),
});
const image = z.strictObject({
  image: z.strictObject({
    format: z.enum(['png', 'jpeg', 'gif', 'webp']),
    source: z.strictObject({ bytes: z.base64() }),
  }),
});
const toolUseId = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const block = z.union([
  text,
  image,
  z.strictObject({ cachePoint }),
  z.strictObject({
    toolUse: z.strictObject({ toolUseId, name: toolName, input: z.record(z.string(), z.unknown()) }),
  }),
  z.strictObject({
    toolResult: z.strictObject({
      toolUseId,
      content: z.array(z.union([text, image])).min(1),
      status: z.enum(['success', 'error']).optional(),
    }),
  }),
  z.strictObject({
    reasoningContent: z.union([
      z.strictObject({ reasoningText: z.strictObject({ text: z.string(), signature: z.string() }) }),
      z.strictObject({ redactedContent: z.base64() }),
    ]),
  }),
]);
const converseRequest = z.strictObject({
  messages: z
    .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block).min(1) }))
    .min(1),
  system: z.array(z.union([text, z.strictObject({ cachePoint })])).optional(),
  inferenceConfig: z
    .strictObject({
      maxTokens: z.int().positive().optional(),
      temperature: z.number().optional(),
      topP: z.number().optional(),
      stopSequences: z.array(z.string()).optional(),
    })
    .optional(),
  toolConfig: z
    .strictObject({
      tools: z
        .array(
          z.union([
            z.strictObject({
              toolSpec: z.strictObject({
                name: toolName,
                description: z.string().min(1),
                inputSchema: z.strictObject({ json: z.looseObject({ type: z.literal('object') }) }),
              }),
            }),
            z.strictObject({ cachePoint }),
          ]),
        )
        .min(1),
      toolChoice: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  additionalModelRequestFields: z.record(z.string(), z.unknown()).optional(),
  additionalModelResponseFieldPaths: z.array(z.string()).optional(),
});
type ConverseRequest = z.infer<typeof converseRequest>;

function refuseConverse(request: WireRequest, access: BedrockAccess): Refusal | undefined {
  const refusal = (status: number, type: string, message: string): Refusal => ({
    status,
    body: { message },
    headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
  });
  if (!PATH.test(request.path))
    return refusal(404, 'UnknownOperationException', `no such path: ${request.path}`);
  const denied = access.identity
    ? signatureFault(request, access.identity, { region: access.region, service: 'bedrock' })
    : request.headers.authorization !== `Bearer ${access.token ?? ''}` &&
      'Authentication failed: Please make sure your API Key is valid.';
  if (denied) return refusal(403, 'UnrecognizedClientException', denied);
  const fault = converseFault(request.body);
  return fault === undefined ? undefined : refusal(400, 'ValidationException', fault);
}

/** The reason why the service would refuse a body; undefined if it is valid. */
function converseFault(body: unknown): string | undefined {
  const parsed = converseRequest.safeParse(body);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const { messages, toolConfig, additionalModelRequestFields } = parsed.data;
  const points = JSON.stringify(body).split('"cachePoint"').length - 1;
  if (points > 4) return `You have too many cachePoint blocks: ${points} of 4`;
  const roles = messages.map(({ role }) => role);
  if (roles.some((role, index) => role === roles[index - 1]))
    return 'A conversation must alternate between user and assistant roles.';
  if (roles[0] !== 'user') return 'A conversation must start with a user message.';
  const usesTools = messages.some(({ content }) =>
    content.some((part) => 'toolUse' in part || 'toolResult' in part),
  );
  if (usesTools && !toolConfig)
    return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.';
  const thinks = JSON.stringify(additionalModelRequestFields ?? {}).includes('"enabled"');
  const fault = claudeFault(messages.map(claudeMessage), thinks);
  return fault && `The model returned the following errors: ${fault}`;
}

function claudeMessage({ role, content }: ConverseRequest['messages'][number]): ClaudeMessage {
  return { role, blocks: content.filter((part) => !('cachePoint' in part)).map(claudeBlock) };
}

function claudeBlock(part: z.infer<typeof block>): ClaudeBlock {
  if ('toolUse' in part) return { type: 'call', id: part.toolUse.toolUseId };
  if ('toolResult' in part) return { type: 'result', id: part.toolResult.toolUseId };
  if (!('reasoningContent' in part)) return { type: 'other' };
  const { reasoningContent } = part;
  if ('redactedContent' in reasoningContent)
    return { type: 'redacted', data: reasoningContent.redactedContent };
  const { text: thinking, signature } = reasoningContent.reasoningText;
  return { type: 'thinking', thinking, signature };
}
