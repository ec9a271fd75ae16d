import { ANTHROPIC, askOnce, CHAT, GEMINI, type Speaker } from '../../../test/support/wire/wire-fixture.js';
import { claudeSignature, redacted } from '../../../test/support/wire/claude.js';
import type { Json, Turn } from '../../../test/support/wire/wire-protocol.js';
import { textContent, type Message } from '../../events/index.js';

const GO: Message = { role: 'user', content: [textContent('go')], thinking_blocks: [] };

/** The answer as it is stored and read back, with the results of its calls. */
function history(message: Message): Message[] {
  const stored = JSON.parse(JSON.stringify(message)) as Message;
  const results = (stored.tool_calls ?? []).map((call): Message => ({
    role: 'tool',
    content: [textContent('r')],
    tool_call_id: call.id,
    name: call.name,
    thinking_blocks: [],
  }));
  return [GO, stored, ...(results.length > 0 ? results : [GO])];
}

/** The messages of the next request. */
async function next(speaker: Speaker, message: Message): Promise<Json> {
  const { endpoint } = await askOnce(speaker, [{ text: 'ok' }], {}, { messages: history(message) });
  expect(endpoint.requests).toHaveLength(1);
  return endpoint.requests[0]?.body ?? {};
}

describe('thinking between parts of an answer', () => {
  const thought = (thinking: string): Json => ({
    type: 'thinking',
    thinking,
    signature: claudeSignature(thinking),
  });
  const content: Json[] = [
    thought('first'),
    { type: 'redacted_thinking', data: redacted('hidden') },
    { type: 'text', text: 'Größe: ' },
    thought('second'),
    { type: 'text', text: 'done.' },
    thought('third'),
    { type: 'tool_use', id: 'toolu_1', name: 'terminal', input: { command: 'ls' } },
  ];
  const usage = { input_tokens: 1, output_tokens: 1 };
  const envelope = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
  const turns: Record<string, Turn> = {
    whole: { body: { ...envelope, content, stop_reason: 'tool_use', usage } },
    streamed: { frames: frames() },
  };

  it.each(Object.keys(turns))('returns thinking to Claude at its position (%s)', async (kind) => {
    const turn = turns[kind] ?? {};
    const { answer } = await askOnce(ANTHROPIC, [turn], { stream: kind === 'streamed' });
    const { messages } = await next(ANTHROPIC, answer.message);
    expect(messages).toMatchObject([{ role: 'user' }, { role: 'assistant', content }, { role: 'user' }]);
  });

  it('omits the positions for a proxy, which accepts no other fields', async () => {
    const { answer } = await askOnce(ANTHROPIC, [turns['whole'] ?? {}]);
    const proxy = { ...CHAT, model: 'litellm_proxy/claude-sonnet-4-5' };
    const { messages } = await next(proxy, answer.message);
    expect((messages as Json[])[1]?.['thinking_blocks']).toEqual(
      content.filter(({ type }) => String(type).includes('thinking')),
    );
  });

  function frames(): string[] {
    const events = content.flatMap((block, index): Json[] => {
      const begun = {
        thinking: { type: 'thinking', thinking: '', signature: '' },
        text: { type: 'text', text: '' },
        tool_use: { ...block, input: {} },
      }[String(block['type'])];
      const deltas = {
        thinking: [
          { type: 'thinking_delta', thinking: block['thinking'] },
          { type: 'signature_delta', signature: block['signature'] },
        ],
        text: [{ type: 'text_delta', text: block['text'] }],
        tool_use: [{ type: 'input_json_delta', partial_json: JSON.stringify(block['input']) }],
      }[String(block['type'])];
      return [
        { type: 'content_block_start', index, content_block: begun ?? block },
        ...(deltas ?? []).map((delta) => ({ type: 'content_block_delta', index, delta })),
        { type: 'content_block_stop', index },
      ];
    });
    const start = { ...envelope, content: [], stop_reason: null, usage };
    const end = { stop_reason: 'tool_use', stop_sequence: null };
    return [
      { type: 'message_start', message: start },
      ...events,
      { type: 'message_delta', delta: end, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ].map((event: Json) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`);
  }
});

describe("Gemini's signature of a text", () => {
  const answer = (parts: Json[], finishReason?: string): Json => ({
    candidates: [{ content: { role: 'model', parts }, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
  });
  const sse = (data: Json): string => `data: ${JSON.stringify(data)}\r\n\r\n`;
  const whole: Turn = { body: answer([{ text: 'Done.', thoughtSignature: 'U0lH' }], 'STOP') };
  // In a stream the signature comes at the end, with an empty text.
  const streamed: Turn = {
    frames: [sse(answer([{ text: 'Done.' }])), sse(answer([{ text: '', thoughtSignature: 'U0lH' }], 'STOP'))],
  };

  it.each([
    [whole, false],
    [streamed, true],
  ])('returns the signature to Gemini only (%j)', async (turn, stream) => {
    const said = await askOnce(GEMINI, [turn], { stream });
    const { contents } = await next(GEMINI, said.answer.message);
    expect((contents as Json[])[1]).toEqual({
      role: 'model',
      parts: [{ text: 'Done.', thoughtSignature: 'U0lH' }],
    });
    expect(JSON.stringify(await next(ANTHROPIC, said.answer.message))).not.toContain('U0lH');
    const router = { ...CHAT, model: 'openrouter/google/gemini-3-pro', base: '/api/v1' };
    expect((await next(router, said.answer.message))['messages']).toMatchObject([
      {},
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'U0lH', format: 'google-gemini-v1' }] },
      {},
    ]);
  });
});

describe('encrypted reasoning behind OpenRouter', () => {
  it.each([
    ['openai/o4-mini', 'openai-responses-v1'],
    ['x-ai/grok-4', 'xai-responses-v1'],
  ])('returns encrypted reasoning to %s and to no other vendor', async (model, format) => {
    const details = [
      { type: 'reasoning.summary', summary: 'Looking.', format, index: 0 },
      { type: 'reasoning.encrypted', data: 'SEALED', id: 'rs_1', format, index: 1 },
    ];
    const calls = [{ name: 'terminal', arguments: {} }];
    const router = { ...CHAT, model: `openrouter/${model}`, base: '/api/v1' };
    for (const stream of [false, true]) {
      const turn = { calls, extra: { reasoning_details: details } };
      const { answer } = await askOnce(router, [turn], { stream });
      expect(answer.message.responses_reasoning_item).toEqual({
        id: 'rs_1',
        summary: ['Looking.'],
        encrypted_content: 'SEALED',
      });
      const { messages } = await next(router, answer.message);
      expect((messages as Json[])[1]?.['reasoning_details']).toEqual(details);
      const other = { ...router, model: 'openrouter/google/gemini-2.5-pro' };
      expect(JSON.stringify(await next(other, answer.message))).not.toContain('SEALED');
    }
  });
});
