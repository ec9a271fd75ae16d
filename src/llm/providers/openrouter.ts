import { callChatCompletions } from '../protocols/chat-completions.js';
import type { Provider } from './provider.js';

/** OpenRouter by its chat completions (https://openrouter.ai/docs/api-reference/overview), which group requests by session. */
export const openrouter: Provider = {
  errorFamily: 'OpenrouterException',
  call: (call) =>
    callChatCompletions(call, {
      baseUrl: call.request.config.base_url ?? 'https://openrouter.ai/api/v1',
      apiKey: call.request.config.api_key,
      limitFields: ['max_completion_tokens'],
      cacheKey: true,
      effort: call.features.reasoningEffort,
      dialect: { marksOnParts: true },
      extraBody: { usage: { include: true }, session_id: call.request.conversationId },
    }),
};
