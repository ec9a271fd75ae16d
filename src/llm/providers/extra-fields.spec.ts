import {
  ANTHROPIC,
  askOnce,
  BEDROCK,
  CHAT,
  GEMINI,
  type Speaker,
} from '../../../test/support/wire/wire-fixture.js';
import type { Json } from '../../../test/support/wire/wire-protocol.js';
import type { LlmConfig } from '../request/llm-config.js';

/** The body that is sent for a config. The endpoint must not validate it, because it knows few fields. */
async function sent(speaker: Speaker, config: Partial<LlmConfig>): Promise<Json> {
  const protocol = { ...speaker.protocol, refuse: undefined };
  const { endpoint } = await askOnce({ ...speaker, protocol }, [{ text: 'ok' }], config);
  return endpoint.requests[0]?.body ?? {};
}

const HAIKU = 'anthropic.claude-3-5-haiku-20241022-v1:0';

describe('litellm_extra_body', () => {
  it('is sent to Anthropic, streamed or not', async () => {
    for (const stream of [false, true]) {
      const body = await sent(ANTHROPIC, { stream, litellm_extra_body: { service_tier: 'auto' } });
      expect(body).toMatchObject({ service_tier: 'auto', thinking: { type: 'enabled' } });
    }
  });

  it('is merged into the parts of requests to Gemini', async () => {
    const litellm_extra_body = { labels: { team: 'a' }, generationConfig: { responseLogprobs: true } };
    expect(await sent(GEMINI, { litellm_extra_body })).toMatchObject({
      labels: { team: 'a' },
      generationConfig: { responseLogprobs: true, thinkingConfig: { includeThoughts: true } },
    });
  });

  it('sets fields of converse, and passes all others on to the model', async () => {
    const litellm_extra_body = {
      anthropic_beta: ['context-1m-2025-08-07'],
      requestMetadata: { team: 'a' },
      performanceConfig: { latency: 'optimized' },
      serviceTier: { type: 'flex' },
      additionalModelRequestFields: { metadata: { user_id: 'u' } },
    };
    expect(await sent(BEDROCK, { litellm_extra_body })).toMatchObject({
      requestMetadata: { team: 'a' },
      performanceConfig: { latency: 'optimized' },
      serviceTier: { type: 'flex' },
      additionalModelRequestFields: {
        anthropic_beta: ['context-1m-2025-08-07'],
        metadata: { user_id: 'u' },
        thinking: { type: 'enabled' },
      },
    });
  });
});

describe('top_k', () => {
  it.each<[string, Speaker, Json]>([
    ['Claude', { ...ANTHROPIC, model: 'anthropic/claude-3-5-haiku-20241022' }, { top_k: 5 }],
    ['Gemini', GEMINI, { generationConfig: { topK: 5 } }],
    ['converse', { ...BEDROCK, model: `bedrock/${HAIKU}` }, { additionalModelRequestFields: { top_k: 5 } }],
    ['Groq', { ...CHAT, model: 'groq/llama-3.3-70b-versatile' }, { top_k: 5 }],
    ['Mistral', { ...CHAT, model: 'mistral/mistral-large-latest' }, { top_k: 5 }],
    ['OpenRouter', { ...CHAT, model: 'openrouter/google/gemini-2.5-pro' }, { top_k: 5 }],
    ['a proxy', { ...CHAT, model: 'litellm_proxy/my-model' }, { top_k: 5 }],
  ])('sends top_k to %s', async (_, speaker, fields) => {
    expect(await sent(speaker, { top_k: 5 })).toMatchObject(fields);
  });

  it.each<[string, Speaker]>([
    ['Claude that thinks', ANTHROPIC],
    ['converse that thinks', BEDROCK],
    ['OpenAI', { ...CHAT, model: 'openai/gpt-4o' }],
  ])('does not send top_k to %s', async (_, speaker) => {
    expect(JSON.stringify(await sent(speaker, { top_k: 5 }))).not.toMatch(/top_?k/i);
  });
});
