import { callChatCompletions } from '../protocols/chat-completions.js';
import { MISTRAL_CALL_ID } from '../protocols/call-ids.js';
import type { Provider } from './provider.js';

/** A service of its own name that speaks OpenAI's chat completions. */
interface CompatibleService {
  /** How LiteLLM calls its errors. */
  errorFamily: string;
  /** As the service documents it for OpenAI's clients. */
  url: string;
  /** Whether it takes `prompt_cache_key`: strict services refuse what they do not know. */
  cacheKey: boolean;
  /** Its models that take `reasoning_effort`. */
  effort?: RegExp;
}

function compatible({ errorFamily, url, cacheKey, effort }: CompatibleService): Provider {
  return {
    errorFamily,
    call: (call) =>
      callChatCompletions(call, {
        baseUrl: call.request.config.base_url ?? url,
        apiKey: call.request.config.api_key,
        limitFields: ['max_tokens'],
        cacheKey,
        effort: effort?.test(call.model) ?? false,
      }),
  };
}

export const deepseek = compatible({
  errorFamily: 'DeepseekException',
  url: 'https://api.deepseek.com/v1',
  cacheKey: true,
});
export const digitalOcean = compatible({
  errorFamily: 'OpenAIException',
  url: 'https://inference.do-ai.run/v1',
  cacheKey: false,
});
export const groq = compatible({
  errorFamily: 'GroqException',
  url: 'https://api.groq.com/openai/v1',
  cacheKey: true,
  effort: /gpt-oss/,
});
export const mistral: Provider = {
  ...compatible({ errorFamily: 'MistralException', url: 'https://api.mistral.ai/v1', cacheKey: false }),
  callIds: MISTRAL_CALL_ID,
};
export const moonshot = compatible({
  errorFamily: 'MoonshotException',
  url: 'https://api.moonshot.ai/v1',
  cacheKey: true,
});
export const xai = compatible({
  errorFamily: 'XaiException',
  url: 'https://api.x.ai/v1',
  cacheKey: false,
  effort: /grok-3-mini/,
});
