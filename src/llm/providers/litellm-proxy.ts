import { INTERLEAVED_THINKING, thinkingBudget } from '../catalogue/model-features.js';
import type { ServiceAddress } from './credentials/environment.js';
import { callOpenAi, type ProxyExtras } from './openai.js';
import type { Provider, ProviderCall } from './provider.js';

/** A self-hosted LiteLLM proxy with OpenAI's protocols. The proxy interprets the rest of the model name. */
export const litellmProxy: Provider = proxy({
  keys: ['LITELLM_PROXY_API_KEY'],
  bases: ['LITELLM_PROXY_API_BASE'],
  url: 'http://localhost:4000',
});

/** The proxy of OpenHands (https://docs.openhands.dev/openhands/usage/llms/openhands-llms). */
export const openhands: Provider = proxy({
  keys: ['LITELLM_PROXY_API_KEY'],
  url: 'https://llm-proxy.app.all-hands.dev',
});

function proxy(address: ServiceAddress): Provider {
  return {
    errorFamily: 'Litellm_proxyException',
    call: (call) => callOpenAi(call, address, proxyExtras(call)),
  };
}

/**
 * Fields for the proxy: LiteLLM forwards Anthropic's thinking to Claude. Fields that an unknown model may
 * reject are not sent.
 */
function proxyExtras({ request, features }: ProviderCall): ProxyExtras {
  const cacheKey = features.reasoningEffort && !features.claude;
  // The proxy knows where each model expects the images of tools.
  const common = { cacheKey, strictSampling: false, dialect: { toolImages: true } };
  const budget = thinkingBudget(request.config, features);
  if (budget === null) return common;
  return {
    ...common,
    headers: INTERLEAVED_THINKING,
    extraBody: { thinking: { type: 'enabled', budget_tokens: budget } },
  };
}
