import { readFile } from 'node:fs/promises';
import { llmConfig } from '../../../test/support/llm-config.js';
import { CATALOGUE_SOURCE, priceAnswer } from './model-catalogue.js';

const TOKENS = {
  prompt_tokens: 170,
  completion_tokens: 10,
  cache_read_tokens: 50,
  cache_write_tokens: 20,
  reasoning_tokens: 2,
};

const NOON = new Date('2026-11-20T12:00:00Z');

describe('priceAnswer', () => {
  it.each<[string, Partial<typeof TOKENS>, number, number]>([
    ['anthropic/claude-sonnet-4-5-20250929', {}, 0.00054, 200_000],
    [
      'openai/gpt-5',
      { prompt_tokens: 100, cache_read_tokens: 5, cache_write_tokens: 0 },
      0.000219375,
      272_000,
    ],
    [
      'gemini/gemini-2.5-pro',
      { prompt_tokens: 100, cache_read_tokens: 0, cache_write_tokens: 0 },
      0.000225,
      1_048_576,
    ],
  ])('computes the cost of %s like the original', async (model, tokens, cost, contextWindow) => {
    const priced = await priceAnswer(llmConfig({ model }), { ...TOKENS, ...tokens }, undefined, NOON);
    expect(priced.cost).toBeCloseTo(cost, 10);
    expect(priced.contextWindow).toBe(contextWindow);
  });

  it('returns no cost for unknown models', async () => {
    expect(await priceAnswer(llmConfig({ model: 'openai/scripted' }), TOKENS, undefined, NOON)).toEqual({
      cost: null,
      contextWindow: 0,
    });
    expect(await priceAnswer(llmConfig({ model: 'scripted/x' }), TOKENS, undefined, NOON)).toEqual({
      cost: null,
      contextWindow: 0,
    });
    expect(
      await priceAnswer(
        llmConfig({ model: 'litellm_proxy/x' }),
        TOKENS,
        { 'x-litellm-response-cost': 'None' },
        NOON,
      ),
    ).toEqual({ cost: null, contextWindow: 0 });
  });

  it('looks up prices by the canonical name', async () => {
    const config = llmConfig({
      model: 'litellm_proxy/mine',
      model_canonical_name: 'anthropic/claude-sonnet-4-5',
    });
    expect((await priceAnswer(config, TOKENS, undefined, NOON)).cost).toBeCloseTo(0.00054, 10);
  });

  it('applies prices that depend on the time of day', async () => {
    const config = llmConfig({ model: 'deepseek/deepseek-v4-pro' });
    const costs = [];
    for (const time of ['00:59:59', '01:00:00', '03:59:59', '05:00:00', '06:00:00', '10:00:00']) {
      const at = new Date(`2026-11-20T${time}Z`);
      costs.push((await priceAnswer(config, TOKENS, undefined, at)).cost ?? Number.NaN);
    }
    const [usual = Number.NaN, double] = costs;
    expect(usual).toBeGreaterThan(0);
    expect(double).toBeCloseTo(2 * usual, 12);
    expect(costs).toEqual([usual, double, double, usual, double, usual]);
  });

  it('names the version it was built with', async () => {
    const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'));
    expect(manifest).toMatchObject({
      devDependencies: { [CATALOGUE_SOURCE.name]: CATALOGUE_SOURCE.version },
    });
  });
});
