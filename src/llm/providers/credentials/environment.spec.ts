import {
  askOnce,
  CHAT,
  OLLAMA,
  refusalOf,
  type Speaker,
} from '../../../../test/support/wire/wire-fixture.js';
import { startWireEndpoint, type WireEndpoint } from '../../../../test/support/wire/wire-endpoint.js';

describe('keys and addresses of the environment', () => {
  const before = { ...process.env };
  let endpoint: WireEndpoint;
  beforeEach(async () => {
    endpoint = await startWireEndpoint({ protocol: CHAT.protocol, script: [{ text: 'ok' }, { text: 'ok' }] });
  });
  afterEach(async () => {
    await endpoint.close();
    process.env = { ...before };
  });
  const speaker = (model: string): Speaker => ({ ...CHAT, model });

  it.each([
    ['openai/gpt-4o', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'Bearer key-of-the-environment'],
    ['groq/llama', 'GROQ_API_KEY', 'GROQ_API_BASE', 'Bearer key-of-the-environment'],
    ['together_ai/x', 'TOGETHERAI_API_KEY', undefined, 'Bearer key-of-the-environment'],
    ['litellm_proxy/x', 'LITELLM_PROXY_API_KEY', 'LITELLM_PROXY_API_BASE', 'Bearer key-of-the-environment'],
    ['hosted_vllm/x', 'HOSTED_VLLM_API_KEY', 'HOSTED_VLLM_API_BASE', 'Bearer key-of-the-environment'],
  ])('reads key and address of %s from the environment', async (model, key, base, shown) => {
    process.env[key] = 'key-of-the-environment';
    if (base !== undefined) process.env[base] = `${endpoint.url}/v1/`;
    const base_url = base === undefined ? `${endpoint.url}/v1` : null;
    await askOnce(speaker(model), [], { api_key: null, base_url });
    await askOnce(speaker(model), [], { api_key: 'mine', base_url });
    const [first, second] = endpoint.requests;
    expect(first).toMatchObject({ path: '/v1/chat/completions', headers: { authorization: shown } });
    expect(second?.headers.authorization).toBe('Bearer mine');
  });

  it('masks keys of the environment in errors that quote them', async () => {
    process.env['GROQ_API_KEY'] = 'gsk-very-secret';
    const turn = { status: 400, body: { error: { message: 'no such key: gsk-very-secret' } } };
    const error = await refusalOf(speaker('groq/x'), [turn], { api_key: null });
    expect(error.message).toContain('no such key: *****');
  });

  it('reports a missing address for a service without a public one', async () => {
    const error = await refusalOf(speaker('hosted_vllm/x'), [], { base_url: null });
    expect(error).toMatchObject({
      code: 'LLMBadRequestError',
      message: expect.stringContaining('base_url') as string,
    });
  });

  it('sends a key to Ollama only if there is one', async () => {
    const { endpoint: local } = await askOnce(OLLAMA, [{ text: 'ok' }], { api_key: null });
    expect(local.requests[0]?.headers.authorization).toBeUndefined();
  });
});

describe('azure', () => {
  const azure: Speaker = { ...CHAT, model: 'azure/my-gpt-4o', base: '' };

  it.each([
    ['', {}, '/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-12-01-preview'],
    ['/', {}, '/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-12-01-preview'],
    [
      '',
      { api_version: '2025-01-01' },
      '/openai/deployments/my-gpt-4o/chat/completions?api-version=2025-01-01',
    ],
    [
      '/openai/deployments/dep/chat/completions?api-version=2025-02-01',
      {},
      '/openai/deployments/dep/chat/completions?api-version=2025-02-01',
    ],
    ['/openai/v1/', {}, '/openai/v1/chat/completions'],
    ['', { api_version: 'v1' }, '/openai/v1/chat/completions'],
    ['', { api_version: 'preview' }, '/openai/v1/chat/completions?api-version=preview'],
  ])('calls Azure at %s with %j', async (base, config, path) => {
    const { endpoint } = await askOnce({ ...azure, base }, [{ text: 'ok' }], config);
    expect(endpoint.requests[0]).toMatchObject({ path, headers: { 'api-key': 'sk-wire-test' } });
    expect(endpoint.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('uses a token of Entra ID if there is no key', async () => {
    process.env['AZURE_AD_TOKEN'] = 'entra-token';
    try {
      const { endpoint } = await askOnce(azure, [{ text: 'ok' }], { api_key: null });
      expect(endpoint.requests[0]?.headers.authorization).toBe('Bearer entra-token');
      expect(endpoint.requests[0]?.headers).not.toHaveProperty('api-key');
    } finally {
      delete process.env['AZURE_AD_TOKEN'];
    }
  });
});
