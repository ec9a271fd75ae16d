import { callOllama } from '../protocols/ollama-chat.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { apiKey, baseUrl } from './environment.js';
import { bearer } from './openai.js';
import type { Provider } from './provider.js';

/** Ollama by its own protocol, here or in its cloud; LiteLLM has two names for it. */
function ollamaAs(errorFamily: string): Provider {
  return {
    errorFamily,
    call: (call) => {
      const address = {
        keys: ['OLLAMA_API_KEY'],
        bases: ['OLLAMA_API_BASE'],
        url: 'http://localhost:11434',
      };
      const given = call.request.config.base_url ?? call.request.config.ollama_base_url;
      const url = given ?? baseUrl(call, address);
      return callOllama(call, {
        // People also name the address of the routes that are like OpenAI's, or of the route itself.
        baseUrl: withoutTrailingSlashes(url).replace(/\/(v1|api|api\/chat)$/, ''),
        headers: bearer(apiKey(call, address)),
      });
    },
  };
}

export const ollama = ollamaAs('OllamaException');
export const ollamaChat = ollamaAs('Ollama_chatException');
