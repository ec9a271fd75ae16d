import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import type { JsonObject, LlmTool } from '../llm.js';
import type { ProviderAnswer, ProviderCall } from '../providers/provider.js';
import { toAnswer } from './answer.js';
import { ThinkingReader } from './thinking-reader.js';
import { ALL_ROLES, chatMessages, type ServiceDialect } from './chat-messages.js';
import { callLanguageModel } from './language-model.js';
import { fetchAnswer } from './refusal.js';

/** Where a service that speaks chat completions is, and how it differs from OpenAI's own. */
export interface ChatEndpoint {
  /** Ends before `/chat/completions`. */
  baseUrl: string;
  /** Sent as bearer token; null: none. */
  apiKey: string | null;
  headers?: Record<string, string>;
  queryParams?: Record<string, string>;
  /** The names of the output limit: newer models of OpenAI's refuse `max_tokens`, older services know no other. */
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
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const thinking = new ThinkingReader();
  const provider = createOpenAICompatible({
    name: 'openaiCompatible',
    baseURL: endpoint.baseUrl,
    apiKey: endpoint.apiKey ?? undefined,
    queryParams: endpoint.queryParams,
    includeUsage: true,
    fetch: fetchAnswer,
    // The SDK's own wording of messages loses names, parts and marks: the body is ours, the reading of answers its.
    transformRequestBody: (args) => chatBody(call, endpoint, args),
    metadataExtractor: thinking.extractor,
  });
  const output = await callLanguageModel(
    provider.chatModel(call.model),
    {
      prompt: [],
      tools: functionTools(call.request.tools),
      headers: { ...endpoint.headers, ...requestHeaders(call) },
    },
    call,
  );
  const answer = toAnswer(output, 'completion');
  const { message } = answer;
  const { details } = thinking;
  const calls = message.tool_calls?.map((call) => ({ ...call, id: details.signedId(call.id) }));
  const item = details.item;
  return {
    ...answer,
    message: {
      ...message,
      ...(calls && { tool_calls: calls }),
      thinking_blocks: thinking.blocks,
      ...(item && { responses_reasoning_item: item }),
    },
  };
}

/** The body of a request: only what the config asks for, and nothing that the model does not take. */
function chatBody(call: ProviderCall, endpoint: ChatEndpoint, sdk: JsonObject): JsonObject {
  const { config, messages, conversationId } = call.request;
  const { features } = call;
  const limit = features.maxOutputTokens ?? undefined;
  return {
    model: sdk['model'],
    messages: chatMessages(messages, {
      ...endpoint.dialect,
      cacheMarks: features.cacheMarks,
      echoReasoning: features.echoReasoning,
      echoThinking: features.claude,
      plainRoles: plainRoles(call, endpoint),
    }),
    tools: sdk['tools'],
    ...Object.fromEntries(endpoint.limitFields.map((field) => [field, limit])),
    ...samplingFields(call),
    top_k: features.sampling && !endpoint.strictSampling ? (config.top_k ?? undefined) : undefined,
    stop: call.request.stop,
    reasoning_effort: endpoint.effort ? (config.reasoning_effort ?? undefined) : undefined,
    prompt_cache_key: (features.cacheKey ?? endpoint.cacheKey) ? conversationId : undefined,
    stream: sdk['stream'],
    stream_options: sdk['stream_options'],
    ...endpoint.extraBody,
    ...config.litellm_extra_body,
  };
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

/** Headers that every provider gets: who asks (OpenRouter's names), which conversation, and what the config adds. */
export function requestHeaders({ request }: ProviderCall): Record<string, string> {
  const { config, conversationId } = request;
  return {
    'http-referer': config.openrouter_site_url,
    'x-title': config.openrouter_app_name,
    'x-litellm-session-id': conversationId,
    ...config.extra_headers,
  };
}
