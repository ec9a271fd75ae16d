import type { LlmConfig } from '../../llm/index.js';
import type { LLMDto } from './llm.dto.js';

/** Converts an LLM. The order of the fields is the order on the wire. */
export function toLlmConfig(dto: LLMDto): LlmConfig {
  const { fallback_strategy: fallback, ...fields } = dto;
  return {
    ...fields,
    disable_stop_word: fields.disable_stop_word ?? false,
    is_subscription: fields.auth_type === 'subscription',
    ...(fallback && { fallback_strategy: { fallback_llms: fallback.fallback_llms } }),
  };
}
