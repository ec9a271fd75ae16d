import { memoize } from './memoize.js';

describe('a function that remembers', () => {
  it('is asked once for each text, also where the answer is undefined', () => {
    const asked: string[] = [];
    const length = memoize((text) => {
      asked.push(text);
      return text === '' ? undefined : text.length;
    });
    expect(['a', '', 'bb', 'a', ''].map(length)).toEqual([1, undefined, 2, 1, undefined]);
    expect(asked).toEqual(['a', '', 'bb']);
  });

  it('forgets when there are too many, and never keeps long ones', () => {
    const asked: string[] = [];
    const length = memoize((text) => asked.push(text), 2);
    for (const text of ['a', 'b', 'c', 'a', 'x'.repeat(300), 'x'.repeat(300), 'a']) length(text);
    expect(asked.map((text) => text.slice(0, 1)).join('')).toBe('abcaxx');
  });

  it('remembers no failure', () => {
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
