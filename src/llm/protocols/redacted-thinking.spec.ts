import { ANTHROPIC, askOnce, BEDROCK } from '../../../test/support/wire/wire-fixture.js';
import { redacted } from '../../../test/support/wire/claude.js';
import type { Turn } from '../../../test/support/wire/wire-protocol.js';
import { textContent, type Message } from '../../events/index.js';

/** The endpoints refuse thinking that Claude has not written, and turns that do not begin with thinking. */
describe.each([ANTHROPIC, BEDROCK])('redacted thinking of $name', (speaker) => {
  const calls = [{ name: 'terminal', arguments: { command: 'ls' } }];
  it.each<[string, boolean, Turn]>([
    ['alone', false, { calls, extra: { redacted: 'what nobody may see' } }],
    ['alone', true, { calls, extra: { redacted: 'what nobody may see' } }],
    ['after other thinking', false, { reasoning: 'Hm.', calls, extra: { redacted: 'what nobody may see' } }],
    ['after other thinking', true, { reasoning: 'Hm.', calls, extra: { redacted: 'what nobody may see' } }],
  ])('returns redacted thinking unchanged: %s, stream %s', async (_, stream, turn) => {
    const { answer, deltas } = await askOnce(speaker, [turn], { stream });
    expect(answer.message.thinking_blocks).toContainEqual({
      type: 'redacted_thinking',
      data: redacted('what nobody may see'),
    });
    expect(answer.message.reasoning_content).toBe(turn.reasoning);
    expect(JSON.stringify(deltas)).not.toContain(redacted('what nobody may see'));
    const result: Message = {
      role: 'tool',
      content: [textContent('r')],
      tool_call_id: answer.message.tool_calls?.[0]?.id,
      name: 'terminal',
      thinking_blocks: [],
    };
    const go: Message = { role: 'user', content: [textContent('go')], thinking_blocks: [] };
    const messages = [go, JSON.parse(JSON.stringify(answer.message)) as Message, result];
    const next = await askOnce(speaker, [{ text: 'ok' }], { stream }, { messages });
    expect(next.answer.message.content).toEqual([textContent('ok')]);
    expect(next.endpoint.requests).toHaveLength(1);
    expect(next.endpoint.requests[0]?.text).toContain(redacted('what nobody may see'));
  });
});
