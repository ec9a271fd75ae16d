import { endpoint, failure, llm, message, request, TERMINAL } from '../../test/support/llm-fixture.js';
import { textContent, type Message } from '../events/index.js';
import type { LlmDelta } from './request/llm-request.js';

describe('AiSdkLlm against an OpenAI-compatible endpoint', () => {
  it('sends the request of the original', async () => {
    endpoint.script([{ say: 'hi' }]);
    await llm.complete(request());
    const [sent] = endpoint.requests;
    expect(sent?.path).toBe('/v1/chat/completions');
    expect(sent?.body).toEqual({
      model: 'scripted',
      prompt_cache_key: '0d6c1c5e-0000-4000-8000-000000000001',
      reasoning_effort: 'high',
      messages: [
        {
          content: [
            { type: 'text', text: 'static' },
            { type: 'text', text: 'dynamic' },
          ],
          role: 'system',
        },
        { content: [{ type: 'text', text: 'go' }], role: 'user' },
      ],
      tools: [{ type: 'function', function: TERMINAL }],
    });
    expect(sent?.headers).toMatchObject({
      authorization: 'Bearer sk-very-secret',
      'x-litellm-session-id': '0d6c1c5e-0000-4000-8000-000000000001',
      'http-referer': 'https://docs.all-hands.dev/',
      'x-title': 'OpenHands',
    });
  });

  it('sends tool calls and results in the recorded form', async () => {
    const call = {
      id: 'call_1_1',
      name: 'terminal',
      arguments: '{"command": "echo hi"}',
      origin: 'completion',
    } as const;
    const result: Message = { ...message('tool', 'hi'), tool_call_id: 'call_1_1', name: 'terminal' };
    endpoint.script([{ say: 'done' }]);
    const messages = [
      message('system', 'static'),
      message('user', 'go'),
      { ...message('assistant', 'I will start.'), tool_calls: [call] },
      result,
      { ...message('assistant', ' '), tool_calls: [call] },
      result,
      message('assistant', ''),
      message('user', 'a', 'b'),
      message('assistant'),
      message('user', 'c'),
    ];
    await llm.complete(request({}, { messages }));
    const wireCall = {
      id: 'call_1_1',
      type: 'function',
      function: { name: 'terminal', arguments: '{"command": "echo hi"}' },
    };
    const wireResult = {
      content: [{ type: 'text', text: 'hi' }],
      role: 'tool',
      tool_call_id: 'call_1_1',
      name: 'terminal',
    };
    expect(endpoint.requests[0]?.body.messages.slice(2)).toEqual([
      { content: [{ type: 'text', text: 'I will start.' }], role: 'assistant', tool_calls: [wireCall] },
      wireResult,
      { role: 'assistant', tool_calls: [wireCall] },
      wireResult,
      { content: [{ type: 'text', text: '' }], role: 'assistant' },
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        role: 'user',
      },
      { content: '', role: 'assistant' },
      { content: [{ type: 'text', text: 'c' }], role: 'user' },
    ]);
  });

  it('sets cache marks for Claude behind a proxy', async () => {
    endpoint.script([{ say: 'ok' }, { say: 'ok' }]);
    const claude = {
      model: 'openai/claude-sonnet-4-5',
      model_canonical_name: 'anthropic/claude-sonnet-4-5-20250929',
    };
    await llm.complete(request(claude));
    const mark = { cache_control: { type: 'ephemeral' } };
    expect(endpoint.requests[0]?.body).toEqual({
      model: 'claude-sonnet-4-5',
      max_completion_tokens: 64000,
      max_tokens: 64000,
      reasoning_effort: 'high',
      messages: [
        {
          content: [
            { type: 'text', text: 'static', ...mark },
            { type: 'text', text: 'dynamic' },
          ],
          role: 'system',
        },
        { content: [{ type: 'text', text: 'go', ...mark }], role: 'user' },
      ],
      tools: [{ type: 'function', function: TERMINAL }],
    });
    const result: Message = { ...message('tool', 'hi'), tool_call_id: 'c', name: 'terminal' };
    await llm.complete(
      request(claude, { messages: [message('system', 's'), message('user', 'go'), result] }),
    );
    expect(endpoint.requests[1]?.body.messages[2]).toEqual({
      role: 'tool',
      content: [{ type: 'text', text: 'hi' }],
      tool_call_id: 'c',
      name: 'terminal',
      ...mark,
    });
  });

  it('reads text, reasoning, calls and usage', async () => {
    endpoint.script([
      { say: 'Let me see', reasoning: 'hmm', tools: [['terminal', { command: 'ls', timeout: 3 }]] },
    ]);
    const answer = await llm.complete(request());
    const anyNumber: unknown = expect.any(Number);
    expect(answer).toEqual({
      id: 'chatcmpl-1',
      message: {
        role: 'assistant',
        content: [textContent('Let me see')],
        reasoning_content: 'hmm',
        thinking_blocks: [],
        tool_calls: [
          {
            id: 'call_1_1',
            name: 'terminal',
            arguments: '{"command": "ls", "timeout": 3}',
            origin: 'completion',
          },
        ],
      },
      usage: {
        prompt_tokens: 1000,
        completion_tokens: 10,
        cache_read_tokens: 100,
        cache_write_tokens: 0,
        reasoning_tokens: 3,
        context_window: 0,
      },
      cost: null,
      latency: anyNumber,
      finishReason: 'tool_calls',
    });
  });

  it('distinguishes an empty text from no text', async () => {
    endpoint.script([{ say: '' }, { say: null, reasoning: 'hmm' }]);
    expect((await llm.complete(request())).message.content).toEqual([textContent('')]);
    const second = await llm.complete(request());
    expect(second.message).toMatchObject({ content: [], reasoning_content: 'hmm' });
  });

  it('streams text and reasoning, and assembles tool calls from pieces', async () => {
    const broken = '{"command": "echo';
    endpoint.script([
      {
        say: 'Hello streaming world',
        reasoning: 'thinking about it',
        tools: [
          ['terminal', { command: 'echo hi' }],
          ['terminal', broken],
        ],
      },
    ]);
    const deltas: LlmDelta[] = [];
    const answer = await llm.complete(request({ stream: true }, { onDelta: (delta) => deltas.push(delta) }));
    const called = deltas.filter(({ kind, tool }) => kind === 'call' && tool === 'terminal');
    expect(called.map(({ content }) => content).join('')).toBe(`{"command": "echo hi"}${broken}`);
    expect(deltas.filter((delta) => !called.includes(delta))).toEqual([
      { kind: 'reasoning', content: 'thinking ', responseId: 'chatcmpl-1' },
      { kind: 'reasoning', content: 'about ', responseId: 'chatcmpl-1' },
      { kind: 'reasoning', content: 'it', responseId: 'chatcmpl-1' },
      { kind: 'text', content: 'Hello ', responseId: 'chatcmpl-1' },
      { kind: 'text', content: 'streaming ', responseId: 'chatcmpl-1' },
      { kind: 'text', content: 'world', responseId: 'chatcmpl-1' },
    ]);
    expect(answer.id).toBe('chatcmpl-1');
    expect(answer.message).toMatchObject({
      content: [textContent('Hello streaming world')],
      reasoning_content: 'thinking about it',
      tool_calls: [
        { id: 'call_1_1', arguments: '{"command": "echo hi"}' },
        { id: 'call_1_2', arguments: broken },
      ],
    });
    expect(answer.usage).toMatchObject({
      prompt_tokens: 1000,
      completion_tokens: 10,
      cache_read_tokens: 100,
      reasoning_tokens: 3,
    });
    expect(endpoint.requests[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('rejects model names that no provider serves', async () => {
    const error = await failure([], { model: 'foo/bar' });
    expect(error).toMatchObject({ code: 'LLMBadRequestError' });
    expect(error.message).toContain(
      "litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model=foo/bar\n Pass model as E.g. For 'Huggingface' inference endpoints pass in `completion(model='huggingface/starcoder',..)` Learn more: https://docs.litellm.ai/docs/providers",
    );
    expect(error.message).toMatch(/No provider serves a model named 'foo\/bar'\./);
  });

  it('rejects models with a too small context window', async () => {
    expect(await failure([], { model: 'ollama/llama3' })).toMatchObject({
      code: 'LLMContextWindowTooSmallError',
    });
  });

  it('plays the script of a message step by step', async () => {
    const asked = [message('user', 'RUN: echo hi\nSAY: done')];
    const first = await llm.complete(request({}, { messages: asked }));
    expect(first.message.tool_calls).toMatchObject([
      { name: 'terminal', arguments: '{"command":"echo hi"}' },
    ]);
    const second = await llm.complete(
      request({}, { messages: [...asked, first.message, message('tool', 'hi')] }),
    );
    expect(second.message.content).toEqual([textContent('done')]);
  });

  it('prefers custom prices to the cost that a proxy reports', async () => {
    endpoint.script([
      { say: 'x', headers: { 'x-litellm-response-cost': '0.25' } },
      { say: 'x', headers: { 'x-litellm-response-cost': '0.25' } },
    ]);
    expect((await llm.complete(request())).cost).toBe(0.25);
    const custom = await llm.complete(request({ input_cost_per_token: 0.001, output_cost_per_token: 0.01 }));
    expect(custom.cost).toBeCloseTo(1.001 + 0.1);
  });
});
