import fc from 'fast-check';
import { action, failure, message, observation } from '../../../test/support/events.js';
import type { ActionEvent, Observation } from '../../events/index.js';
import type { ViewEvent } from '../agent-view.js';
import { MessageCache } from './message-cache.js';
import { toMessages } from './to-messages.js';

const asStored = (stored: Observation) => stored.content;

/**
 * What may happen next: something is said, an answer calls tools, or one of the calls so far gets a result.
 */
const HAPPENING = fc.record({
  what: fc.constantFrom('said', 'called', 'done', 'failed'),
  which: fc.nat(20),
  callId: fc.constantFrom('a', 'b', 'c', 'd'),
  answer: fc.constantFrom('r1', 'r2', 'r3'),
});

function told(
  happenings: readonly (typeof HAPPENING extends fc.Arbitrary<infer T> ? T : never)[],
): ViewEvent[] {
  const actions: ActionEvent[] = [];
  return happenings.flatMap(({ what, which, callId, answer }): ViewEvent[] => {
    if (what === 'said') return [message('user', `say ${which}`)];
    const called = actions[which % Math.max(1, actions.length)];
    if (what === 'called' || !called) {
      const call = { ...action(callId, 'ls', answer), id: `action-${actions.length}` };
      actions.push(call);
      return [call];
    }
    return [what === 'done' ? observation(called, 'x') : failure(called, 'no')];
  });
}

describe('Dialogues', () => {
  it('are what the whole history makes, however it grows', () => {
    fc.assert(
      fc.property(fc.array(HAPPENING, { maxLength: 40 }), (happenings) => {
        const dialogues = new MessageCache(asStored);
        const events: ViewEvent[] = [];
        for (const event of told(happenings)) {
          events.push(event);
          expect(dialogues.messagesFor(events)).toEqual(toMessages(events, asStored));
        }
      }),
    );
  });

  it('begin with the same objects as before', () => {
    const dialogues = new MessageCache(asStored);
    const calls = ['a', 'b', 'c'].map((id) => action(id, 'ls', `r-${id}`));
    const events: ViewEvent[] = [message('user', 'go')];
    const seen = calls.map((call) => {
      events.push(call, observation(call, 'x'));
      return dialogues.messagesFor(events);
    });
    expect(seen[2]).toHaveLength(7);
    expect(seen[2]?.[0]).toBe(seen[1]?.[0]);
    expect(seen[2]?.[2]).toBe(seen[1]?.[2]);
  });

  it('may be of any length', () => {
    const events = Array.from({ length: 100_000 }, (_, n) => action('a', 'ls', `r${n}`)).flatMap(
      (call, n) => [
        { ...call, id: `action-${n}` },
        { ...observation(call, 'x'), action_id: `action-${n}` },
      ],
    );
    expect(new MessageCache(asStored).messagesFor(events)).toHaveLength(events.length);
  });

  it('begin anew with another history', () => {
    const dialogues = new MessageCache(asStored);
    const [first, second] = [action('a', 'ls', 'r1'), action('b', 'ls', 'r2')];
    const events = [message('user', 'go'), first, observation(first, 'x'), second, observation(second, 'y')];
    dialogues.messagesFor(events);
    const shorter = events.slice(3);
    expect(dialogues.messagesFor(shorter)).toEqual(toMessages(shorter, asStored));
  });
});
