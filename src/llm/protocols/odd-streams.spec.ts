import { askOnce, CHAT, OLLAMA, RESPONSES } from '../../../test/support/wire/wire-fixture.js';
import { textContent } from '../../events/index.js';

/** Deviations of services that are nearly compatible with OpenAI, and how they are read. */
describe('streams that deviate from those of OpenAI', () => {
  const delta = (fields: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: fields, finish_reason }] })}\n\n`;
  const call = (index: number, name: string | undefined, args: string, id = `c${index}`) => ({
    tool_calls: [{ index, id, type: 'function', function: { name, arguments: args } }],
  });
  const ask = async (...frames: string[]) =>
    (await askOnce(CHAT, [{ frames }], { stream: true }, { cut: 11 })).answer;

  it('accepts comments and CRLF line endings', async () => {
    const frames = [
      ': OPENROUTER PROCESSING\n\n',
      delta({ content: 'a' }),
      ': still\r\n\r\n',
      delta({}, 'stop'),
    ];
    const { message } = await ask(
      ...frames.map((frame) => frame.replaceAll('\n', '\r\n')),
      'data: [DONE]\r\n\r\n',
    );
    expect(message.content).toEqual([textContent('a')]);
  });

  it('accepts interleaved calls and calls in one piece', async () => {
    const { message } = await ask(
      delta(call(0, 'terminal', '')),
      delta(call(1, 'terminal', '{"command": ')),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"comm' } }] }),
      delta({ tool_calls: [{ index: 1, function: { arguments: '"b"}' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: 'and": "a"}' } }] }),
      delta(call(2, 'think', '{"thought": "c"}')),
      delta({}, 'tool_calls'),
    );
    expect(
      message.tool_calls?.map(({ id, name, arguments: args }) => [id, name, JSON.parse(args) as unknown]),
    ).toEqual(
      expect.arrayContaining([
        ['c0', 'terminal', { command: 'a' }],
        ['c1', 'terminal', { command: 'b' }],
        ['c2', 'think', { thought: 'c' }],
      ]),
    );
    expect(message.tool_calls).toHaveLength(3);
  });

  it('accepts a call without arguments', async () => {
    const { message } = await ask(delta(call(0, 'terminal', '')), delta({}, 'tool_calls'));
    expect(message.tool_calls).toMatchObject([{ id: 'c0', name: 'terminal' }]);
  });

  it('reads reasoning from the fields of Groq, OpenRouter and Mistral', async () => {
    const short = await ask(delta({ reasoning: 'hm' }), delta({ content: 'a' }), delta({}, 'stop'));
    expect(short.message).toMatchObject({ reasoning_content: 'hm', content: [textContent('a')] });
    const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }];
    const parts = await ask(delta({ content: thinking }), delta({ content: 'a' }), delta({}, 'stop'));
    expect(parts.message).toMatchObject({ reasoning_content: 'hm', content: [textContent('a')] });
  });

  it('estimates the tokens of reasoning that a service does not count', async () => {
    const usage = (details: object) =>
      `data: ${JSON.stringify({ id: 'x', choices: [], usage: { prompt_tokens: 9, completion_tokens: 7, ...details } })}\n\n`;
    const tokens = async (text: string, details: object = {}) => {
      const frames = [delta({ reasoning_content: text }), delta({ content: 'a' }), delta({}, 'stop')];
      return (await ask(...frames, usage(details), 'data: [DONE]\n\n')).usage.reasoning_tokens;
    };
    expect(await tokens('twelve signs')).toBe(3);
    expect(await tokens('x'.repeat(1_000))).toBe(7);
    expect(await tokens('twelve signs', { completion_tokens_details: { reasoning_tokens: 0 } })).toBe(0);
  });

  it('reads a refusal as the answer', async () => {
    const { message } = await ask(delta({ refusal: 'I cannot do that.' }), delta({}, 'stop'));
    expect(message.content).toEqual([textContent('I cannot do that.')]);
  });

  it('reads the usage from the last chunk', async () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 2 } };
    const last = { id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage };
    const { usage: counted } = await ask(delta({ content: 'a' }), `data: ${JSON.stringify(last)}\n\n`);
    expect(counted).toMatchObject({ prompt_tokens: 7, completion_tokens: 3, cache_read_tokens: 2 });
  });
});

describe('answers that reach the output limit', () => {
  it.each([CHAT, RESPONSES, OLLAMA])('accepts the incomplete answer of $name', async (speaker) => {
    for (const stream of [false, true]) {
      const { answer } = await askOnce(speaker, [{ text: 'half an ans', stop: 'length' }], { stream });
      expect(answer.message.content).toEqual([textContent('half an ans')]);
    }
  });
});

describe('ollama', () => {
  it('repeats the request without thinking for a model that cannot think', async () => {
    const refused = { status: 400, body: { error: '"llava" does not support thinking' } };
    const { answer, endpoint } = await askOnce(OLLAMA, [refused, { text: 'ok' }]);
    expect(answer.message.content).toEqual([textContent('ok')]);
    expect(endpoint.requests.map(({ body }) => body['think'])).toEqual([true, undefined]);
  });

  it('sends options, including the context size', async () => {
    const { endpoint } = await askOnce({ ...OLLAMA, model: 'ollama/llama3.1' }, [{ text: 'ok' }], {
      max_input_tokens: 32_768,
      max_output_tokens: 1000,
      temperature: 0.5,
      top_k: 7,
      seed: 3,
      litellm_extra_body: { num_gpu: 1, keep_alive: '10m', options: { mirostat: 1 } },
    });
    expect(endpoint.requests[0]?.body).toMatchObject({
      model: 'llama3.1',
      keep_alive: '10m',
      options: {
        num_ctx: 32_768,
        num_predict: 1000,
        temperature: 0.5,
        top_k: 7,
        seed: 3,
        num_gpu: 1,
        mirostat: 1,
      },
    });
    expect(endpoint.requests[0]?.body).not.toHaveProperty('think');
  });

  it('sends images with the text, and images of tools after the results', async () => {
    const image = { type: 'image' as const, image_urls: ['data:image/png;base64,AAAA'], cache_prompt: false };
    const call = { id: 'c1', name: 'terminal', arguments: '{}', origin: 'completion' as const };
    const { endpoint } = await askOnce(
      { ...OLLAMA, model: 'ollama/llava' },
      [{ text: 'ok' }],
      {
        capability_overrides: { supports_vision: true },
      },
      {
        messages: [
          { role: 'user', content: [textContent('see'), image], thinking_blocks: [] },
          { role: 'assistant', content: [], tool_calls: [call], thinking_blocks: [] },
          {
            role: 'tool',
            content: [textContent('r'), image],
            tool_call_id: 'c1',
            name: 'terminal',
            thinking_blocks: [],
          },
        ],
      },
    );
    expect(endpoint.requests[0]?.body['messages']).toMatchObject([
      { role: 'user', content: 'see', images: ['AAAA'] },
      { role: 'assistant', tool_calls: [{ function: { name: 'terminal', arguments: {} } }] },
      { role: 'tool', content: 'r', images: [], tool_name: 'terminal' },
      { role: 'user', images: ['AAAA'] },
    ]);
  });
});
