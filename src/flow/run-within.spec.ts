import { runWithin, TimeLimitError } from './run-within.js';

describe('runWithin', () => {
  it('returns what the task returns and throws what it throws', () => {
    expect(runWithin(1_000, () => [1])).toEqual([1]);
    const failed = new RangeError('too deep');
    expect(() =>
      runWithin(1_000, () => {
        throw failed;
      }),
    ).toThrow(failed);
  });

  it('ends a task that takes too long, and can run the next one', () => {
    const endless = (): boolean => /^(a+)+$/.test(`${'a'.repeat(40)}!`);
    expect(() => runWithin(20, endless)).toThrow(new TimeLimitError('not done within 20 ms'));
    expect(runWithin(1_000, () => 2)).toBe(2);
  });
});
