import fc from 'fast-check';
import { anyCharacter } from '../../test/support/any-character.js';
import { decodeInParts, Utf8Text } from './index.js';

const KIB = 1024;

/** What is decoded of bytes that come in pieces of these lengths, again and again. */
function decoded(bytes: Buffer, lengths: readonly number[]): string | undefined {
  const text = new Utf8Text();
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const end = at + (lengths[piece % lengths.length] ?? 1);
    text.push(bytes.subarray(at, end));
    at = end;
  }
  expect(text.size).toBe(bytes.length);
  return text.end()?.join('');
}

/** Long enough to be decoded while it comes, with characters of one to four bytes at each border. */
const long = fc
  .record({
    start: fc.string({ unit: anyCharacter, maxLength: 3 }),
    pattern: fc.string({ unit: anyCharacter, minLength: 1, maxLength: 7 }),
  })
  .map(({ start, pattern }) => start + pattern.repeat(Math.ceil((300 * KIB) / pattern.length)));

const lengths = fc.array(fc.integer({ min: 1, max: 300 * KIB }), { minLength: 1, maxLength: 5 });
/** Most of them large: a megabyte of single bytes takes its time. */
const large = lengths.filter((all) => Math.max(...all) > 50 * KIB);

describe('Utf8Text', () => {
  it('decodes characters that are split between pieces', () => {
    fc.assert(
      fc.property(long, large, (text, cuts) => {
        const bytes = Buffer.from(text);
        expect(decoded(bytes, cuts) === bytes.toString()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('decodes short and empty text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 5 }), (text) => {
        const bytes = Buffer.from(text);
        expect(decoded(bytes, [1])).toBe(bytes.toString());
      }),
    );
  });

  it('returns undefined if any part is not UTF-8', () => {
    const wrong = fc.constantFrom(
      [0xff],
      [0x80],
      [0xc3],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98],
      [0xed, 0xa0, 0x80],
    );
    fc.assert(
      fc.property(fc.nat(600 * KIB), wrong, large, (before, bad, cuts) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 'x'), Buffer.from(bad), Buffer.alloc(9, 'y')]);
        expect(decoded(bytes, cuts)).toBeUndefined();
        expect(decoded(bytes.subarray(0, -9), cuts)).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('decodes a long text in several parts with decodeInParts', () => {
    const text = 'ö'.repeat(500 * KIB);
    const decoding = decodeInParts(Buffer.from(text));
    let parts = 1;
    let step = decoding.next();
    for (; step.done !== true; step = decoding.next()) parts += 1;
    expect([step.value?.join('') === text, parts]).toEqual([true, 4]);
  });
});

describe('Utf8Text of single bytes', () => {
  it('needs little more memory than the bytes', () => {
    const bytes = Buffer.from('ä'.repeat(30_000));
    const before = process.memoryUsage().heapUsed;
    const texts = Array.from({ length: 40 }, () => {
      const text = new Utf8Text();
      for (let at = 0; at < bytes.length; at += 1) text.push(bytes.subarray(at, at + 1));
      return text;
    });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
    for (const text of texts) expect(text.end()?.join('')).toBe(bytes.toString());
  });
});
