import fc from 'fast-check';
import { containsWord, matchedTrigger } from './triggers.js';

describe('skill triggers', () => {
  it.each([
    ['use FROG, please', 'frog', true],
    ['frogs', 'frog', false],
    ['a2frog', 'frog', false],
    ['frog_legs', 'frog', true],
    ['c++, of course', 'c++', true],
    ['say /plugin:greet Bob', '/plugin:greet', true],
    ['many  words', 'many words', false],
    ['überfrog', 'frog', false],
    ['𝒜frog', 'frog', false],
    ['frogs and a frog', 'frog', true],
    ['anything', '  ', false],
  ])('finds in %j the whole word %j: %s', (text, word, expected) => {
    expect(containsWord(text, word)).toBe(expected);
  });

  it('finds the same words as a regular expression', () => {
    const piece = fc.constantFrom('a', 'B', 'ab', ' ', '-', '+', '.', 'é', '中', '😀', '7', '(');
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, (whole, word) => {
        const wanted = word.trim().toLowerCase();
        const escaped = wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'u');
        expect(containsWord(whole, word)).toBe(wanted !== '' && pattern.test(whole.toLowerCase()));
      }),
      { numRuns: 2_000 },
    );
  });

  it('matches triggers of keywords and tasks, never paths', () => {
    expect(matchedTrigger({ trigger: { type: 'task', triggers: ['x', '/do'] } }, 'please /do it')).toBe(
      '/do',
    );
    expect(matchedTrigger({ trigger: { type: 'path', paths: ['x'] } }, 'x')).toBeUndefined();
    expect(matchedTrigger({ trigger: null }, 'x')).toBeUndefined();
  });

  it('takes linear time, also for very long words', () => {
    const started = performance.now();
    const text = 'a'.repeat(500_000);
    for (const length of [200, 100_000])
      expect(containsWord(text, `${'a'.repeat(length / 2)}b${'a'.repeat(length / 2)}`)).toBe(false);
    expect(containsWord(`the ${'b'.repeat(150)}!`, 'b'.repeat(150))).toBe(true);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
