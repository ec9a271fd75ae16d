import { endpoint, failure, llm, replaceEndpoint, request } from '../../test/support/llm-fixture.js';
import { eventually } from '../../test/support/server-process.js';
import type { EndpointStep } from '../../test/support/scripted-endpoint.js';
import { textContent } from '../events/index.js';
import type { LlmConfig } from './request/llm-config.js';
import { LlmError } from './errors/llm-error.js';
import type { RetryInfo } from './request/llm-request.js';

const STREAM = 'text/event-stream';

/** A chunk of a stream. */
function chunk(content: string): string {
  const choices = [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

/** An error in place of a chunk. */
function errorChunk(error: Record<string, string>): string {
  return `data: ${JSON.stringify({ error })}\n\n`;
}

describe('AiSdkLlm when an endpoint fails', () => {
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

  it('masks keys in error messages', async () => {
    const error = await failure([{ status: 400, message: 'you sent sk-very-secret and header-value' }], {
      extra_headers: { 'x-token': 'header-value' },
    });
    expect(error.message).not.toMatch(/very-secret|header-value/);
    expect(endpoint.requests[0]?.headers['x-token']).toBe('header-value');
  });

  it('makes num_retries attempts in total for a transient error', async () => {
    expect(await failure([{ status: 500, repeat: true }], { num_retries: 3 })).toMatchObject({
      code: 'LLMServiceUnavailableError',
    });
    expect(endpoint.requests).toHaveLength(3);
  });

  it.each<[EndpointStep]>([
    [{ status: 400 }],
    [{ status: 401 }],
    [{ status: 402 }],
    [{ status: 403 }],
    [{ status: 404 }],
    [{ status: 413 }],
    [{ status: 422 }],
    [{ status: 429, code: 'insufficient_quota' }],
  ])('does not retry %j', async (step) => {
    await failure([step, { say: 'never' }], { num_retries: 3 });
    expect(endpoint.requests).toHaveLength(1);
  });

  it('reports retries before the answer', async () => {
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

  it.each<[string, EndpointStep, Partial<LlmConfig>, number]>([
    ['seconds', { headers: { 'retry-after': '0.25' } }, {}, 0.25],
    ['milliseconds', { headers: { 'retry-after-ms': '120', 'retry-after': '9' } }, {}, 0.12],
    ['a date that is over', { headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } }, {}, 0],
    ['too long', { headers: { 'Retry-After': '86400' } }, { retry_max_wait: 0.01 }, 0.01],
    [
      'a date too far away',
      { headers: { 'retry-after': 'Wed, 21 Oct 2065 07:28:00 GMT' } },
      { retry_max_wait: 0.02 },
      0.02,
    ],
    ['too short', { headers: { 'retry-after': '0' } }, { retry_min_wait: 0.03 }, 0.03],
    ['nonsense', { headers: { 'retry-after': 'soon' } }, { retry_max_wait: 0.04 }, 0.04],
    ["Google's way", { body: { error: { message: 'x', details: [{ retryDelay: '0.05s' }] } } }, {}, 0.05],
  ])(
    'waits as long as the provider requests, within the bounds: %s',
    async (_what, step, config, seconds) => {
      endpoint.script([{ status: 429, ...step }, { say: 'ok' }]);
      const waits: number[] = [];
      const onRetry = ({ waitSeconds }: RetryInfo) => waits.push(waitSeconds);
      const started = performance.now();
      await llm.complete(request({ retry_max_wait: 64, ...config }, { onRetry }));
      expect(waits).toEqual([seconds]);
      // Timers may fire a millisecond early.
      expect(performance.now() - started).toBeGreaterThanOrEqual(seconds * 1000 - 2);
    },
  );

  it.each<[string, EndpointStep, boolean, string, RegExp]>([
    [
      'a page',
      { raw: '<html>oops</html>', type: 'text/html' },
      false,
      'LLMServiceUnavailableError',
      /Empty or invalid response from LLM endpoint\. Received: '<html>oops<\/html>'\. Check the reverse proxy/,
    ],
    ['broken JSON', { raw: '{"id"' }, false, 'LLMServiceUnavailableError', /Received: '\{"id"'/],
    ['nothing', { raw: '' }, false, 'LLMServiceUnavailableError', /Empty or invalid response/],
    [
      'an error as an answer',
      { body: { error: { message: 'something broke' } } },
      false,
      'LLMServiceUnavailableError',
      /^litellm\.InternalServerError: InternalServerError: OpenAIException - something broke$/,
    ],
    [
      'a choice without a message',
      { body: { id: 'x', choices: [{ index: 0 }] } },
      false,
      'LLMServiceUnavailableError',
      /Received: '\{"id":"x"/,
    ],
    [
      'a page as a stream',
      { raw: '<html>oops</html>', type: 'text/html' },
      true,
      'LLMNoResponseError',
      /ended/,
    ],
    ['an empty stream', { raw: '', type: STREAM }, true, 'LLMNoResponseError', /ended/],
    ['the end alone', { raw: 'data: [DONE]\n\n', type: STREAM }, true, 'LLMNoResponseError', /ended/],
    ['a stream that ends too early', { raw: chunk('he'), type: STREAM }, true, 'LLMNoResponseError', /ended/],
    [
      'garbage in a stream',
      { raw: `${chunk('he')}data: {not json\n\n`, type: STREAM },
      true,
      'LLMServiceUnavailableError',
      /Received: '\{not json'/,
    ],
    [
      'a stream that breaks',
      { raw: chunk('he'), type: STREAM, then: 'break' },
      true,
      'LLMServiceUnavailableError',
      /Connection error/,
    ],
    [
      'a rate limit in a stream',
      { raw: errorChunk({ message: 'slow down', type: 'rate_limit_error' }), type: STREAM },
      true,
      'LLMRateLimitError',
      /slow down/,
    ],
    [
      'an overload in a stream',
      { raw: errorChunk({ message: 'Overloaded', type: 'overloaded_error' }), type: STREAM },
      true,
      'LLMServiceUnavailableError',
      /Overloaded/,
    ],
    [
      'a full context in a stream',
      { raw: errorChunk({ message: 'too long', code: 'context_length_exceeded' }), type: STREAM },
      true,
      'LLMContextWindowExceedError',
      /too long/,
    ],
  ])('reports what it received instead of an answer: %s', async (_what, step, stream, code, text) => {
    const error = await failure([step], { stream });
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(text);
  });

  it.each([408, 409, 429, 500, 501, 502, 503, 504, 529])('retries after status %i', async (status) => {
    endpoint.script([{ status }, { say: 'ok' }]);
    expect((await llm.complete(request())).message.content).toEqual([textContent('ok')]);
  });

  it('retries when a stream breaks', async () => {
    // Slow chunks: data that arrives together with the end of the connection is lost.
    await replaceEndpoint({ chunkDelay: 10 });
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

  it('retries an answer without a choice', async () => {
    endpoint.script([{ body: { id: 'x', choices: [] } }, { say: 'ok' }]);
    expect((await llm.complete(request())).message.content).toEqual([textContent('ok')]);
    expect(await failure([{ body: { id: 'x', choices: [] } }])).toMatchObject({ code: 'LLMNoResponseError' });
  });

  it('aborts an attempt that exceeds its time limits', async () => {
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

  it('reports that nothing listens at the address', async () => {
    const { url } = endpoint;
    await endpoint.close();
    const error = await failure([], { base_url: url });
    expect(error).toMatchObject({ code: 'LLMServiceUnavailableError' });
    expect(error.message).toMatch(
      /^litellm\.InternalServerError: InternalServerError: OpenAIException - Connection error/,
    );
  });

  it('stops at once when it is aborted during a request or a wait', async () => {
    const reason = new Error('interrupted');
    const inRequest = new AbortController();
    endpoint.script([{ hang: true }, { status: 500, repeat: true }]);
    const first = llm.complete(request({}, { signal: inRequest.signal }));
    await eventually(() => Promise.resolve(endpoint.requests.length === 1), 'the request');
    inRequest.abort(reason);
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
});
