import fc from 'fast-check';
import { anyCharacter } from '../../../test/support/any-character.js';
import { askOnce, CHAT, OLLAMA, refusalOf, RESPONSES } from '../../../test/support/wire/wire-fixture.js';
import type { Turn } from '../../../test/support/wire/wire-protocol.js';
import { textContent } from '../../events/index.js';

const SPEAKERS = [CHAT, RESPONSES, OLLAMA];
const STREAM = { stream: true };
const ANSWER: Turn = {
  reasoning: 'Hm, 🌍?',
  text: 'Größe',
  calls: [
    { name: 'terminal', arguments: { command: 'echo "ä\\n"' } },
    { name: 'terminal', arguments: {} },
  ],
};

describe.each(SPEAKERS)('answers by $name', (speaker) => {
  it('reads the same answer, streamed or not, wherever the bytes are split', async () => {
    const turn = fc.record(
      {
        text: fc.string({ unit: anyCharacter, minLength: 1, maxLength: 20 }),
        reasoning: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        calls: fc.array(
          fc.record({ name: fc.constant('terminal'), arguments: fc.dictionary(fc.string(), fc.string()) }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
      },
      { requiredKeys: ['calls'] },
    );
    await fc.assert(
      fc.asyncProperty(turn, fc.integer({ min: 1, max: 40 }), async (said, cut) => {
        const whole = await askOnce(speaker, [said]);
        const streamed = await askOnce(speaker, [said], STREAM, { cut });
        expect(streamed.answer.message).toEqual(whole.answer.message);
        expect(streamed.answer.usage).toEqual(whole.answer.usage);
        const calls = said.calls.map((call) => call.arguments);
        expect(whole.answer.message.tool_calls?.map((call) => JSON.parse(call.arguments) as unknown)).toEqual(
          calls,
        );
      }),
      { numRuns: 25 },
    );
  });

  it('emits the answer piece by piece', async () => {
    const { deltas } = await askOnce(speaker, [ANSWER], STREAM, { cut: 3 });
    const shown = (kind: string): string =>
      deltas.flatMap((delta) => (delta.kind === kind ? [delta.content] : [])).join('');
    expect(shown('reasoning')).toBe(ANSWER.reasoning);
    expect(shown('text')).toBe(ANSWER.text);
    expect(deltas.length).toBeGreaterThan(2);
    expect(new Set(deltas.map(({ responseId }) => responseId)).size).toBe(1);
  });

  it.each<[Turn, string, string]>([
    [
      { status: 401, body: { error: { message: 'no such key' } } },
      'LLMAuthenticationError',
      'invalid or has expired',
    ],
    [{ status: 429, body: { error: { message: 'slow down' } } }, 'LLMRateLimitError', 'slow down'],
    [{ status: 503, body: { error: { message: 'overloaded' } } }, 'LLMServiceUnavailableError', 'overloaded'],
    [{ status: 404, body: { error: { message: 'no model' } } }, 'NotFoundError', 'no model'],
    [
      { status: 400, body: { error: { message: 'bad thing' } } },
      'LLMBadRequestError',
      'Exception - bad thing',
    ],
    [
      {
        status: 400,
        body: { error: { message: 'maximum context length is 8', code: 'context_length_exceeded' } },
      },
      'LLMContextWindowExceedError',
      'maximum context length',
    ],
    [
      { status: 400, body: { error: { message: 'No tool output found for function call call_1.' } } },
      'LLMMalformedConversationHistoryError',
      'No tool output',
    ],
    [
      { status: 400, body: { error: { message: 'The response was filtered', code: 'content_filter' } } },
      'LLMContentPolicyViolationError',
      'filtered',
    ],
  ])('maps the error %j', async (turn, code, words) => {
    for (const stream of [false, true]) {
      const error = await refusalOf(speaker, [turn], { stream });
      expect(error.code).toBe(code);
      expect(error.message).toContain(words);
    }
  });

  it('retries after a temporary error', async () => {
    const busy = { status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after': '0' } };
    const { answer, endpoint } = await askOnce(speaker, [busy, { text: 'ok' }], { num_retries: 2 });
    expect(answer.message.content).toEqual([textContent('ok')]);
    expect(endpoint.requests).toHaveLength(2);
  });

  it('aborts an answer that does not begin', async () => {
    expect(await refusalOf(speaker, [{ hang: true }], { timeout: 0.1 })).toMatchObject({
      code: 'LLMTimeoutError',
    });
    const idle = { stream: true, stream_idle_timeout: 0.3 };
    const stalled = await refusalOf(speaker, [{ text: 'one two three four', stallAfter: 2 }], idle);
    expect(stalled).toMatchObject({ code: 'LLMTimeoutError' });
  });

  it('rejects a truncated answer', async () => {
    const half = await refusalOf(speaker, [{ text: 'one two three four', endAfter: 4 }], STREAM);
    expect(half).toMatchObject({ code: 'LLMNoResponseError' });
    const broken = await refusalOf(speaker, [{ text: 'one two three four', breakAfter: 4 }], STREAM);
    expect(broken).toMatchObject({ code: 'LLMServiceUnavailableError' });
  });
});

describe('errors with status 200', () => {
  it.each([CHAT, RESPONSES])('reports an error in the answer of $name', async (speaker) => {
    for (const stream of [false, true]) {
      const turn = { status: 200, body: { error: { message: 'Provider returned error', code: 502 } } };
      expect(await refusalOf(speaker, [turn], { stream })).toMatchObject({
        code: 'BadGatewayError',
        message: expect.stringContaining('Provider returned error') as string,
      });
      const busy = { status: 200, body: { error: { message: 'busy', code: 'rate_limit_exceeded' } } };
      expect(await refusalOf(speaker, [busy], { stream })).toMatchObject({ code: 'LLMRateLimitError' });
    }
  });

  it('reports an error in the middle of a stream', async () => {
    const chunk = { id: 'x', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] };
    const error = { message: 'Provider disconnected', code: 502 };
    const chat = [
      chunk,
      { id: 'x', error, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] },
    ];
    expect(await refusalOf(CHAT, [{ frames: chat.map(sse) }], STREAM)).toMatchObject({
      code: 'BadGatewayError',
      message: expect.stringContaining('Provider disconnected') as string,
    });
    const created = {
      type: 'response.created',
      sequence_number: 0,
      response: { id: 'r', created_at: 1, model: 'm' },
    };
    const failed = {
      type: 'response.failed',
      sequence_number: 1,
      response: {
        id: 'r',
        error: { code: 'server_error', message: 'out of order' },
        incomplete_details: null,
      },
    };
    const event = {
      type: 'error',
      sequence_number: 1,
      code: 'rate_limit_exceeded',
      message: 'busy',
      param: null,
    };
    expect(await refusalOf(RESPONSES, [{ frames: [created, failed].map(sse) }], STREAM)).toMatchObject({
      code: 'LLMServiceUnavailableError',
      message: expect.stringContaining('out of order') as string,
    });
    expect(await refusalOf(RESPONSES, [{ frames: [created, event].map(sse) }], STREAM)).toMatchObject({
      code: 'LLMRateLimitError',
      message: expect.stringContaining('busy') as string,
    });
    const line = `${JSON.stringify({ message: { role: 'assistant', content: 'a' }, done: false })}\n`;
    const end = `${JSON.stringify({ error: 'out of memory' })}\n`;
    expect(await refusalOf(OLLAMA, [{ frames: [line, end] }], STREAM)).toMatchObject({
      code: 'LLMServiceUnavailableError',
      message: expect.stringContaining('out of memory') as string,
    });
  });
});

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
