import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import type { JsonObject } from '../../json/index.js';
import type { LlmTool } from '../request/llm-request.js';
import type { ProviderCall } from '../providers/provider.js';

/** Sampling parameters that are set. Reasoning models reject temperature and top_p. */
export function samplingFields({ request, features }: ProviderCall): JsonObject {
  const { temperature, top_p, seed } = request.config;
  if (!features.sampling) return { seed: seed ?? undefined };
  return { temperature: temperature ?? undefined, top_p: top_p ?? undefined, seed: seed ?? undefined };
}

/** Tools in the SDK's form; schemas are sent unchanged. */
export function functionTools(tools: readonly LlmTool[]): LanguageModelV3FunctionTool[] | undefined {
  if (tools.length === 0) return undefined;
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    inputSchema: parameters,
  }));
}

/** Stop sequences in the SDK's form. */
export function stopSequences({ request }: ProviderCall): string[] | undefined {
  return request.stop === undefined ? undefined : [...request.stop];
}

/**
 * Headers for every provider: the application (OpenRouter's names), the conversation, and those of the
 * config.
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
