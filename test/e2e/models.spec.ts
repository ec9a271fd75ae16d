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

  it('finds models by words of their names, with limits and prices', async () => {
    const { status, body } = await server.request(
      'GET',
      '/api/llm/models/search?limit=100&text=CLAUDE%20anthropic%2F',
    );
    expect(status).toBe(200);
    const { items, total } = body as { items: Record<string, unknown>[]; total: number };
    expect(total).toBe(items.length);
    expect(items.length).toBeGreaterThan(10);
    const verified = items.map((item) => item['verified']);
    expect(verified.indexOf(false)).toBe(verified.lastIndexOf(true) + 1);
    expect(items).toContainEqual({
      ...{ model: 'anthropic/claude-sonnet-4-5', verified: false, vision: true },
      ...{ context_window: 200_000, input_price: 3, output_price: 15 },
    });
    const few = (await server.request('GET', '/api/llm/models/search?provider=groq&limit=2')).body as {
      items: { model: string }[];
      total: number;
    };
    expect(few.items.map(({ model }) => model.startsWith('groq/'))).toEqual([true, true]);
    expect(few.total).toBeGreaterThan(2);
    const none = await server.request('GET', '/api/llm/models/search?text=no-such-model');
    expect(none.body).toEqual({ items: [], total: 0 });
    for (const wrong of ['limit=101', `text=${'x'.repeat(201)}`])
      expect((await server.request('GET', `/api/llm/models/search?${wrong}`)).status).toBe(422);
  });
});
