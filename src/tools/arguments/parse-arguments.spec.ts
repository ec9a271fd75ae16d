import fc from 'fast-check';
import { parseArguments } from './parse-arguments.js';

describe('parseArguments', () => {
  it('never throws and returns an object or an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const parsed = parseArguments(text);
        expect(parsed.ok ? typeof parsed.args : typeof parsed.error).toBe(parsed.ok ? 'object' : 'string');
      }),
    );
  });

  it('treats __proto__ as an ordinary field', () => {
    const parsed = parseArguments('{"__proto__": {"polluted": true}, "a": 1}');
    expect(parsed.ok && Object.keys(parsed.args)).toEqual(['__proto__', 'a']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
