import type { LlmConfig } from './llm-config.js';
import { LlmError } from '../errors/llm-error.js';

/** How hard a model may be told to think, and how many tokens that is where it takes a number: LiteLLM's. */
const BUDGETS = { minimal: 1024, low: 1024, medium: 2048, high: 4096, xhigh: 8192, max: 16_384 } as const;

/** A word for how hard a model thinks. */
export type Effort = keyof typeof BUDGETS;

/**
 * What a config says of thinking, for providers whose words are known; null: it should not think.
 * @throws LlmError `LLMBadRequestError` for a word that nobody knows
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
