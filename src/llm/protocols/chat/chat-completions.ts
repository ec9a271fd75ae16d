import type { JsonObject } from '../../../json/index.js';
import type { LlmRequest, LlmTool } from '../../request/llm-request.js';
import type { ProviderAnswer, ProviderCall } from '../../providers/provider.js';
import { postToModel, readText, type ModelReply } from '../../transport/post-to-model.js';
import { requestHeaders, samplingFields } from '../request-fields.js';
import { toAnswer } from '../answer.js';
import { ChatAnswer } from './chat-answer.js';
import { ChatBytes } from './chat-bytes.js';
import { ALL_ROLES, type ChatDialect, type ServiceDialect } from './chat-messages.js';
import { EventData } from './event-data.js';
import { embeddedErrorStatus, RefusalError } from '../refusal.js';

/** From this many chunks in one read on, they are emitted as one delta. */
const MAX_SINGLE_CHUNKS = 32;

/** The endpoint of a service with chat completions, and its differences from OpenAI's own. */
export interface ChatEndpoint {
  /** Without `/chat/completions`. */
  baseUrl: string;
  /** Sent as bearer token; null if there is none. */
  apiKey: string | null;
  headers?: Record<string, string>;
  queryParams?: Record<string, string>;
  /**
   * The field names of the output limit: newer models of OpenAI reject `max_tokens`, older services know no
   * other.
   */
  limitFields: ('max_completion_tokens' | 'max_tokens')[];
  /** Whether it accepts `prompt_cache_key`. */
  cacheKey: boolean;
  /** Whether it accepts `reasoning_effort`. */
  effort: boolean;
  /** Whether it rejects `top_k`, as OpenAI's own API does. */
  strictSampling?: boolean;
  /** Its dialect of messages. */
  dialect?: ServiceDialect;
  /** Additional fields of the body. */
  extraBody?: JsonObject;
}

/** Calls a service with OpenAI's chat completions. */
export async function callChatCompletions(
  call: ProviderCall,
  endpoint: ChatEndpoint,
): Promise<ProviderAnswer> {
  const reply = await postToModel({
    url: address(endpoint),
    headers: chatHeaders(call, endpoint),
    body: chatBody(call, endpoint),
    signal: call.signal,
  });
  const said = await readAnswer(call, reply);
  const { details } = said.thinking;
  const answer = toAnswer({ ...said.finish(), headers: reply.headers }, 'completion');
  const { message } = answer;
  const calls = message.tool_calls?.map((call) => ({ ...call, id: details.signedId(call.id) }));
  // After the calls, because a signature that belongs to a call is not repeated elsewhere.
  const item = details.item;
  return {
    ...answer,
    message: {
      ...message,
      ...(calls && { tool_calls: calls }),
      thinking_blocks: said.thinking.blocks,
      ...(item && { responses_reasoning_item: item }),
    },
  };
}

/**
 * Reads the response. Gateways that had begun to answer report errors with status 200 and an error body
 * (https://openrouter.ai/docs/api-reference/errors), even if a stream was requested.
 */
async function readAnswer(call: ProviderCall, { status, headers, body }: ModelReply): Promise<ChatAnswer> {
  if (status < 200 || status >= 300) throw new RefusalError(status, await readText(body), headers);
  call.onProgress();
  const answer = new ChatAnswer(call);
  const type = headers['content-type'] ?? '';
  const isWhole = type.includes('json') && !type.includes('ndjson');
  if (isWhole || !call.request.config.stream) {
    const text = await readText(body);
    const refused = isWhole ? embeddedErrorStatus(text) : undefined;
    if (refused !== undefined) throw new RefusalError(refused, text, headers);
    answer.addBody(text);
    return answer;
  }
  const events = new EventData();
  for await (const bytes of body) {
    const whole = events.read(bytes);
    for (const data of whole) {
      call.onProgress();
      if (data !== '[DONE]') answer.addChunk(data);
      if (whole.length < MAX_SINGLE_CHUNKS) answer.flush();
    }
    answer.flush();
  }
  return answer;
}

function address({ baseUrl, queryParams }: ChatEndpoint): string {
  const url = new URL(`${baseUrl}/chat/completions`);
  if (queryParams) url.search = new URLSearchParams(queryParams).toString();
  return url.href;
}

function chatHeaders(call: ProviderCall, endpoint: ChatEndpoint): Record<string, string> {
  return {
    ...(endpoint.apiKey !== null && { authorization: `Bearer ${endpoint.apiKey}` }),
    'content-type': 'application/json',
    ...endpoint.headers,
    ...requestHeaders(call),
  };
}

const dialogues = new ChatBytes();
const serialisedTools = new WeakMap<readonly LlmTool[], string>();

/** The request body: only fields that the config sets and the model accepts. */
function chatBody(call: ProviderCall, endpoint: ChatEndpoint): Buffer {
  const { request, features, model } = call;
  const { config, conversationId, stop } = request;
  const limit = features.maxOutputTokens ?? undefined;
  const fields: JsonObject = {
    model,
    ...Object.fromEntries(endpoint.limitFields.map((field) => [field, limit])),
    ...samplingFields(call),
    top_k: features.sampling && !endpoint.strictSampling ? (config.top_k ?? undefined) : undefined,
    stop,
    reasoning_effort: endpoint.effort ? (config.reasoning_effort ?? undefined) : undefined,
    prompt_cache_key: (features.cacheKey ?? endpoint.cacheKey) ? conversationId : undefined,
    ...(config.stream && { stream: true, stream_options: { include_usage: true } }),
    ...endpoint.extraBody,
    ...config.litellm_extra_body,
  };
  const head = JSON.stringify(fields).slice(0, -1);
  const dialect = chatDialect(call, endpoint);
  const messages = 'messages' in fields ? [] : messagesField(request, dialect);
  const tools = 'tools' in fields || request.tools.length === 0 ? '' : `,"tools":${toolsJson(request.tools)}`;
  return Buffer.concat([Buffer.from(head), ...messages, Buffer.from(`${tools}}`)]);
}

function messagesField({ conversationId, messages }: LlmRequest, dialect: ChatDialect): Buffer[] {
  const pieces = dialogues.write(conversationId, messages, dialect);
  return [Buffer.from(',"messages":['), ...pieces, Buffer.from(']')];
}

function chatDialect(call: ProviderCall, endpoint: ChatEndpoint): ChatDialect {
  const { features } = call;
  return {
    ...endpoint.dialect,
    cacheMarks: features.cacheMarks,
    echoReasoning: features.echoReasoning,
    echoThinking: features.claude,
    plainRoles: plainRoles(call, endpoint),
  };
}

/** Cached, because tools are long and the same in every step. */
function toolsJson(tools: readonly LlmTool[]): string {
  const known = serialisedTools.get(tools);
  if (known !== undefined) return known;
  const text = JSON.stringify(tools.map((described) => ({ type: 'function', function: described })));
  serialisedTools.set(tools, text);
  return text;
}

/** The config takes precedence, then the model, then the service. */
function plainRoles(
  { request, features }: ProviderCall,
  { dialect }: ChatEndpoint,
): ServiceDialect['plainRoles'] {
  const forced = request.config.force_string_serializer ?? (features.plainStrings || undefined);
  if (forced === undefined) return dialect?.plainRoles;
  return forced ? ALL_ROLES : [];
}
