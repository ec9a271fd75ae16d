import { callChatCompletions } from '../protocols/chat-completions.js';
import type { Provider } from './provider.js';

/** Ollama by its OpenAI-compatible routes (https://docs.ollama.com/api/openai-compatibility). */
export const ollama: Provider = {
  errorFamily: 'OllamaException',
  call: (call) => {
    const { base_url, ollama_base_url } = call.request.config;
    const root = (base_url ?? ollama_base_url ?? 'http://localhost:11434').replace(/\/+$/, '');
    return callChatCompletions(call, {
      baseUrl: root.endsWith('/v1') ? root : `${root}/v1`,
      apiKey: call.request.config.api_key,
      limitFields: ['max_tokens'],
      cacheKey: false,
      effort: false,
    });
  },
};
