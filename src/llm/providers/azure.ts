import { callChatCompletions } from '../protocols/chat-completions.js';
import { callResponses } from '../protocols/responses.js';
import { usesResponses } from './openai.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** The version of the protocol when the config names none: the original's. */
const DEFAULT_API_VERSION = '2024-12-01-preview';

/** Azure OpenAI: `base_url` is the resource, the model name its deployment. */
export const azure: Provider = { errorFamily: 'AzureException', call: callAzure };

async function callAzure(call: ProviderCall): Promise<ProviderAnswer> {
  const { config } = call.request;
  const resource = (config.base_url ?? '').replace(/\/+$/, '');
  const apiVersion = config.api_version ?? DEFAULT_API_VERSION;
  const apiKey = config.api_key ?? '';
  if (usesResponses(call)) {
    const { createAzure } = await import('@ai-sdk/azure');
    return callResponses(call, (fetch) =>
      createAzure({ baseURL: `${resource}/openai`, apiKey, apiVersion, fetch }).responses(call.model),
    );
  }
  return callChatCompletions(call, {
    baseUrl: `${resource}/openai/deployments/${encodeURIComponent(call.model)}`,
    apiKey: null,
    headers: { 'api-key': apiKey },
    queryParams: { 'api-version': apiVersion },
    limitFields: ['max_tokens'],
    cacheKey: true,
    effort: call.features.reasoningEffort,
  });
}
