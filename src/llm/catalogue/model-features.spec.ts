import { llmConfig } from '../../../test/support/llm-config.js';
import { modelFeatures } from './model-features.js';

/**
 * The features that the original determines for these models: input and output limit, vision, cache marks,
 * Responses API, cache retention, reasoning effort.
 */
const RECORDED: [string, number | null, number | null, boolean, boolean, boolean, boolean, boolean][] = [
  ['openai/scripted', null, null, false, false, false, false, true],
  ['gpt-4o', 128000, 16384, true, false, false, false, false],
  ['openai/gpt-5', 272000, 128000, true, false, true, true, true],
  ['openai/gpt-5-mini', 272000, 128000, true, false, true, false, true],
  ['anthropic/claude-sonnet-4-5', 200000, 64000, true, true, false, false, true],
  ['anthropic/claude-opus-4-8', 1000000, 128000, true, true, false, false, true],
  ['gemini/gemini-2.5-pro', 1048576, 65536, true, false, false, false, true],
  ['bedrock/anthropic.claude-sonnet-4-20250514-v1:0', 200000, 64000, true, true, false, false, true],
  ['openrouter/anthropic/claude-sonnet-4', 200000, 64000, true, true, false, false, true],
  ['litellm_proxy/openai/gpt-5', null, null, true, false, true, true, true],
  ['azure/gpt-5', 272000, 128000, true, false, true, false, true],
  ['deepseek/deepseek-reasoner', 131072, 65536, false, false, false, false, true],
  ['groq/llama-3.3-70b-versatile', null, null, false, false, false, false, false],
];

describe('modelFeatures', () => {
  it.each(RECORDED)(
    'knows the recorded features of %s',
    (model, input, output, vision, marks, responses, retention, effort) => {
      expect(modelFeatures(llmConfig({ model }))).toMatchObject({
        maxInputTokens: input,
        maxOutputTokens: output,
        vision,
        cacheMarks: marks,
        responsesApi: responses,
        cacheRetention: retention,
        reasoningEffort: effort,
      });
    },
  );

  it('knows the thinking modes of Claude and which models require their reasoning', () => {
    const features = (model: string) => modelFeatures(llmConfig({ model }));
    expect(features('anthropic/claude-sonnet-4-5').thinking).toBe('manual');
    expect(features('anthropic/claude-opus-4-8').thinking).toBe('adaptive');
    expect(features('openai/scripted').thinking).toBe('none');
    expect(features('deepseek/deepseek-reasoner').echoReasoning).toBe(true);
    expect(features('gpt-4o').echoReasoning).toBe(false);
  });

  it('caps the output behind a base_url unless the config sets a limit', () => {
    const output = (model: string, limit: number | null = null) =>
      modelFeatures(llmConfig({ model, base_url: 'http://localhost/v1', max_output_tokens: limit }))
        .maxOutputTokens;
    expect(output('openai/gpt-5')).toBe(16_384);
    expect(output('anthropic/claude-sonnet-4-5')).toBe(64_000);
    expect(output('openai/gpt-5', 50_000)).toBe(50_000);
  });
});
