import { turnsOf } from '../../test/support/turns-of.js';
import { turnForRequest } from './index.js';

/** Begins something when it may, and takes its time for it. */
async function work(begin: () => void): Promise<void> {
  // As requests come: what one does at once is done before the next one is looked at.
  await new Promise(setImmediate);
  const turn = turnForRequest();
  if (turn) await turn;
  begin();
  // What is done at once goes on behind promises, too.
  await Promise.resolve();
  for (const end = performance.now() + 1; performance.now() < end;);
}

describe('turns for requests', () => {
  const numbers = Array.from({ length: 30 }, (_, number) => number);

  it('are given in order to what comes in one moment, in many turns of the loop', async () => {
    const begun: number[] = [];
    const all = Promise.all(numbers.map((number) => work(() => begun.push(number))));
    expect(await turnsOf(all)).toBeGreaterThan(4);
    expect(begun).toEqual(numbers);
  });

  it('are not waited for by one that comes alone', async () => {
    for (let count = 0; count < 5; count += 1) {
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      expect(turnForRequest()).toBeUndefined();
    }
  });
});
