import { modelFeatures } from '../catalogue/model-features.js';
import type { ModelFeatures } from '../catalogue/feature-types.js';
import { LlmError } from '../errors/llm-error.js';
import type { LlmConfig } from './llm-config.js';

/** Below this limit (the original's) an agent's prompt and tools leave no room to work. */
const MINIMUM_CONTEXT_TOKENS = 16_384;

/**
 * Rejects models that are known to have a too small context window.
 * @throws LlmError `LLMContextWindowTooSmallError`, unless `ALLOW_SHORT_CONTEXT_WINDOWS` is set in the
 *   environment
 */
export function assertContextWindow(config: LlmConfig): void {
  const window = modelFeatures(config).maxInputTokens;
  if (window === null || window >= MINIMUM_CONTEXT_TOKENS) return;
  if (/^(1|true|yes|on)$/i.test(process.env['ALLOW_SHORT_CONTEXT_WINDOWS'] ?? '')) return;
  throw new LlmError(
    'LLMContextWindowTooSmallError',
    `The configured model has a context window of ${window.toLocaleString('en-US')} tokens, which is below the minimum of ` +
      `${MINIMUM_CONTEXT_TOKENS.toLocaleString('en-US')} tokens required for OpenHands to function properly.\n\n` +
      'Choose a model with a larger context window, raise that of the local server, or set ALLOW_SHORT_CONTEXT_WINDOWS=true.',
  );
}

/**
 * Providers for which LiteLLM rejects an unsupported effort. It is set in every config, so the others ignore
 * it.
 */
const STRICT_ABOUT_EFFORT = new Set(['openai', 'azure']);

/**
 * Parameters that the model does not support are omitted from requests, unless `drop_params` is false: then
 * they are an error.
 * @param provider prefix of the model name
 * @throws LlmError `LLMBadRequestError` with LiteLLM's text
 */
export function assertParamsSupported(config: LlmConfig, features: ModelFeatures, provider: string): void {
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
