import { callChatCompletions } from '../protocols/chat-completions.js';
import { callResponses } from '../protocols/responses.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

const OPENAI_URL = 'https://api.openai.com/v1';

/** OpenAI, and every service that speaks its protocols at a `base_url` of its own. */
export const openai: Provider = {
  errorFamily: 'OpenAIException',
  call: (call) => callOpenAi(call, call.request.config.base_url ?? OPENAI_URL),
};

/** Responses for the models that are made for them, chat completions for the others; `api_mode` decides if it is set. */
export async function callOpenAi(call: ProviderCall, baseUrl: string): Promise<ProviderAnswer> {
  if (!usesResponses(call))
    return callChatCompletions(call, { baseUrl, apiKey: call.request.config.api_key, cacheKey: true });
  const { createOpenAI } = await import('@ai-sdk/openai');
  const apiKey = call.request.config.api_key ?? '';
  return callResponses(call, (fetch) =>
    createOpenAI({ baseURL: baseUrl, apiKey, fetch }).responses(call.model),
  );
}

/** Whether a call goes by the responses protocol. */
export function usesResponses({ request, features }: ProviderCall): boolean {
  if (request.config.api_mode === 'auto') return features.responsesApi;
  return request.config.api_mode === 'responses';
}
