import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { llmConfig } from '../../../test/support/llm-config.js';
import { endpoint, llm, request } from '../../../test/support/llm-fixture.js';
import { priceAnswer } from './model-catalogue.js';
import { modelFeatures } from './model-features.js';

/**
 * The most used models of November 2026: context window (0: unknown), output limit, images, Claude's thinking
 * mode, and dollars per million tokens of input, cached input and output (for a request of 10,000 tokens
 * where the price depends on the length). Limits are those of LiteLLM's table and of the vendors' pages,
 * prices those of the catalogue. A failure after an update of the catalogue means that a value has changed
 * and has to be checked.
 */
type Row = [
  model: string,
  window: number,
  output: number | null,
  vision: boolean,
  thinking: string,
  input: number,
  cached: number,
  answer: number,
];
// prettier-ignore
const MODELS: Row[] = [
  ['anthropic/claude-opus-5-5', 1_000_000, 128_000, true, 'adaptive', 4, 0.2, 20],
  ['anthropic/claude-opus-5', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['anthropic/claude-sonnet-5-5', 1_000_000, 128_000, true, 'adaptive', 2, 0.2, 10],
  ['anthropic/claude-sonnet-5', 1_000_000, 128_000, true, 'adaptive', 2, 0.2, 10],
  ['anthropic/claude-haiku-4-5-20251001', 200_000, 64_000, true, 'manual', 1, 0.1, 5],
  ['anthropic/claude-fable-5-1', 1_000_000, 128_000, true, 'adaptive', 10, 0.25, 50],
  ['anthropic/claude-fable-5', 1_000_000, 128_000, true, 'adaptive', 10, 1, 50],
  ['anthropic/claude-opus-4-8', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['anthropic/claude-opus-4-7', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['anthropic/claude-opus-4-6', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['anthropic/claude-sonnet-4-6', 1_000_000, 128_000, true, 'adaptive', 3, 0.3, 15],
  ['anthropic/claude-opus-4-5', 200_000, 64_000, true, 'manual', 5, 0.5, 25],
  ['anthropic/claude-sonnet-4-5', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['anthropic/claude-sonnet-4', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['anthropic/claude-opus-4-1', 200_000, 32_000, true, 'manual', 15, 1.5, 75],
  ['anthropic/claude-3-7-sonnet-20250219', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['openai/gpt-6-sol', 922_000, 128_000, true, 'none', 2, 0.2, 10],
  ['openai/gpt-6-luna', 922_000, 128_000, true, 'none', 0.1, 0.01, 0.5],
  ['openai/gpt-6-astra', 922_000, 128_000, true, 'none', 10, 1, 50],
  ['openai/gpt-5.6', 922_000, 128_000, true, 'none', 4, 0.4, 20],
  ['openai/gpt-5.6-terra', 922_000, 128_000, true, 'none', 2, 0.2, 12],
  ['openai/gpt-5.6-luna', 922_000, 128_000, true, 'none', 0.2, 0.02, 1.2],
  ['openai/gpt-5.3-codex', 272_000, 128_000, true, 'none', 1.75, 0.175, 14],
  ['openai/gpt-5.2-codex', 272_000, 128_000, true, 'none', 1.75, 0.175, 14],
  ['openai/gpt-5.2', 272_000, 128_000, true, 'none', 1.75, 0.175, 14],
  ['openai/gpt-5.1', 272_000, 128_000, true, 'none', 1.25, 0.125, 10],
  ['openai/gpt-5', 272_000, 128_000, true, 'none', 1.25, 0.125, 10],
  ['openai/gpt-5-mini', 272_000, 128_000, true, 'none', 0.25, 0.025, 2],
  ['openai/gpt-5-nano', 272_000, 128_000, true, 'none', 0.05, 0.005, 0.4],
  ['openai/gpt-4.1', 1_047_576, 32_768, true, 'none', 2, 0.5, 8],
  ['openai/gpt-4.1-mini', 1_047_576, 32_768, true, 'none', 0.4, 0.1, 1.6],
  ['openai/gpt-4o', 128_000, 16_384, true, 'none', 2.5, 1.25, 10],
  ['openai/gpt-4o-mini', 128_000, 16_384, true, 'none', 0.15, 0.075, 0.6],
  ['openai/o3', 200_000, 100_000, true, 'none', 2, 0.5, 8],
  ['openai/o4-mini', 200_000, 100_000, true, 'none', 1.1, 0.275, 4.4],
  ['gemini/gemini-3.1-pro-preview', 1_048_576, 65_536, true, 'none', 2, 0.2, 12],
  ['gemini/gemini-3.8-flash', 1_048_576, 65_536, true, 'none', 0.75, 0.075, 3.75],
  ['gemini/gemini-3.7-flash', 1_048_576, 65_536, true, 'none', 0.75, 0.075, 3.75],
  ['gemini/gemini-3.5-flash-lite', 1_048_576, 65_536, true, 'none', 0.3, 0.03, 2.5],
  ['gemini/gemini-3.1-flash-lite', 1_048_576, 65_536, true, 'none', 0.25, 0.025, 1.5],
  ['gemini/gemini-3-pro-preview', 1_048_576, 65_536, true, 'none', 2, 0.2, 12],
  ['gemini/gemini-3-flash-preview', 1_048_576, 65_536, true, 'none', 0.5, 0.05, 3],
  ['gemini/gemini-2.5-pro', 1_048_576, 65_536, true, 'none', 1.25, 0.125, 10],
  ['gemini/gemini-2.5-flash', 1_048_576, 65_536, true, 'none', 0.3, 0.03, 2.5],
  ['gemini/gemini-2.5-flash-lite', 1_048_576, 65_536, true, 'none', 0.1, 0.01, 0.4],
  ['mistral/devstral-2512', 262_144, null, false, 'none', 0.4, 0.04, 2],
  ['mistral/mistral-large-latest', 262_144, null, true, 'none', 2, 2, 6],
  ['deepseek/deepseek-v4-pro', 1_000_000, 393_216, false, 'none', 0.66, 0.022, 1.98],
  ['deepseek/deepseek-v4-flash', 1_000_000, 393_216, false, 'none', 0.22, 0.007, 0.66],
  ['moonshot/kimi-k3', 1_048_576, null, true, 'none', 3, 0.3, 15],
  ['moonshot/kimi-k2.7-code', 262_144, null, true, 'none', 0.95, 0.19, 4],
  ['xai/grok-4', 256_000, null, true, 'none', 3, 0.75, 15],
  ['xai/grok-4-fast-reasoning', 2_000_000, null, true, 'none', 0.2, 0.05, 0.5],
  ['groq/llama-3.3-70b-versatile', 0, null, false, 'none', 0.59, 0.59, 0.79],
  ['groq/openai/gpt-oss-120b', 131_072, null, false, 'none', 0.15, 0.075, 0.6],
  ['minimax/minimax-m3', 1_000_000, null, false, 'none', 0.3, 0.06, 1.2],
  ['bedrock/anthropic.claude-sonnet-4-20250514-v1:0', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0', 200_000, 64_000, true, 'manual', 3.3, 0.33, 16.5],
  ['bedrock/global.anthropic.claude-opus-4-6-v1', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['vertex_ai/gemini-2.5-pro', 1_048_576, 65_536, true, 'none', 1.25, 0.125, 10],
  ['vertex_ai/claude-sonnet-4-5@20250929', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['azure/gpt-5', 272_000, 128_000, true, 'none', 1.25, 0.125, 10],
  ['azure/gpt-4o', 128_000, 16_384, true, 'none', 2.5, 1.25, 10],
  ['openrouter/anthropic/claude-sonnet-4', 200_000, 64_000, true, 'manual', 3, 0.3, 15],
  ['openrouter/anthropic/claude-opus-5', 1_000_000, 128_000, true, 'adaptive', 5, 0.5, 25],
  ['openrouter/google/gemini-3.1-pro-preview', 1_048_576, 65_536, true, 'none', 2, 0.2, 12],
  ['openrouter/z-ai/glm-5.3', 1_048_576, null, false, 'none', 1.4, 0.26, 4.4],
  ['openrouter/moonshotai/kimi-k3', 1_048_576, null, true, 'none', 3, 0.3, 15],
];

/** DeepSeek's prices double from 1 to 4 and from 6 to 10 o'clock UTC. */
const OFF_PEAK = new Date('2026-11-20T12:00:00Z');

describe('the most used models', () => {
  it.each(MODELS)(
    'knows features and prices of %s',
    async (model, window, output, vision, thinking, input, cached, answer) => {
      const config = llmConfig({ model });
      const price = async (prompt: number, fromCache: number, completion: number): Promise<number> => {
        const tokens = {
          prompt_tokens: prompt,
          completion_tokens: completion,
          cache_read_tokens: fromCache,
          cache_write_tokens: 0,
          reasoning_tokens: 0,
        };
        const { cost, contextWindow } = await priceAnswer(config, tokens, undefined, OFF_PEAK);
        expect(contextWindow).toBe(window);
        return (cost ?? Number.NaN) * 100;
      };
      expect(await price(10_000, 0, 0)).toBeCloseTo(input, 6);
      expect(await price(10_000, 10_000, 0)).toBeCloseTo(cached, 6);
      expect(await price(0, 0, 10_000)).toBeCloseTo(answer, 6);
      expect(modelFeatures(config)).toMatchObject({ maxOutputTokens: output, vision, thinking });
    },
  );

  it('warns once about a model with an unknown price', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    try {
      endpoint.script([{ say: 'a' }, { say: 'b' }, { say: 'c' }, { say: 'd' }]);
      const costs = [];
      for (const model of ['openai/nobody-knows', 'openai/nobody-knows', 'openai/gpt-4o'])
        costs.push((await llm.complete(request({ model }))).cost);
      expect(costs).toEqual([null, null, expect.any(Number)]);
      const priced = { model: 'openai/nobody-else', input_cost_per_token: 1, output_cost_per_token: 1 };
      expect((await llm.complete(request(priced))).cost).toBeGreaterThan(0);
      const said = warn.mock.calls
        .map(([line]) => String(line))
        .filter((line) => line.includes('the price of'));
      expect(said).toEqual([expect.stringContaining('openai/nobody-knows')]);
    } finally {
      warn.mockRestore();
    }
  });
});
