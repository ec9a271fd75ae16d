import {
  ANTHROPIC,
  askOnce,
  BEDROCK,
  GEMINI,
  refusalOf,
  type Speaker,
} from '../../../test/support/wire/wire-fixture.js';
import type { Json } from '../../../test/support/wire/wire-protocol.js';

const GEMINI_3 = { ...GEMINI, model: 'gemini/gemini-3-pro-preview' };
const OPUS = { ...ANTHROPIC, model: 'anthropic/claude-opus-4-8' };
const OPUS_AT_AWS = { ...BEDROCK, model: 'bedrock/anthropic.claude-opus-4-8' };
const adaptive = (effort: string): Json => ({
  thinking: { type: 'adaptive', display: 'summarized' },
  output_config: { effort },
});
const budget = (budget_tokens: number): Json => ({ thinking: { type: 'enabled', budget_tokens } });
const gemini = (thinkingBudget: number, includeThoughts = true): Json => ({
  thinkingConfig: { thinkingBudget, includeThoughts },
});
const level = (thinkingLevel: string, includeThoughts = true): Json => ({
  thinkingConfig: { thinkingLevel, includeThoughts },
});

/** The fields of a request that control thinking. */
async function asked(speaker: Speaker, reasoning_effort: string | null): Promise<Json> {
  const { endpoint } = await askOnce(speaker, [{ text: 'ok' }], { reasoning_effort });
  const body = endpoint.requests[0]?.body ?? {};
  const fields = { ...body, ...(body['additionalModelRequestFields'] as Json | undefined) };
  const generation = { ...(body['generationConfig'] as Json | undefined) };
  return Object.fromEntries(
    Object.entries({ ...fields, ...generation }).filter(([name]) => /^(thinking|output_config)/.test(name)),
  );
}

/** The original's values, unless a comment says otherwise. */
describe.each<[string, Speaker, Record<string, Json>]>([
  [
    'Claude by an effort',
    OPUS,
    {
      minimal: adaptive('low'),
      low: adaptive('low'),
      xhigh: adaptive('xhigh'),
      max: adaptive('max'),
      none: {},
    },
  ],
  [
    'Claude by an effort, at AWS',
    OPUS_AT_AWS,
    {
      minimal: adaptive('low'),
      low: adaptive('low'),
      xhigh: adaptive('xhigh'),
      max: adaptive('max'),
      none: {},
    },
  ],
  [
    'Claude by a budget, at AWS',
    BEDROCK,
    {
      minimal: budget(1024),
      low: budget(1024),
      high: budget(4096),
      xhigh: budget(8192),
      max: budget(16_384),
      none: {},
    },
  ],
  // The original rejects xhigh and max. Google rejects a Pro model without thinking.
  [
    'Gemini 2.5 Pro',
    GEMINI,
    {
      minimal: gemini(128),
      low: gemini(1024),
      xhigh: gemini(8192),
      max: gemini(16_384),
      none: gemini(128, false),
    },
  ],
  [
    'Gemini 2.5 Flash',
    { ...GEMINI, model: 'gemini/gemini-2.5-flash' },
    { minimal: gemini(1), none: gemini(0, false) },
  ],
  [
    'Gemini 3',
    GEMINI_3,
    { minimal: level('low'), high: level('high'), max: level('high'), none: level('low', false) },
  ],
])('reasoning_effort of %s', (_, speaker, wanted) => {
  it('sends the reasoning effort in the terms of the provider', async () => {
    for (const [effort, fields] of Object.entries(wanted))
      expect(await asked(speaker, effort)).toEqual(fields);
    expect(await asked(speaker, null)).toEqual({});
  });

  it('rejects an unknown reasoning effort at once', async () => {
    for (const reasoning_effort of ['', 'much']) {
      const error = await refusalOf(speaker, [], { reasoning_effort, num_retries: 3, retry_min_wait: 3600 });
      expect(error).toMatchObject({ code: 'LLMBadRequestError' });
      expect(error.message).toContain(`Invalid reasoning_effort: '${reasoning_effort}'`);
    }
  });
});
