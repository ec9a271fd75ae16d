import { action, exchange, failure, message } from '../../../test/support/events.js';
import type { BranchEvent } from '../agent-view.js';
import { detectStuck } from './stuck-detector.js';

const times = (count: number, make: (index: number) => BranchEvent[]): BranchEvent[] =>
  Array.from({ length: count }, (_, index) => make(index)).flat();
const failing = (index: number): BranchEvent[] => {
  const call = action(`c${index}`, 'nosuch');
  return [call, failure(call, 'no')];
};

describe('detectStuck', () => {
  it('lets three equal exchanges pass and stops at the fourth', () => {
    const same = (index: number) => exchange(`c${index}`, 'ls', 'x');
    expect(detectStuck([message('user', 'go'), ...times(3, same)]).kind).toBe('fine');
    expect(detectStuck([message('user', 'go'), ...times(4, same)]).kind).toBe('stuck');
  });

  it('does not count exchanges before the last message of the user', () => {
    const same = (index: number) => exchange(`c${index}`, 'ls', 'x');
    expect(detectStuck([...times(3, same), message('user', 'again'), ...times(3, same)]).kind).toBe('fine');
  });

  it('tells the agent at the third equal error, once, and stops at the fourth', () => {
    const three = [message('user', 'go'), ...times(3, failing)];
    const verdict = detectStuck(three);
    expect(verdict).toMatchObject({ kind: 'nudge', text: expect.stringContaining('`terminal`') as string });
    expect(detectStuck([...three, message('environment', 'nudge')]).kind).toBe('fine');
    expect(detectStuck([...three, message('environment', 'nudge'), ...failing(4)]).kind).toBe('stuck');
  });

  it('finds two actions that take turns', () => {
    const turn = (index: number) => exchange(`c${index}`, index % 2 ? 'ls' : 'pwd', 'x');
    expect(detectStuck(times(5, turn)).kind).toBe('fine');
    expect(detectStuck(times(6, turn)).kind).toBe('stuck');
  });

  it('finds an agent that only talks to itself', () => {
    const talk = (): BranchEvent[] => [message('agent', ''), message('environment', 'use a tool')];
    expect(detectStuck(times(2, talk)).kind).toBe('fine');
    expect(detectStuck(times(3, talk)).kind).toBe('stuck');
  });
});
