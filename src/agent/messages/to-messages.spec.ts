import { action, exchange, failure, message, observation } from '../../../test/support/events.js';
import type { Observation } from '../../events/index.js';
import { toMessages } from './to-messages.js';

const asStored = (stored: Observation) => stored.content;
const roles = (events: Parameters<typeof toMessages>[0]) =>
  toMessages(events, asStored).map(({ role }) => role);

describe('toMessages', () => {
  it('makes one assistant message of all calls of an answer, directly followed by the results', () => {
    const first = action('a', 'ls', 'r1');
    const second = action('b', 'pwd', 'r1');
    const events = [message('user', 'go'), first, second, observation(first, 'x'), observation(second, '/')];
    const messages = toMessages(events, asStored);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool']);
    expect(messages[1]?.tool_calls?.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(messages.slice(2).map(({ tool_call_id }) => tool_call_id)).toEqual(['a', 'b']);
  });

  it('merges consecutive user messages without changing the events', () => {
    const events = [message('user', 'go'), message('user', 'and hurry'), message('user', 'please')];
    const before = structuredClone(events);
    for (let times = 0; times < 2; times += 1) {
      const [only, ...others] = toMessages(events, asStored);
      expect(only?.content).toEqual(events.flatMap(({ llm_message }) => llm_message.content));
      expect(others).toEqual([]);
    }
    expect(events).toEqual(before);
  });

  it('places a message that arrived while a tool ran after the result', () => {
    const call = action('a', 'sleep 1');
    const events = [message('user', 'go'), call, message('user', 'and hurry'), observation(call, 'done')];
    const messages = toMessages(events, asStored);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user']);
  });

  it('keeps an invalid call between valid ones in place', () => {
    const first = action('a', 'ls', 'r1');
    const broken = { ...action('b', '', 'r1'), action: undefined };
    const third = action('c', 'pwd', 'r1');
    const events = [
      first,
      broken,
      failure(broken, 'no'),
      third,
      observation(first, 'x'),
      observation(third, 'y'),
    ];
    const messages = toMessages(events, asStored);
    expect(messages.map(({ tool_call_id }) => tool_call_id)).toEqual([undefined, 'a', 'b', 'c']);
    expect(messages[0]?.tool_calls).toHaveLength(3);
  });

  it('merges a user message and a following message of the environment', () => {
    const messages = toMessages([message('user', 'one'), message('environment', 'two')], asStored);
    expect(messages).toHaveLength(1);
    expect(messages[0]?.content).toHaveLength(2);
  });

  it('marks an observation that is an error', () => {
    const call = action('a', 'x');
    const [, , result] = toMessages([message('user', 'go'), call, observation(call, 'bad', true)], asStored);
    expect(result?.content[0]).toMatchObject({ text: '[An error occurred during execution.]\n' });
  });

  it('truncates a long result to exactly the limit', () => {
    const [, result] = toMessages(exchange('a', 'yes', 'y'.repeat(80_000)), asStored);
    expect(result?.content[0]).toMatchObject({
      text: expect.stringContaining('<response clipped>') as string,
    });
    expect(JSON.stringify(result?.content[0])).toHaveLength(
      JSON.stringify({ cache_prompt: false, type: 'text', text: '' }).length + 50_000,
    );
  });

  it('sends only the first result of a call', () => {
    const call = action('a', 'x');
    expect(roles([call, failure(call, 'interrupted'), observation(call, 'late')])).toEqual([
      'assistant',
      'tool',
    ]);
  });
});
