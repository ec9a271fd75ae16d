import { textContent, type Message } from '../events/index.js';
import { llmConfig } from '../../test/support/llm-config.js';
import {
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../../test/support/scripted-endpoint.js';
import { AiSdkLlm } from './ai-sdk-llm.js';
import type { LlmConfig } from './llm-config.js';
import { LlmError } from './llm-error.js';
import type { LlmDelta, LlmRequest, LlmTool } from './llm.js';

const TERMINAL: LlmTool = {
  name: 'terminal',
  description: 'Runs a command.',
  parameters: {
    type: 'object',
    properties: { summary: { type: 'string' }, command: { type: 'string', description: 'The command.' } },
    required: ['command'],
  },
};

function message(role: Message['role'], ...texts: string[]): Message {
  return { role, content: texts.map(textContent), thinking_blocks: [] };
}

describe('AiSdkLlm against an OpenAI-compatible endpoint', () => {
  const llm = new AiSdkLlm();
  let endpoint: ChatEndpoint;

  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  function request(config: Partial<LlmConfig> = {}, rest: Partial<LlmRequest> = {}): LlmRequest {
    return {
      config: llmConfig({
        model: 'openai/scripted',
        base_url: endpoint.url,
        api_key: 'sk-very-secret',
        retry_min_wait: 0,
        retry_max_wait: 0,
        ...config,
      }),
      messages: [message('system', 'static', 'dynamic'), message('user', 'go')],
      tools: [TERMINAL],
      conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
      signal: new AbortController().signal,
      ...rest,
    };
  }

  async function failure(script: EndpointStep[], config: Partial<LlmConfig> = {}): Promise<LlmError> {
    endpoint.script(script);
    const error: unknown = await llm
      .complete(request({ num_retries: 1, ...config }))
      .catch((thrown: unknown) => thrown);
    if (error instanceof LlmError) return error;
    throw new Error(`no LlmError: ${String(error)}`);
  }

  it('sends what the original sends', async () => {
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

  it('sends calls and results of calls as recorded', async () => {
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

  it('marks what to cache for Claude behind a proxy', async () => {
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
    });
  });

  it('tells an empty text from none', async () => {
    endpoint.script([{ say: '' }, { say: null, reasoning: 'hmm' }]);
    expect((await llm.complete(request())).message.content).toEqual([textContent('')]);
    const second = await llm.complete(request());
    expect(second.message).toMatchObject({ content: [], reasoning_content: 'hmm' });
  });

  it('streams text and reasoning, and gathers calls that come in pieces', async () => {
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
    expect(deltas).toEqual([
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

  it.each<[EndpointStep, string, string]>([
    [
      { status: 400, message: 'bad thing' },
      'LLMBadRequestError',
      'litellm.BadRequestError: OpenAIException - bad thing',
    ],
    [
      { status: 401, message: 'Incorrect API key provided' },
      'LLMAuthenticationError',
      'Your LLM API key appears to be invalid or has expired.',
    ],
    [
      { status: 429, message: 'Rate limit' },
      'LLMRateLimitError',
      'litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit',
    ],
    [
      { status: 500, message: 'boom' },
      'LLMServiceUnavailableError',
      'litellm.InternalServerError: InternalServerError: OpenAIException - boom',
    ],
    [
      {
        status: 400,
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        code: 'context_length_exceeded',
      },
      'LLMContextWindowExceedError',
      "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    ],
    [
      {
        status: 400,
        message: 'messages: `tool_use` ids were found without `tool_result` blocks immediately after',
      },
      'LLMMalformedConversationHistoryError',
      'litellm.BadRequestError: OpenAIException - messages: `tool_use` ids were found without `tool_result` blocks immediately after',
    ],
    [
      { status: 400, message: 'Output blocked by content filtering policy', code: 'content_filter' },
      'LLMContentPolicyViolationError',
      'litellm.ContentPolicyViolationError: litellm.BadRequestError: ContentPolicyViolationError: OpenAIException - Output blocked by content filtering policy',
    ],
    [{ status: 403, message: 'no' }, 'APIError', 'litellm.APIError: APIError: OpenAIException - no'],
    [
      { status: 404, message: 'no' },
      'NotFoundError',
      'litellm.NotFoundError: NotFoundError: OpenAIException - no',
    ],
    [
      { status: 502, message: 'no' },
      'BadGatewayError',
      'litellm.BadGatewayError: BadGatewayError: OpenAIException - no',
    ],
    [
      { status: 503, message: 'no' },
      'LLMServiceUnavailableError',
      'litellm.ServiceUnavailableError: ServiceUnavailableError: OpenAIException - no',
    ],
    [
      { status: 504, message: 'no' },
      'LLMTimeoutError',
      'litellm.Timeout: Timeout Error: OpenAIException - no',
    ],
  ])('maps %j', async (step, code, text) => {
    const error = await failure([step]);
    expect(error).toMatchObject({ code, message: text });
    const streamed = await failure([step], { stream: true });
    expect(streamed).toMatchObject({ code, message: text });
  });

  it('does not show the key', async () => {
    const error = await failure([{ status: 400, message: 'you sent sk-very-secret and header-value' }], {
      extra_headers: { 'x-token': 'header-value' },
    });
    expect(error.message).not.toMatch(/very-secret|header-value/);
    expect(endpoint.requests[0]?.headers['x-token']).toBe('header-value');
  });

  it('tries num_retries times in all, and only what may pass', async () => {
    expect(await failure([{ status: 500, repeat: true }], { num_retries: 3 })).toMatchObject({
      code: 'LLMServiceUnavailableError',
    });
    expect(endpoint.requests).toHaveLength(3);
  });

  it.each([[{ status: 400 }], [{ status: 401 }], [{ status: 429, code: 'insufficient_quota' }]])(
    'does not try %j again',
    async (step) => {
      await failure([step, { say: 'never' }], { num_retries: 3 });
      expect(endpoint.requests).toHaveLength(1);
    },
  );

  it('tells of retries and answers in the end', async () => {
    endpoint.script([{ status: 429 }, { status: 503 }, { say: 'at last' }]);
    const retries: [number, number, string][] = [];
    const answer = await llm.complete(
      request(
        { retry_max_wait: 0.004, retry_min_wait: 0, retry_multiplier: 0.001 },
        {
          onRetry: ({ attempt, waitSeconds, error }) =>
            retries.push([attempt, waitSeconds, error instanceof LlmError ? error.code : '']),
        },
      ),
    );
    expect(answer.message.content).toEqual([textContent('at last')]);
    expect(retries).toEqual([
      [2, 0.001, 'LLMRateLimitError'],
      [3, 0.002, 'LLMServiceUnavailableError'],
    ]);
  });

  it('tries again when a stream breaks', async () => {
    await endpoint.close();
    // What arrives together with the break is lost with it.
    endpoint = await startScriptedEndpoint({ chunkDelay: 10 });
    endpoint.script([{ say: 'one two three', breakAfter: 3 }, { say: 'one two three' }]);
    const seen: string[] = [];
    const answer = await llm.complete(
      request(
        { stream: true },
        { onDelta: ({ content }) => seen.push(content), onRetry: ({ attempt }) => seen.push(`#${attempt}`) },
      ),
    );
    expect(answer.message.content).toEqual([textContent('one two three')]);
    expect(seen).toEqual(['one ', 'two ', '#2', 'one ', 'two ', 'three']);
  });

  it('tries again when there is no choice', async () => {
    endpoint.script([{ body: { id: 'x', choices: [] } }, { say: 'ok' }]);
    expect((await llm.complete(request())).message.content).toEqual([textContent('ok')]);
    expect(await failure([{ body: { id: 'x', choices: [] } }])).toMatchObject({ code: 'LLMNoResponseError' });
  });

  it('gives an attempt up when its time is over', async () => {
    expect(await failure([{ hang: true }], { timeout: 0.05 })).toMatchObject({
      code: 'LLMTimeoutError',
      message: 'litellm.Timeout: LLM hard timeout after 0.05 seconds',
    });
    const stalled = await failure([{ say: 'one two', stallAfter: 2 }], {
      stream: true,
      stream_idle_timeout: 0.05,
    });
    expect(stalled).toMatchObject({ code: 'LLMTimeoutError' });
  });

  it('says so when nobody listens', async () => {
    const { url } = endpoint;
    await endpoint.close();
    const error = await failure([], { base_url: url });
    expect(error).toMatchObject({ code: 'LLMServiceUnavailableError' });
    expect(error.message).toMatch(
      /^litellm\.InternalServerError: InternalServerError: OpenAIException - Connection error/,
    );
    endpoint = await startScriptedEndpoint();
  });

  it('stops at once when it is aborted, in a request and in a wait', async () => {
    const reason = new Error('interrupted');
    const inRequest = new AbortController();
    endpoint.script([{ hang: true }, { status: 500, repeat: true }]);
    const first = llm.complete(request({}, { signal: inRequest.signal }));
    setTimeout(() => inRequest.abort(reason), 30);
    await expect(first).rejects.toBe(reason);

    const inWait = new AbortController();
    const second = llm.complete(
      request(
        { retry_min_wait: 60, retry_max_wait: 60 },
        { signal: inWait.signal, onRetry: () => inWait.abort(reason) },
      ),
    );
    await expect(second).rejects.toBe(reason);
  });

  it('refuses names that no provider serves', async () => {
    const error = await failure([], { model: 'foo/bar' });
    expect(error).toMatchObject({ code: 'LLMBadRequestError' });
    expect(error.message).toBe(
      "litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model=foo/bar\n Pass model as E.g. For 'Huggingface' inference endpoints pass in `completion(model='huggingface/starcoder',..)` Learn more: https://docs.litellm.ai/docs/providers",
    );
  });

  it('refuses models that are too small', async () => {
    expect(await failure([], { model: 'ollama/llama3' })).toMatchObject({
      code: 'LLMContextWindowTooSmallError',
    });
  });

  it('plays the script in the message, step by step', async () => {
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

  it('uses custom prices, then the price a proxy names', async () => {
    endpoint.script([
      { say: 'x', headers: { 'x-litellm-response-cost': '0.25' } },
      { say: 'x', headers: { 'x-litellm-response-cost': '0.25' } },
    ]);
    expect((await llm.complete(request())).cost).toBe(0.25);
    const custom = await llm.complete(request({ input_cost_per_token: 0.001, output_cost_per_token: 0.01 }));
    expect(custom.cost).toBeCloseTo(1.001 + 0.1);
  });
});
