import { startWireEndpoint } from '../../../test/support/wire/wire-endpoint.js';
import { askOnce, BEDROCK, CHAT, GEMINI, refusalOf } from '../../../test/support/wire/wire-fixture.js';
import { textContent } from '../../events/index.js';
import type { LlmConfig } from './llm-config.js';

describe('unusable model configurations', () => {
  it.each<[string, Partial<LlmConfig>]>([
    ['a key with a line break', { api_key: 'sk-wire\ntest' }],
    ['a key that is no ASCII', { api_key: 'schlüssel🌍' }],
    ['a name of a header with a blank', { extra_headers: { 'bad name': 'x' } }],
    ['a header with a line break', { extra_headers: { 'x-team': 'secret\nvalue' } }],
    ['a length of its own', { extra_headers: { 'Content-Length': '5' } }],
    ['a framing of its own', { extra_headers: { 'transfer-encoding': 'chunked' } }],
  ])('rejects a configuration at once: %s', async (_, config) => {
    // Any retry would exceed the time limit of the test.
    const patient = { num_retries: 5, retry_min_wait: 3600, retry_max_wait: 3600, timeout: 20 };
    const error = await refusalOf(CHAT, [{ text: 'ok' }], { ...patient, ...config });
    expect(error).toMatchObject({ code: 'LLMBadRequestError' });
    expect(error.message).toMatch(/header/);
    expect(error.message).not.toMatch(/sk-wire|schlüssel|secret/);
  });

  it('rejects a model name that consists of the provider only', async () => {
    for (const model of ['openai/', 'litellm_proxy/ ', 'bedrock/converse/']) {
      expect(await refusalOf({ ...CHAT, model }, [])).toMatchObject({ code: 'LLMBadRequestError' });
    }
  });

  it('does not reveal a key of another service that is taken for a path of credentials', async () => {
    const error = await refusalOf({ ...CHAT, model: 'vertex_ai/gemini-2.5-pro' }, [], {
      api_key: 'AIza-very-secret',
    });
    expect(error).toMatchObject({ code: 'LLMAuthenticationError' });
    expect(error.message).not.toContain('very-secret');
  });
});

describe("LiteLLM's other names for models at AWS", () => {
  it.each([
    ['bedrock/invoke/anthropic.claude-opus-4-8', 'us-east-1'],
    ['bedrock/eu-west-3/anthropic.claude-opus-4-8', 'eu-west-3'],
    ['bedrock/converse/us-gov-west-1/anthropic.claude-opus-4-8', 'us-gov-west-1'],
  ])('calls %s with the converse protocol', async (model, region) => {
    const keys = { api_key: null, aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: 'wJalrXUtnFEMI' };
    const protocol = { ...BEDROCK.protocol, refuse: undefined };
    const { answer, endpoint } = await askOnce({ ...BEDROCK, protocol, model }, [{ text: 'ok' }], {
      ...keys,
      aws_region_name: 'us-east-1',
    });
    expect(answer.message.content).toEqual([textContent('ok')]);
    const [request] = endpoint.requests;
    expect(request?.path).toBe('/model/anthropic.claude-opus-4-8/converse');
    expect(request?.headers.authorization).toContain(`/${region}/bedrock/`);
  });
});

describe('endpoints with another protocol', () => {
  it('reports a response that contains no answer', async () => {
    const body = { id: 'x', object: 'chat.completion', choices: [] };
    expect(await refusalOf(GEMINI, [{ body }])).toMatchObject({ code: 'LLMNoResponseError' });
    const endpoint = await startWireEndpoint({ protocol: CHAT.protocol });
    await endpoint.close();
    expect(await refusalOf(CHAT, [], { base_url: endpoint.url })).toMatchObject({
      code: 'LLMServiceUnavailableError',
    });
  });
});
