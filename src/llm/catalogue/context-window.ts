import type { LlmConfig } from '../request/llm-config.js';
import { LlmError } from '../errors/llm-error.js';
import { modelFeatures } from './model-features.js';

/** Below this an agent's prompt and tools leave no room to work (the original's limit). */
const MINIMUM_CONTEXT_TOKENS = 16_384;

/**
 * Refuses models that are known to be too small.
 * @throws LlmError `LLMContextWindowTooSmallError`, unless `ALLOW_SHORT_CONTEXT_WINDOWS` is set in the
 *   environment
 */
export function assertRoomyContext(config: LlmConfig): void {
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
