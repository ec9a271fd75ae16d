import { callOpenAi } from './openai.js';
import type { Provider } from './provider.js';

/** A LiteLLM proxy somebody runs: OpenAI's protocols, the rest of the name is the proxy's business. */
export const litellmProxy: Provider = {
  errorFamily: 'Litellm_proxyException',
  call: (call) => callOpenAi(call, call.request.config.base_url ?? 'http://localhost:4000'),
};

/** The proxy of OpenHands (https://docs.openhands.dev/openhands/usage/llms/openhands-llms). */
export const openhands: Provider = {
  errorFamily: 'Litellm_proxyException',
  call: (call) => callOpenAi(call, call.request.config.base_url ?? 'https://llm-proxy.app.all-hands.dev'),
};
