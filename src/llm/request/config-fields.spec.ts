import { createServer } from 'node:http';
import { endpoint, failure, llm, message, request } from '../../../test/support/llm-fixture.js';
import { nameProblem } from '../index.js';
import type { LlmConfig } from './llm-config.js';

/** The request that is sent for a config. */
async function sent(config: Partial<LlmConfig>, messages = [message('user', 'go')]) {
  endpoint.script([{ say: 'ok' }]);
  await llm.complete(request(config, { messages }));
  const last = endpoint.requests.at(-1);
  if (!last) throw new Error('nothing was sent');
  return last;
}

describe('the address of a model', () => {
  it('turns name and password in an address into a header', async () => {
    const withUser = endpoint.url.replace('http://', 'http://me%40home:p%3Ass@');
    const basic = `Basic ${Buffer.from('me@home:p:ss').toString('base64')}`;
    expect((await sent({ base_url: withUser, api_key: null })).headers.authorization).toBe(basic);
    expect((await sent({ base_url: withUser })).headers.authorization).toBe(basic);
  });

  it.each(['localhost:11434', 'ftp://host/v1', 'http://:80', 'sk-some-key'])(
    'rejects an invalid address: %s',
    async (base_url) => {
      const error = await failure([], { base_url, num_retries: 5 });
      expect(error).toMatchObject({ code: 'LLMBadRequestError' });
      expect(error.message).toMatch(/base_url of the model is not a web address/);
      expect(error.message).not.toContain(base_url);
    },
  );
});

describe('headers of a config', () => {
  it('lets headers of the config replace ours in any case', async () => {
    const extra_headers = { 'X-Title': 'mine', Authorization: 'Bearer other', 'x-more': 'yes' };
    expect((await sent({ extra_headers })).headers).toMatchObject({
      'x-title': 'mine',
      authorization: 'Bearer other',
      'x-more': 'yes',
    });
  });
});

describe('parameters that a model does not take', () => {
  it('omits unsupported parameters', async () => {
    const { body } = await sent({
      model: 'openai/o3',
      api_mode: 'chat',
      temperature: 0.3,
      top_p: 0.5,
      seed: 7,
    });
    expect(body).toMatchObject({ seed: 7, reasoning_effort: 'high' });
    expect(body).not.toHaveProperty('temperature');
    expect(body).not.toHaveProperty('top_p');
    const gpt = (await sent({ model: 'openai/gpt-4o', temperature: 0.3 })).body;
    expect(gpt).toMatchObject({ temperature: 0.3 });
    expect(gpt).not.toHaveProperty('reasoning_effort');
  });

  it('renames the seed for Mistral', async () => {
    const { body } = await sent({ model: 'mistral/mistral-large-latest', seed: 3 });
    expect(body).toMatchObject({ random_seed: 3 });
    expect(body).not.toHaveProperty('seed');
  });

  it('rejects unsupported parameters if drop_params is false', async () => {
    const strict = { drop_params: false, api_mode: 'chat', num_retries: 3 };
    const gpt = await failure([], { ...strict, model: 'openai/gpt-4o' });
    expect(gpt).toMatchObject({ code: 'LLMBadRequestError' });
    expect(gpt.message).toMatch(
      /^litellm\.UnsupportedParamsError: openai does not support parameters: \['reasoning_effort'\], for model=openai\/gpt-4o\./,
    );
    const o3 = await failure([], { ...strict, model: 'openai/o3', temperature: 0.3, top_p: 0.5 });
    expect(o3.message).toMatch(/\['temperature', 'top_p'\]/);
    expect(endpoint.requests).toHaveLength(0);
    expect(
      (await sent({ ...strict, model: 'groq/llama-3.3-70b-versatile', temperature: 0.3 })).body,
    ).toMatchObject({
      temperature: 0.3,
    });
    expect((await sent({ ...strict, model: 'openai/o3' })).body).toMatchObject({ reasoning_effort: 'high' });
  });
});

describe('features that a config overrides', () => {
  it('lets the config override the known features of a model', async () => {
    const picture = {
      ...message('user', 'look'),
      content: [{ cache_prompt: false, type: 'image' as const, image_urls: ['data:image/png;base64,AAAA'] }],
    };
    const capability_overrides = {
      supports_vision: true,
      supports_reasoning_effort: false,
      supports_prompt_cache: 'true',
      supports_prompt_cache_key: false,
      nonsense: true,
    };
    const { body } = await sent({ capability_overrides }, [message('system', 's'), picture]);
    expect(body).not.toHaveProperty('reasoning_effort');
    expect(body).not.toHaveProperty('prompt_cache_key');
    const cache_control = { type: 'ephemeral' };
    expect(body.messages).toEqual([
      { role: 'system', content: [{ type: 'text', text: 's', cache_control }] },
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' }, cache_control }],
      },
    ]);
    expect(
      (await sent({ capability_overrides, caching_prompt: false }, [message('user', 's')])).body.messages,
    ).toEqual([{ role: 'user', content: [{ type: 'text', text: 's' }] }]);
    expect((await sent({ capability_overrides, disable_vision: true }, [picture])).body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: '[An image was left out: this model takes no images.]', cache_control },
        ],
      },
    ]);
  });

  it.each([
    ['openai/glm-4.6', null, 'go'],
    ['openai/glm-4.6', false, [{ type: 'text', text: 'go' }]],
    ['openai/deepseek-v3', null, [{ type: 'text', text: 'go' }]],
    ['openai/scripted', true, 'go'],
  ])(
    'sends content as strings or parts for %s with force_string_serializer %s',
    async (model, force_string_serializer, content) => {
      const { body } = await sent({ model, force_string_serializer });
      expect(body.messages).toEqual([{ role: 'user', content }]);
    },
  );
});

describe('images given as URLs', () => {
  it('inlines images for models that load none, and sends the URL if loading fails', async () => {
    const pictures = createServer((asked, response) => {
      if (asked.url === '/a.png') response.writeHead(200, { 'content-type': 'image/png' }).end('picture');
      else if (asked.url === '/page') response.writeHead(200, { 'content-type': 'text/html' }).end('page');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
    const address = pictures.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const root = `http://127.0.0.1:${address.port}`;
    const image_urls = [`${root}/a.png`, `${root}/page`, `${root}/gone.png`, 'data:image/gif;base64,AAAA'];
    const look = {
      ...message('user'),
      content: [{ cache_prompt: false, type: 'image' as const, image_urls }],
    };
    const seen = async (inline_image_urls: boolean | null) =>
      (await sent({ model: 'openai/gpt-4o', inline_image_urls }, [look])).body.messages[0]?.['content'];
    const parts = (urls: string[]) => urls.map((url) => ({ type: 'image_url', image_url: { url } }));
    try {
      const data = `data:image/png;base64,${Buffer.from('picture').toString('base64')}`;
      expect(await seen(null)).toEqual(parts(image_urls));
      expect(await seen(true)).toEqual(parts([data, ...image_urls.slice(1)]));
    } finally {
      pictures.closeAllConnections();
      pictures.close();
    }
    // A downloaded image is not requested again.
    expect(await seen(true)).toMatchObject([
      { image_url: { url: expect.stringMatching(/^data:/) as unknown } },
      {},
      {},
      {},
    ]);
  });
});

describe('names that no provider serves', () => {
  it.each([
    ['opnai/gpt-4o', "'openai/gpt-4o'"],
    ['antropic/claude-sonnet-4-5', "'anthropic/claude-sonnet-4-5'"],
    ['OpenAI/gpt-4o', "'openai/gpt-4o'"],
    ['gemini-2.5-pro', "'gemini/gemini-2.5-pro'"],
    ['llama3.3', "'ollama/llama3.3'"],
  ])('suggests for %s the name %s', (name, meant) => {
    expect(nameProblem(name)).toContain(`Did you mean ${meant}`);
  });

  it('suggests only similar names, and accepts names that are served', () => {
    expect(nameProblem('foo/bar')).not.toContain('Did you mean');
    expect(nameProblem('__proto__/x')).toContain('No provider serves');
    expect(nameProblem('gpt-4o')).toBeUndefined();
    expect(nameProblem('openai/anything')).toBeUndefined();
  });
});
