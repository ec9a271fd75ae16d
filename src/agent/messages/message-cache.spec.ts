import fc from 'fast-check';
import { action, failure, message, observation } from '../../../test/support/events.js';
import type { ActionEvent, Observation } from '../../events/index.js';
import type { ViewEvent } from '../agent-view.js';
import { MessageCache } from './message-cache.js';
import { toMessages } from './to-messages.js';

const asStored = (stored: Observation) => stored.content;

/** One random change: a user message, a tool call, or the result of an earlier call. */
const CHANGE = fc.record({
  what: fc.constantFrom('message', 'call', 'result', 'error'),
  which: fc.nat(20),
  callId: fc.constantFrom('a', 'b', 'c', 'd'),
  answer: fc.constantFrom('r1', 'r2', 'r3'),
});

function eventsOf(
  changes: readonly (typeof CHANGE extends fc.Arbitrary<infer T> ? T : never)[],
): ViewEvent[] {
  const actions: ActionEvent[] = [];
  return changes.flatMap(({ what, which, callId, answer }): ViewEvent[] => {
    if (what === 'message') return [message('user', `say ${which}`)];
    const called = actions[which % Math.max(1, actions.length)];
    if (what === 'call' || !called) {
      const call = { ...action(callId, 'ls', answer), id: `action-${actions.length}` };
      actions.push(call);
      return [call];
    }
    return [what === 'result' ? observation(called, 'x') : failure(called, 'no')];
  });
}

describe('Dialogues', () => {
  it('equals a full conversion after every change of the history', () => {
    fc.assert(
      fc.property(fc.array(CHANGE, { maxLength: 40 }), (changes) => {
        const cache = new MessageCache(asStored);
        const events: ViewEvent[] = [];
        for (const event of eventsOf(changes)) {
          events.push(event);
          expect(cache.messagesFor(events)).toEqual(toMessages(events, asStored));
        }
      }),
    );
  });

  it('returns the same objects for settled messages', () => {
    const cache = new MessageCache(asStored);
    const calls = ['a', 'b', 'c'].map((id) => action(id, 'ls', `r-${id}`));
    const events: ViewEvent[] = [message('user', 'go')];
    const seen = calls.map((call) => {
      events.push(call, observation(call, 'x'));
      return cache.messagesFor(events);
    });
    expect(seen[2]).toHaveLength(7);
    expect(seen[2]?.[0]).toBe(seen[1]?.[0]);
    expect(seen[2]?.[2]).toBe(seen[1]?.[2]);
  });

  it('converts histories of any length', () => {
    const events = Array.from({ length: 100_000 }, (_, n) => action('a', 'ls', `r${n}`)).flatMap(
      (call, n) => [
        { ...call, id: `action-${n}` },
        { ...observation(call, 'x'), action_id: `action-${n}` },
      ],
    );
    expect(new MessageCache(asStored).messagesFor(events)).toHaveLength(events.length);
  });

  it('starts over when the history is replaced', () => {
    const cache = new MessageCache(asStored);
    const [first, second] = [action('a', 'ls', 'r1'), action('b', 'ls', 'r2')];
    const events = [message('user', 'go'), first, observation(first, 'x'), second, observation(second, 'y')];
    cache.messagesFor(events);
    const shorter = events.slice(3);
    expect(cache.messagesFor(shorter)).toEqual(toMessages(shorter, asStored));
  });
});
