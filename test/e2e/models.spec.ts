import { ServerProcess } from '../support/server-process.js';

describe('model lists', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  async function names(route: string, property = 'models'): Promise<string[]> {
    const { status, body } = await server.request('GET', route);
    expect(status).toBe(200);
    const list: unknown = Object.entries(body ?? {}).find(([name]) => name === property)?.[1];
    if (!Array.isArray(list)) throw new Error(`${route} answers no list`);
    return list.map(String);
  }

  it('lists the providers that conversations can be made with', async () => {
    const providers = await names('/api/llm/providers', 'providers');
    expect(providers).toEqual([...new Set(providers)].sort());
    expect(providers).toEqual(
      expect.arrayContaining(['anthropic', 'openai', 'gemini', 'bedrock', 'openrouter']),
    );
    expect(providers).not.toContain('scripted');
  });

  it('names the version and the date of the model catalogue', async () => {
    const { headers } = await server.request('GET', '/api/llm/models');
    expect(headers.get('x-model-catalogue')).toMatch(
      /^@pydantic\/genai-prices \d+\.\d+\.\d+ of \d{4}-\d\d-\d\d$/,
    );
  });

  it('lists models by provider, the verified ones by their bare names', async () => {
    const all = await names('/api/llm/models');
    expect(all).toEqual([...new Set(all)].sort());
    expect(all).toEqual(expect.arrayContaining(['claude-opus-5-5', 'groq/llama-3.3-70b-versatile']));
    const ofAnthropic = await names('/api/llm/models?provider=anthropic');
    expect(ofAnthropic).toContain('claude-opus-5-5');
    expect(ofAnthropic.filter((name) => name.includes('/') && !name.startsWith('anthropic/'))).toEqual([]);
    expect(await names('/api/llm/models?provider=zzz')).toEqual([]);
    expect(await names('/api/llm/models?provider=constructor')).toEqual([]);
  });

  it('lists the verified models that clients offer first', async () => {
    expect(JSON.stringify((await server.request('GET', '/api/llm/models/verified')).body)).toMatch(
      /^\{"models":\{.*"anthropic":\["claude-opus-5-5",/,
    );
  });
});
