import fc from 'fast-check';
import { decodeJson, JsonDecodeError } from './python-json.js';

describe('decodeJson', () => {
  it('parses what JSON.parse parses', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        expect(decodeJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('rejects what JSON.parse rejects, except control characters in strings', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', ',', 'x', '\\', ' '))
      .map(
        ([text, at, char]) =>
          text.slice(0, at % (text.length + 1)) + char + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(damaged, (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => decodeJson(text)).toThrow(JsonDecodeError);
          return;
        }
        expect(decodeJson(text)).toEqual(expected);
      }),
    );
  });

  it('accepts raw control characters in strings', () => {
    expect(decodeJson('{\n"a": "x\ny\u0001\t"}')).toEqual({ a: 'x\ny\u0001\t' });
  });

  it('reports positions in characters, not UTF-16 units', () => {
    expect(() => decodeJson('{"😀": 1,\n"b" 2}')).toThrow(
      "Expecting ':' delimiter: line 2 column 5 (char 13)",
    );
  });

  it('rejects too many values or characters', () => {
    expect(() => decodeJson(`[${'{},'.repeat(30_000)}{}]`)).toThrow('Too many values');
    expect(() => decodeJson(`"${'x'.repeat(3_000_000)}"`)).toThrow('More than 2097152 characters');
    expect(decodeJson(`[${'1,'.repeat(20_000)}1]`)).toHaveLength(20_001);
  });

  it('rejects deep nesting instead of overflowing the stack', () => {
    expect(() => decodeJson('['.repeat(100_000))).toThrow(JsonDecodeError);
  });
});
