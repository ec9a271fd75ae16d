import { INTERLEAVED_THINKING, thinkingBudget } from '../model-features.js';
import { callOpenAi, type ProxyExtras } from './openai.js';
import type { Provider, ProviderCall } from './provider.js';

/** A LiteLLM proxy somebody runs: OpenAI's protocols, the rest of the name is the proxy's business. */
export const litellmProxy: Provider = {
  errorFamily: 'Litellm_proxyException',
  call: (call) =>
    callOpenAi(call, call.request.config.base_url ?? 'http://localhost:4000', proxyExtras(call)),
};

/** The proxy of OpenHands (https://docs.openhands.dev/openhands/usage/llms/openhands-llms). */
export const openhands: Provider = {
  errorFamily: 'Litellm_proxyException',
  call: (call) =>
    callOpenAi(
      call,
      call.request.config.base_url ?? 'https://llm-proxy.app.all-hands.dev',
      proxyExtras(call),
    ),
};

/** LiteLLM passes Anthropic's thinking on to Claude; of models nobody knows it is not asked what they may refuse. */
function proxyExtras({ request, features }: ProviderCall): ProxyExtras {
  const budget = thinkingBudget(request.config, features);
  const dialect = { toolImages: true };
  if (budget === null) return { dialect, cacheKey: features.reasoningEffort && !features.claude };
  return {
    dialect,
    headers: INTERLEAVED_THINKING,
    extraBody: { thinking: { type: 'enabled', budget_tokens: budget } },
  };
}
