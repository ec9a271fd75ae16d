import { callChatCompletions } from '../protocols/chat-completions.js';
import type { Provider } from './provider.js';

/** A service of its own name that speaks OpenAI's chat completions at a fixed address. */
function compatible(errorFamily: string, defaultUrl: string): Provider {
  return {
    errorFamily,
    call: (call) =>
      callChatCompletions(call, {
        baseUrl: call.request.config.base_url ?? defaultUrl,
        apiKey: call.request.config.api_key,
        limitField: 'max_tokens',
        // Only OpenAI documents the field, and strict services refuse what they do not know.
        cacheKey: false,
      }),
  };
}

/** Addresses as each service documents them for OpenAI's clients. */
export const deepseek = compatible('DeepseekException', 'https://api.deepseek.com/v1');
export const digitalOcean = compatible('OpenAIException', 'https://inference.do-ai.run/v1');
export const groq = compatible('GroqException', 'https://api.groq.com/openai/v1');
export const mistral = compatible('MistralException', 'https://api.mistral.ai/v1');
export const moonshot = compatible('MoonshotException', 'https://api.moonshot.ai/v1');
export const xai = compatible('XaiException', 'https://api.x.ai/v1');
