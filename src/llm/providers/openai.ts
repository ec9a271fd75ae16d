import type { JsonObject } from '../../json/index.js';
import { INTERLEAVED_THINKING } from '../catalogue/model-features.js';
import { parseModelName } from '../catalogue/model-name.js';
import { callChatCompletions } from '../protocols/chat/chat-completions.js';
import type { ServiceDialect } from '../protocols/chat/chat-messages.js';
import { callResponses } from '../protocols/responses.js';
import { apiKey, baseUrl, type ServiceAddress } from './credentials/environment.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';
import { callSubscription } from './subscription.js';

/** OpenAI, and services with its protocols at a custom `base_url`. */
export const openai: Provider = {
  errorFamily: 'OpenAIException',
  call: (call) => {
    if (call.request.config.auth_type === 'subscription') return callSubscription(call);
    return callOpenAi(
      call,
      {
        keys: ['OPENAI_API_KEY'],
        bases: ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
        url: 'https://api.openai.com/v1',
      },
      call.features.thinking === 'manual' ? { headers: INTERLEAVED_THINKING } : {},
    );
  },
};

/** What a proxy needs in addition to OpenAI's own API. */
export interface ProxyExtras {
  headers?: Record<string, string>;
  extraBody?: JsonObject;
  cacheKey?: boolean;
  strictSampling?: boolean;
  dialect?: ServiceDialect;
}

/**
 * Uses responses for models that support it and chat completions for the others, unless `api_mode` decides.
 */
export async function callOpenAi(
  call: ProviderCall,
  address: ServiceAddress,
  extras: ProxyExtras = {},
): Promise<ProviderAnswer> {
  const { features, request } = call;
  const { config } = request;
  const key = apiKey(call, address);
  if (usesResponses(call)) {
    return callResponses(call, { baseUrl: baseUrl(call, address), headers: bearer(key) });
  }
  return callChatCompletions(call, {
    baseUrl: baseUrl(call, address),
    apiKey: key,
    // For Claude behind a proxy both names are sent, because it is unknown which one the proxy forwards.
    limitFields: features.claude ? ['max_completion_tokens', 'max_tokens'] : ['max_completion_tokens'],
    cacheKey: parseModelName(config.model_canonical_name ?? config.model).provider !== 'anthropic',
    effort: features.reasoningEffort,
    strictSampling: true,
    ...extras,
  });
}

/** The authorization header; empty without a key, which local services do not need. */
export function bearer(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** Whether a call uses the responses protocol. */
export function usesResponses({ request, features }: ProviderCall): boolean {
  if (request.config.api_mode === 'auto') return features.responsesApi;
  return request.config.api_mode === 'responses';
}
