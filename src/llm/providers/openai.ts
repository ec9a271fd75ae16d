import type { JsonObject } from '../llm.js';
import { callChatCompletions, type ChatEndpoint } from '../protocols/chat-completions.js';
import type { ServiceDialect } from '../protocols/chat-messages.js';
import { callResponses } from '../protocols/responses.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

const OPENAI_URL = 'https://api.openai.com/v1';

/** OpenAI, and every service that speaks its protocols at a `base_url` of its own. */
export const openai: Provider = {
  errorFamily: 'OpenAIException',
  call: (call) => callOpenAi(call, call.request.config.base_url ?? OPENAI_URL),
};

/** What a proxy wants beside OpenAI's own. */
export interface ProxyExtras {
  headers?: Record<string, string>;
  extraBody?: JsonObject;
  cacheKey?: boolean;
  dialect?: ServiceDialect;
}

/** Responses for the models that are made for them, chat completions for the others; `api_mode` decides if it is set. */
export async function callOpenAi(
  call: ProviderCall,
  baseUrl: string,
  extras: ProxyExtras = {},
): Promise<ProviderAnswer> {
  const { request, features } = call;
  if (!usesResponses(call)) {
    const endpoint: ChatEndpoint = {
      baseUrl,
      apiKey: request.config.api_key,
      // Claude behind a proxy is told both ways: which one the proxy passes on is not known.
      limitFields: features.claude ? ['max_completion_tokens', 'max_tokens'] : ['max_completion_tokens'],
      cacheKey: !features.claude,
      effort: features.reasoningEffort,
      ...extras,
    };
    return callChatCompletions(call, endpoint);
  }
  const { createOpenAI } = await import('@ai-sdk/openai');
  const apiKey = request.config.api_key ?? '';
  return callResponses(call, (fetch) =>
    createOpenAI({ baseURL: baseUrl, apiKey, fetch }).responses(call.model),
  );
}

/** Whether a call goes by the responses protocol. */
export function usesResponses({ request, features }: ProviderCall): boolean {
  if (request.config.api_mode === 'auto') return features.responsesApi;
  return request.config.api_mode === 'responses';
}
