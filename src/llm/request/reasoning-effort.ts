import type { LlmConfig } from './llm-config.js';
import { LlmError } from '../errors/llm-error.js';

/** Levels of reasoning effort and their thinking tokens for models that take a number, as in LiteLLM. */
const BUDGETS = { minimal: 1024, low: 1024, medium: 2048, high: 4096, xhigh: 8192, max: 16_384 } as const;

/** A level of reasoning effort. */
type Effort = keyof typeof BUDGETS;

/**
 * The reasoning effort of a config, for providers whose levels are known; null: no thinking.
 * @throws LlmError `LLMBadRequestError` for an unknown level
 */
export function requestedEffort({ reasoning_effort: effort }: LlmConfig): Effort | null {
  if (effort === null || effort === 'none') return null;
  if (isEffort(effort)) return effort;
  const words = Object.keys(BUDGETS).map((word) => `'${word}'`);
  throw new LlmError(
    'LLMBadRequestError',
    `litellm.BadRequestError: Invalid reasoning_effort: '${effort}'. Must be one of: ${words.join(', ')}, 'none'`,
    400,
  );
}

/** Thinking tokens by effort (https://docs.litellm.ai/docs/reasoning_content). */
export function thinkingTokens(effort: Effort | null): number {
  return effort === null ? 0 : BUDGETS[effort];
}

function isEffort(word: string): word is Effort {
  return Object.hasOwn(BUDGETS, word);
}
