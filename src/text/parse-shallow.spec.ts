import { parseShallow } from './parse-shallow.js';

describe('parseShallow', () => {
  it('reads JSON up to a depth, and refuses any depth beyond it without a stack overflow', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(JSON.stringify(parseShallow(nested(200)))).toBe(nested(200));
    expect(() => parseShallow(nested(201))).toThrow(SyntaxError);
    expect(() => parseShallow(nested(1_000_000))).toThrow('more than 200 levels');
    expect(() => parseShallow('{')).toThrow(SyntaxError);
  });
});
