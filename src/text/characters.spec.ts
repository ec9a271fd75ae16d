import fc from 'fast-check';
import { characterCount, firstCharacters } from './characters.js';

/** Lone halves of characters included. */
const TEXT = fc.string({
  unit: fc.oneof(fc.constantFrom('\ud83d', '\ude80', '🚀', 'ä', '你'), fc.string({ maxLength: 1 })),
});

describe('characters', () => {
  it('counts characters as code points', () => {
    fc.assert(
      fc.property(TEXT, fc.nat(12), (text, count) => {
        const all = Array.from(text);
        expect(characterCount(text)).toBe(all.length);
        expect(firstCharacters(text, count)).toBe(all.slice(0, count).join(''));
      }),
    );
  });
});
