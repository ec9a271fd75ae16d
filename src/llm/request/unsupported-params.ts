import type { LlmConfig } from './llm-config.js';
import { LlmError } from '../errors/llm-error.js';
import type { ModelFeatures } from '../catalogue/model-features.js';

/**
 * Where LiteLLM knows of an effort that a model does not take. It is in every config, so the others do not
 * complain.
 */
const STRICT_ABOUT_EFFORT = new Set(['openai', 'azure']);

/**
 * Parameters that the config sets and the model does not take are left out of requests, unless `drop_params`
 * is false: then they are an error.
 * @param provider the prefix of the model's name
 * @throws LlmError `LLMBadRequestError` in LiteLLM's words
 */
export function assertParamsTaken(config: LlmConfig, features: ModelFeatures, provider: string): void {
  if (config.drop_params || provider === 'scripted') return;
  const sampling = ['temperature', 'top_p', 'top_k'] as const;
  const refused = [
    ...(STRICT_ABOUT_EFFORT.has(provider) && !features.reasoningEffort && config.reasoning_effort !== null
      ? ['reasoning_effort']
      : []),
    ...sampling.filter((field) => !features.sampling && config[field] !== null),
  ];
  if (refused.length === 0) return;
  const names = refused.map((name) => `'${name}'`).join(', ');
  throw new LlmError(
    'LLMBadRequestError',
    `litellm.UnsupportedParamsError: ${provider} does not support parameters: [${names}], for model=${config.model}. ` +
      'Set them to null, or drop_params to true to have them left out.',
    400,
  );
}
