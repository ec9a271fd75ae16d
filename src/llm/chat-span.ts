import { errorName } from '../errors/index.js';
import { plainText, type Message } from '../events/index.js';
import {
  capturesContent,
  contentText,
  type Attributes,
  type Span,
  type SpanOptions,
} from '../telemetry/index.js';
import { parseUrl } from '../text/index.js';
import { parseModelName } from './catalogue/model-name.js';
import { LlmError } from './errors/llm-error.js';
import type { LlmRequest, LlmResponse, LlmTool, RetryInfo } from './request/llm-request.js';

/** The names that the conventions have for providers; others keep their prefix. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  moonshot: 'moonshot_ai',
  vertex_ai: 'gcp.vertex_ai',
  xai: 'x_ai',
};

/** The longest attribute with contents (characters). */
const MAX_CONTENT = 30_000;

/** The span of a call of a model, by the conventions for generative AI. */
export function chatSpan({ config, messages, tools, stop, conversationId }: LlmRequest): SpanOptions {
  const url = config.base_url === null ? undefined : parseUrl(config.base_url);
  const { provider } = parseModelName(config.model);
  return {
    kind: 'client',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': PROVIDERS[provider] ?? provider,
      'gen_ai.request.model': config.model,
      'gen_ai.conversation.id': conversationId,
      'session.id': conversationId,
      'gen_ai.request.temperature': config.temperature ?? undefined,
      'gen_ai.request.top_p': config.top_p ?? undefined,
      'gen_ai.request.max_tokens': config.max_output_tokens ?? undefined,
      'gen_ai.request.seed': config.seed ?? undefined,
      'gen_ai.request.stop_sequences': stop,
      'gen_ai.request.reasoning_effort': config.reasoning_effort ?? undefined,
      'server.address': url?.hostname,
      'server.port':
        url === undefined ? undefined : Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
      'openhands.usage_id': config.usage_id,
      'openhands.stream': config.stream,
      ...(capturesContent() && requestContents(messages, tools)),
    },
  };
}

/** Adds what the answer says. */
export function recordAnswer(
  span: Span,
  { id, model, message, usage, cost, finishReason }: LlmResponse,
): void {
  if (!span.isRecording) return;
  span.set({
    'gen_ai.response.id': id,
    'gen_ai.response.model': model,
    'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason],
    'gen_ai.usage.input_tokens': usage.prompt_tokens,
    'gen_ai.usage.output_tokens': usage.completion_tokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cache_read_tokens || undefined,
    'gen_ai.usage.cache_creation.input_tokens': usage.cache_write_tokens || undefined,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoning_tokens || undefined,
    'gen_ai.usage.cost': cost ?? undefined,
    ...(capturesContent() && {
      'gen_ai.output.messages': JSON.stringify([
        { ...shown(message), finish_reason: finishReason ?? 'unknown' },
      ]),
    }),
  });
}

/** Adds that an attempt has failed and another one follows. */
export function recordRetry(span: Span, { attempt, waitSeconds, error }: RetryInfo): void {
  const type = error instanceof LlmError ? error.code : errorName(error);
  span.note('retry', {
    'openhands.attempt': attempt,
    'openhands.wait_seconds': waitSeconds,
    'error.type': type,
  });
}

function requestContents(messages: readonly Message[], tools: readonly LlmTool[]): Attributes {
  const system = messages.filter(({ role }) => role === 'system');
  const others = messages.filter(({ role }) => role !== 'system');
  const definitions = tools.map((tool) => ({ type: 'function', ...tool }));
  return {
    'gen_ai.system_instructions': JSON.stringify(system.map(({ content }) => textPart(plainText(content)))),
    'gen_ai.input.messages': JSON.stringify(newest(others)),
    'gen_ai.tool.definitions': definitions.length === 0 ? undefined : jsonOfFirst(definitions),
  };
}

/** The last messages that fit: each call repeats all earlier ones. */
function newest(messages: readonly Message[]): unknown[] {
  const kept: unknown[] = [];
  let room = MAX_CONTENT;
  for (const message of messages.toReversed()) {
    const entry = shown(message);
    room -= JSON.stringify(entry).length;
    if (room < 0) break;
    kept.unshift(entry);
  }
  return kept;
}

/** As many as fit. */
function jsonOfFirst(values: readonly unknown[]): string {
  const kept: string[] = [];
  let room = MAX_CONTENT;
  for (const value of values) {
    const json = JSON.stringify(value);
    room -= json.length + 1;
    if (room < 0) break;
    kept.push(json);
  }
  return `[${kept.join(',')}]`;
}

/** A message in the form of the conventions. */
function shown(
  message: Pick<Message, 'role' | 'content' | 'tool_calls' | 'tool_call_id' | 'reasoning_content'>,
) {
  const text = plainText(message.content);
  if (message.role === 'tool')
    return {
      role: 'tool',
      parts: [{ type: 'tool_call_response', id: message.tool_call_id, response: contentText(text) }],
    };
  const reasoning = message.reasoning_content;
  return {
    role: message.role,
    parts: [
      ...(reasoning ? [{ type: 'reasoning', content: contentText(reasoning) }] : []),
      ...(text === '' ? [] : [textPart(text)]),
      ...(message.tool_calls ?? []).map((call) => ({
        type: 'tool_call',
        id: call.id,
        name: call.name,
        arguments: contentText(call.arguments),
      })),
    ],
  };
}

function textPart(text: string) {
  return { type: 'text', content: contentText(text) };
}
