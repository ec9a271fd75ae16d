import fc from 'fast-check';
import { HIDDEN, StreamMask, TextMask } from './text-mask.js';

/** Few different characters, so that secrets overlap and share prefixes. */
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), minLength: 1, maxLength: 12 });
const values = fc.array(word, { maxLength: 5 });
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
const HUGE = 'xyz'.repeat(40_000);
const MANY = Array.from({ length: 2_000 }, (_, n) => `token-${n}-xyz`);

describe('TextMask', () => {
  it('masks the longest of several secrets that start at the same position', () => {
    const mask = new TextMask(['key', 'key-and-more', HUGE]);
    expect(mask.mask(`a key, key-and-more, key-and, ${HUGE}`)).toBe(
      `a ${HIDDEN}, ${HIDDEN}, ${HIDDEN}-and, ${HIDDEN}`,
    );
    expect(mask.split(`a key, key-an`)).toEqual({ ready: `a ${HIDDEN}, `, rest: 'key-an' });
  });

  it('masks long words of a multi-line secret and its JSON form', () => {
    const secret = `first-word-of-the-secret short\nsecond-word-of-the-secret\n`;
    const mask = new TextMask([secret]);
    expect(mask.mask('1: first-word-of-the-secret short')).toBe(`1: ${HIDDEN} short`);
    expect(mask.mask(JSON.stringify({ secret: secret.trim() }))).toBe(`{"secret":"${HIDDEN}"}`);
  });
});

describe('StreamMask', () => {
  it('masks the same text in chunks as TextMask does in the whole', () => {
    fc.assert(
      fc.property(
        values,
        fc.array(text, { maxLength: 6 }),
        fc.constantFrom([], [HUGE], MANY),
        (some, pieces, more) => {
          const secrets = [...some, ...more];
          const mask = new TextMask(secrets);
          const stream = new StreamMask(() => mask);
          const shown = pieces.map((piece) => stream.write(piece)).join('') + stream.end();
          const whole = pieces.join('');
          expect(shown.replaceAll(HIDDEN, '')).toBe(mask.mask(whole).replaceAll(HIDDEN, ''));
        },
      ),
      { numRuns: 200 },
    );
  });
});
