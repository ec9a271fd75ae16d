import fc from 'fast-check';
import { encodeJson } from './encode-json.js';

/** The JSON, and in how many parts it was written. */
function encoded(value: unknown): { json: string; parts: number } {
  const work = encodeJson(value);
  for (let parts = 1; ; parts += 1) {
    const part = work.next();
    if (part.done) return { json: Buffer.concat(part.value).toString(), parts };
  }
}

const LONG = 300_000;

describe('encodeJson', () => {
  it('writes what JSON.stringify does', () => {
    const unit = fc.oneof(
      fc.constantFrom('\\', '"', '\n', '\ud83d', '\ude80', '\u2028'),
      fc.string({ unit: 'binary' }),
    );
    const long = fc.array(unit, { minLength: 1, maxLength: 20 }).map((units) => {
      const text = units.join('') || 'x';
      return text.repeat(Math.ceil(LONG / text.length));
    });
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue(),
        long,
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }),
        fc.record({ content: tie('any'), absent: fc.constant(undefined) }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (any) => {
        expect(encoded(any).json === JSON.stringify(any)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('writes long strings in parts', () => {
    expect(encoded({ content: 'x'.repeat(4_000_000), other: 'short' }).parts).toBeGreaterThan(30);
    expect(encoded({ content: 'short' }).parts).toBe(1);
  });
});
