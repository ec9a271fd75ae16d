import { memoize } from './memoize.js';

describe('memoize', () => {
  it('calls the function once for each text, also for undefined results', () => {
    const asked: string[] = [];
    const length = memoize((text) => {
      asked.push(text);
      return text === '' ? undefined : text.length;
    });
    expect(['a', '', 'bb', 'a', ''].map(length)).toEqual([1, undefined, 2, 1, undefined]);
    expect(asked).toEqual(['a', '', 'bb']);
  });

  it('discards all results at the limit and never keeps those of long texts', () => {
    const asked: string[] = [];
    const length = memoize((text) => asked.push(text), 2);
    for (const text of ['a', 'b', 'c', 'a', 'x'.repeat(300), 'x'.repeat(300), 'a']) length(text);
    expect(asked.map((text) => text.slice(0, 1)).join('')).toBe('abcaxx');
  });

  it('does not cache failures', () => {
    let times = 0;
    const fails = memoize(() => {
      times += 1;
      if (times === 1) throw new Error('once');
      return times;
    });
    expect(() => fails('a')).toThrow('once');
    expect(fails('a')).toBe(2);
  });
});
