import fc from 'fast-check';
import { pythonJson, pythonRepr } from './python-text.js';

describe('pythonJson', () => {
  it('writes JSON that is parsed to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // JSON has no -0 once Python has written it.
        expect(JSON.parse(pythonJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('writes ASCII with spaces after commas and colons', () => {
    expect(pythonJson({ a: ['é', '😀', '\u007f'], b: null, c: 1.5e-7, d: 1e22, e: undefined })).toBe(
      '{"a": ["\\u00e9", "\\ud83d\\ude00", "\\u007f"], "b": null, "c": 1.5e-07, "d": 1e+22}',
    );
  });
});

describe('pythonRepr', () => {
  it.each([
    ["it's", `"it's"`],
    [`"it's"`, `'"it\\'s"'`],
    ['say "hi"', `'say "hi"'`],
    ['a\\b\n\t\r', `'a\\\\b\\n\\t\\r'`],
    ['\u0007\u00a0\u2028\u200b é✓😀', `'\\x07\\xa0\\u2028\\u200b é✓😀'`],
    [null, 'None'],
    [{ a: [true, false], "b'": 0.00001 }, `{'a': [True, False], "b'": 1e-05}`],
    [-0, '0'],
  ])('writes %j as Python does', (value, repr) => {
    expect(pythonRepr(value)).toBe(repr);
  });
});
