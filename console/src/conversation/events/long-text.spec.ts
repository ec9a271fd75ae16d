import fc from 'fast-check';
import { excerpt } from './long-text.js';

describe('excerpts of long texts', () => {
  it('has the first or the last lines', () => {
    const text = 'a\nb\nc\nd';
    expect(excerpt(text, 2, 100, 'start')).toEqual({ text: 'a\nb', hiddenLines: 2, hiddenCharacters: 4 });
    expect(excerpt(text, 2, 100, 'end')).toEqual({ text: 'c\nd', hiddenLines: 2, hiddenCharacters: 4 });
    expect(excerpt(text, 9, 100, 'end')).toEqual({ text, hiddenLines: 0, hiddenCharacters: 0 });
    expect(excerpt('x'.repeat(50), 9, 10, 'start').text).toBe('x'.repeat(10));
  });

  it('is a part of the text within its bounds', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', '\n'), maxLength: 60 });
    fc.assert(
      fc.property(
        texts,
        fc.nat(8),
        fc.nat(30),
        fc.constantFrom('start', 'end'),
        (text, lines, characters, side) => {
          const part = excerpt(text, lines + 1, characters + 1, side);
          expect(side === 'start' ? text.startsWith(part.text) : text.endsWith(part.text)).toBe(true);
          expect(part.text.length).toBeLessThanOrEqual(characters + 1);
          expect(part.text.split('\n').length).toBeLessThanOrEqual(lines + 1);
          expect(part.hiddenCharacters).toBe(text.length - part.text.length);
        },
      ),
    );
  });
});
