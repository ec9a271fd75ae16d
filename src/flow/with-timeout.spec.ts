import { settlesWithin, withTimeout } from './with-timeout.js';

const never = new Promise<string>(() => undefined);

describe('withTimeout', () => {
  it('resolves and rejects as the promise does when that is in time', async () => {
    expect(await withTimeout(Promise.resolve('value'), 60_000, () => 'late')).toBe('value');
    const failed = withTimeout(Promise.reject(new Error('no')), 60_000, () => 'late');
    await expect(failed).rejects.toThrow('no');
  });

  it('gives the result of the callback when the time is over first', async () => {
    expect(await withTimeout(never, 1, () => 'late')).toBe('late');
    const refuse = () => {
      throw new Error('too late');
    };
    await expect(withTimeout(never, 1, refuse)).rejects.toThrow('too late');
  });

  it('waits for times that are longer than timers can be', async () => {
    const soon = new Promise((resolve) => setTimeout(resolve, 20, 'value'));
    expect(await withTimeout(soon, Infinity, () => 'late')).toBe('value');
  });
});

describe('settlesWithin', () => {
  it('tells whether a promise settles in time, in whatever way', async () => {
    const all = [Promise.resolve(1), Promise.reject(new Error('no')), never];
    expect(await Promise.all(all.map((promise) => settlesWithin(promise, 50)))).toEqual([true, true, false]);
  });
});
