import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import { inSlices } from '../../flow/index.js';
import type { JsonObject } from '../../json/index.js';
import type { LlmRequest, LlmTool } from '../llm.js';
import type { ProviderAnswer, ProviderCall } from '../providers/provider.js';
import { postToModel, textOf, type ModelReply } from '../request/model-request.js';
import { toAnswer } from './answer.js';
import { ChatAnswer } from './chat-answer.js';
import { ChatBytes } from './chat-bytes.js';
import { ALL_ROLES, type ChatDialect, type ServiceDialect } from './chat-messages.js';
import { EventData } from './event-data.js';
import { refusedWith, RefusalError } from './refusal.js';

/** So many chunks that come at once are told as one piece: nobody sees them one by one. */
const BURST = 32;

/** Where a service that speaks chat completions is, and how it differs from OpenAI's own. */
export interface ChatEndpoint {
  /** Ends before `/chat/completions`. */
  baseUrl: string;
  /** Sent as bearer token; null: none. */
  apiKey: string | null;
  headers?: Record<string, string>;
  queryParams?: Record<string, string>;
  /**
   * The names of the output limit: newer models of OpenAI's refuse `max_tokens`, older services know no
   * other.
   */
  limitFields: ('max_completion_tokens' | 'max_tokens')[];
  /** Whether it takes `prompt_cache_key`. */
  cacheKey: boolean;
  /** Whether it takes `reasoning_effort`. */
  effort: boolean;
  /** Whether it refuses `top_k`, as OpenAI's own API does. */
  strictSampling?: boolean;
  /** Its wording of messages. */
  dialect?: ServiceDialect;
  /** Fields of its own. */
  extraBody?: JsonObject;
}

/** Asks a service that speaks OpenAI's chat completions. */
export async function callChatCompletions(
  call: ProviderCall,
  endpoint: ChatEndpoint,
): Promise<ProviderAnswer> {
  const reply = await postToModel({
    url: address(endpoint),
    headers: chatHeaders(call, endpoint),
    body: await inSlices(chatBody(call, endpoint)),
    signal: call.signal,
  });
  const said = await readAnswer(call, reply);
  const { details } = said.thinking;
  const answer = toAnswer({ ...said.finish(), headers: reply.headers }, 'completion');
  const { message } = answer;
  const calls = message.tool_calls?.map((call) => ({ ...call, id: details.signedId(call.id) }));
  // After the calls: what is signed with one of them stands nowhere else.
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
 * Reads what comes back. Gateways refuse with status 200 and an error in the body when they had begun to
 * answer (https://openrouter.ai/docs/api-reference/errors), also where a stream was asked for.
 */
async function readAnswer(call: ProviderCall, { status, headers, body }: ModelReply): Promise<ChatAnswer> {
  if (status < 200 || status >= 300) throw new RefusalError(status, await textOf(body), headers);
  call.onProgress();
  const answer = new ChatAnswer(call);
  const type = headers['content-type'] ?? '';
  const isWhole = type.includes('json') && !type.includes('ndjson');
  if (isWhole || !call.request.config.stream) {
    const text = await textOf(body);
    const refused = isWhole ? refusedWith(text) : undefined;
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
      if (whole.length < BURST) answer.tellNews();
    }
    answer.tellNews();
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
const writtenTools = new WeakMap<readonly LlmTool[], string>();

/** The body of a request: only what the config asks for, and nothing that the model does not take. */
function* chatBody(call: ProviderCall, endpoint: ChatEndpoint): Generator<void, Buffer> {
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
  const messages = 'messages' in fields ? [] : yield* messagesField(request, dialect);
  const tools = 'tools' in fields || request.tools.length === 0 ? '' : `,"tools":${toolsText(request.tools)}`;
  return Buffer.concat([Buffer.from(head), ...messages, Buffer.from(`${tools}}`)]);
}

function* messagesField(
  { conversationId, messages }: LlmRequest,
  dialect: ChatDialect,
): Generator<void, Buffer[]> {
  const pieces = yield* dialogues.write(conversationId, messages, dialect);
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

/** They are long, and the same in every step. */
function toolsText(tools: readonly LlmTool[]): string {
  const known = writtenTools.get(tools);
  if (known !== undefined) return known;
  const text = JSON.stringify(tools.map((described) => ({ type: 'function', function: described })));
  writtenTools.set(tools, text);
  return text;
}

/** What the config says of strings counts for all; else what is known of the model and of the service. */
function plainRoles(
  { request, features }: ProviderCall,
  { dialect }: ChatEndpoint,
): ServiceDialect['plainRoles'] {
  const forced = request.config.force_string_serializer ?? (features.plainStrings || undefined);
  if (forced === undefined) return dialect?.plainRoles;
  return forced ? ALL_ROLES : [];
}

/** Sampling is sent only when it is set; models that reason refuse temperature and top_p. */
export function samplingFields({ request, features }: ProviderCall): JsonObject {
  const { temperature, top_p, seed } = request.config;
  if (!features.sampling) return { seed: seed ?? undefined };
  return { temperature: temperature ?? undefined, top_p: top_p ?? undefined, seed: seed ?? undefined };
}

/** Tools in the SDK's terms; the schema goes over the wire as it is. */
export function functionTools(tools: readonly LlmTool[]): LanguageModelV3FunctionTool[] | undefined {
  if (tools.length === 0) return undefined;
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    inputSchema: parameters,
  }));
}

/** Words that end an answer, in the SDK's terms. */
export function stopSequences({ request }: ProviderCall): string[] | undefined {
  return request.stop === undefined ? undefined : [...request.stop];
}

/**
 * Headers that every provider gets: who asks (OpenRouter's names), which conversation, and what the config
 * adds.
 */
export function requestHeaders({ request }: ProviderCall): Record<string, string> {
  const { config, conversationId } = request;
  return {
    'http-referer': config.openrouter_site_url,
    'x-title': config.openrouter_app_name,
    'x-litellm-session-id': conversationId,
    ...config.extra_headers,
  };
}
