import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import type { JsonObject } from '../../json/index.js';
import type { LlmTool } from '../request/llm-request.js';
import type { ProviderCall } from '../providers/provider.js';

/** Sampling is sent only when it is set; models that reason refuse temperature and top_p. */
export function samplingFields({ request, features }: ProviderCall): JsonObject {
  const { temperature, top_p, seed } = request.config;
  if (!features.sampling) return { seed: seed ?? undefined };
  return { temperature: temperature ?? undefined, top_p: top_p ?? undefined, seed: seed ?? undefined };
}

/** Tools in the SDK's terms; the schema goes over the wire as it is. */
export function functionTools(tools: readonly LlmTool[]): LanguageModelV3FunctionTool[] | undefined {
  if (tools.length === 0) return undefined;
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    inputSchema: parameters,
  }));
}

/** Words that end an answer, in the SDK's terms. */
export function stopSequences({ request }: ProviderCall): string[] | undefined {
  return request.stop === undefined ? undefined : [...request.stop];
}

/**
 * Headers that every provider gets: who asks (OpenRouter's names), which conversation, and what the config
 * adds.
 */
export function requestHeaders({ request }: ProviderCall): Record<string, string> {
  const { config, conversationId } = request;
  return {
    'http-referer': config.openrouter_site_url,
    'x-title': config.openrouter_app_name,
    'x-litellm-session-id': conversationId,
    ...config.extra_headers,
  };
}
