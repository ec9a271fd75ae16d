import { turnsOf } from '../../test/support/count-event-loop-turns.js';
import { turnForRequest } from './index.js';

/** A request that takes a millisecond once it may start. */
async function work(begin: () => void): Promise<void> {
  // As requests arrive: the synchronous work of one ends before the next one is read.
  await new Promise(setImmediate);
  const turn = turnForRequest();
  if (turn) await turn;
  begin();
  // Synchronous work includes microtasks.
  await Promise.resolve();
  for (const end = performance.now() + 1; performance.now() < end;);
}

describe('turnForRequest', () => {
  const numbers = Array.from({ length: 30 }, (_, number) => number);

  it('spreads requests of one moment over several turns, in order', async () => {
    const begun: number[] = [];
    const all = Promise.all(numbers.map((number) => work(() => begun.push(number))));
    expect(await turnsOf(all)).toBeGreaterThan(4);
    expect(begun).toEqual(numbers);
  });

  it('lets a single request start at once', async () => {
    for (let count = 0; count < 5; count += 1) {
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      expect(turnForRequest()).toBeUndefined();
    }
  });
});
