import fc from 'fast-check';
import { parseJson } from './parse-json.js';

describe('JSON of somebody else', () => {
  it('is what JSON.parse makes of it, brackets and quotes in texts included', () => {
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

  it('is refused where it is nested deeper than anybody writes', () => {
    expect(() => parseJson('['.repeat(200) + ']'.repeat(200))).not.toThrow();
    expect(() => parseJson('['.repeat(201) + ']'.repeat(201))).toThrow('JSON nested more than 200 deep');
    expect(() => parseJson('{"a":'.repeat(100_000))).toThrow(RangeError);
    expect(() => parseJson('[1')).toThrow(SyntaxError);
  });
});
