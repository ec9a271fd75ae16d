import { callChatCompletions } from '../protocols/chat/chat-completions.js';
import { callResponses } from '../protocols/responses.js';
import { apiKey, baseUrl } from './credentials/environment.js';
import { bearer, usesResponses } from './openai.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** OpenRouter (https://openrouter.ai/docs/api-reference/overview), which groups requests by session. */
export const openrouter: Provider = { errorFamily: 'OpenrouterException', call: callOpenRouter };

const ADDRESS = {
  keys: ['OPENROUTER_API_KEY', 'OR_API_KEY'],
  bases: ['OPENROUTER_API_BASE'],
  url: 'https://openrouter.ai/api/v1',
};

function callOpenRouter(call: ProviderCall): Promise<ProviderAnswer> {
  const key = apiKey(call, ADDRESS);
  const session_id = call.request.conversationId;
  if (usesResponses(call)) {
    const endpoint = { baseUrl: baseUrl(call, ADDRESS), headers: bearer(key), extraBody: { session_id } };
    return callResponses(call, endpoint);
  }
  return callChatCompletions(call, {
    baseUrl: baseUrl(call, ADDRESS),
    apiKey: key,
    limitFields: ['max_completion_tokens'],
    cacheKey: true,
    effort: call.features.reasoningEffort,
    dialect: { marksOnParts: true, reasoningDetails: call.model },
    extraBody: { usage: { include: true }, session_id },
  });
}
