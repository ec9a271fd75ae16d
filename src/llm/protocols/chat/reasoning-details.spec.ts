import { askOnce, CHAT } from '../../../../test/support/wire/wire-fixture.js';
import type { Json, Turn } from '../../../../test/support/wire/wire-protocol.js';
import { textContent, type Message } from '../../../events/index.js';

describe("OpenRouter's reasoning details", () => {
  const OPENROUTER = { ...CHAT, model: 'openrouter/anthropic/claude-sonnet-4', base: '/api/v1' };
  const claude = { format: 'anthropic-claude-v1', id: 'r1' };
  const text = { type: 'reasoning.text', text: 'hm, yes', signature: 'SIG', index: 0, ...claude };
  const hidden = { type: 'reasoning.encrypted', data: 'HIDDEN', index: 1, ...claude };
  const gemini = {
    type: 'reasoning.encrypted',
    data: 'THOUGHT',
    id: 'call_1_1',
    format: 'google-gemini-v1',
    index: 2,
  };
  const calls = [{ name: 'terminal', arguments: { command: 'ls' } }];
  const whole: Turn = { calls, extra: { reasoning: 'hm, yes', reasoning_details: [text, hidden, gemini] } };

  /** The model's answer as the next request contains it. */
  async function replayed(message: Message): Promise<Json> {
    const result = {
      role: 'tool' as const,
      content: [textContent('r')],
      tool_call_id: message.tool_calls?.[0]?.id,
    };
    const messages: Message[] = [
      { role: 'user', content: [textContent('go')], thinking_blocks: [] },
      message,
      { ...result, name: 'terminal', thinking_blocks: [] },
    ];
    const { endpoint } = await askOnce(OPENROUTER, [{ text: 'ok' }], {}, { messages });
    return (endpoint.requests[0]?.body['messages'] as Json[])[1] ?? {};
  }

  it.each([false, true])('returns reasoning details unchanged (stream %s)', async (stream) => {
    const { answer } = await askOnce(OPENROUTER, [stream ? { frames: chunks() } : whole], { stream });
    expect(answer.message).toMatchObject({
      reasoning_content: 'hm, yes',
      thinking_blocks: [
        { type: 'thinking', thinking: 'hm, yes', signature: 'SIG' },
        { type: 'redacted_thinking', data: 'HIDDEN' },
      ],
      tool_calls: [{ id: 'call_1_1__thought__THOUGHT' }],
    });
    const sent = await replayed(answer.message);
    expect(sent).toMatchObject({ tool_calls: [{ id: 'call_1_1' }] });
    expect(sent).not.toHaveProperty('thinking_blocks');
    expect(sent['reasoning_details']).toEqual([
      { type: 'reasoning.text', text: 'hm, yes', signature: 'SIG', format: 'anthropic-claude-v1', index: 0 },
      { type: 'reasoning.encrypted', data: 'HIDDEN', format: 'anthropic-claude-v1', index: 1 },
      { type: 'reasoning.encrypted', data: 'THOUGHT', id: 'call_1_1', format: 'google-gemini-v1', index: 2 },
    ]);
  });

  function chunks(): string[] {
    const delta = (fields: object, finish_reason: string | null = null): string =>
      `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: fields, finish_reason }] })}\n\n`;
    const piece = (fields: object): string => delta({ reasoning_details: [{ ...fields }] });
    const { signature, ...unsigned } = text;
    const [call] = calls.map(({ name, arguments: args }) => ({ name, arguments: JSON.stringify(args) }));
    return [
      delta({ reasoning: 'hm, ', reasoning_details: [{ ...unsigned, text: 'hm, ' }] }),
      delta({ reasoning: 'yes', reasoning_details: [{ ...unsigned, text: 'yes' }] }),
      piece({ type: 'reasoning.text', signature, index: 0, ...claude }),
      piece(hidden),
      delta({ tool_calls: [{ index: 0, id: 'call_1_1', type: 'function', function: call }] }),
      piece(gemini),
      delta({}, 'tool_calls'),
    ];
  }
});
