import fc from 'fast-check';
import { parseJson } from './parse-json.js';

describe('parseJson', () => {
  it('parses like JSON.parse, including brackets and quotes in strings', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(parseJson(JSON.stringify(['[{'.repeat(200), '\\"[', '"]']))).toEqual([
      '[{'.repeat(200),
      '\\"[',
      '"]',
    ]);
  });

  it('refuses more than 200 levels', () => {
    expect(() => parseJson('['.repeat(200) + ']'.repeat(200))).not.toThrow();
    expect(() => parseJson('['.repeat(201) + ']'.repeat(201))).toThrow('JSON nested more than 200 deep');
    expect(() => parseJson('{"a":'.repeat(100_000))).toThrow(RangeError);
    expect(() => parseJson('[1')).toThrow(SyntaxError);
  });
});
