import { jest } from '@jest/globals';
import fc from 'fast-check';
import { parseInParts } from './index.js';

/**
 * What is read of JSON that is cut at these places, surrogate pairs left whole; `undefined` where that
 * throws.
 */
function readIn(json: string, cuts: readonly number[]): { value: unknown } | undefined {
  const places = [...new Set(cuts.map((cut) => cut % (json.length + 1)))]
    .filter((cut) => !/^[\udc00-\udfff]/.test(json.slice(cut, cut + 1)))
    .sort((a, b) => a - b);
  const parts = [0, ...places].map((from, n) => json.slice(from, places[n]));
  return attempt(() => {
    const reading = parseInParts(parts);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return step.value;
    }
  });
}

function attempt(read: () => unknown): { value: unknown } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return undefined;
  }
}

const LONG = 64 * 1024;

/** Strings that are read on their own, most of their characters escaped. */
const longText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 5 })
  .map((pattern) => pattern.repeat(Math.ceil(LONG / pattern.length)));
const texts = fc.oneof({ weight: 3, arbitrary: longText }, fc.string());
const keys = fc.oneof(fc.constantFrom('a', 'b', '__proto__', '\\"'), fc.string(), longText);
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    texts,
    fc.jsonValue(),
    fc.array(tie('value'), { maxLength: 3 }),
    // Pairs in the text, so that keys come twice.
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((pairs) => ({ pairs })),
  ),
}));

/**
 * JSON of these values, in which objects may have a key twice, and characters may be escaped without need.
 */
function written(value: unknown, escape: boolean): string {
  if (Array.isArray(value)) return `[ ${value.map((item) => written(item, escape)).join(',')}]`;
  if (typeof value === 'string') return text(value, escape);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = 'pairs' in value ? (value.pairs as [string, unknown][]) : Object.entries(value);
  return `{${pairs.map(([key, item]) => `${text(key, escape)}\n: ${written(item, escape)}`).join(' ,')}}`;
}

function text(value: string, escape: boolean): string {
  if (!escape) return JSON.stringify(value);
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

const documents = fc.tuple(values, fc.boolean()).map(([value, escape]) => written(value, escape));
const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe('JSON that is there in parts', () => {
  it('is what it is in one piece, wherever it is cut', () => {
    fc.assert(
      fc.property(documents, cuts, (json, places) => {
        expect(readIn(json, places)).toEqual(attempt(() => JSON.parse(json) as unknown));
      }),
      { numRuns: 120 },
    );
  });

  it('is none where it is none in one piece', () => {
    const damage = fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom('', '"', '\\', '\\u12', '\n', '}', 'x'));
    fc.assert(
      fc.property(documents, damage, cuts, (json, [place, length, put], places) => {
        const at = place % (json.length + 1);
        const damaged = json.slice(0, at) + put + json.slice(at + length);
        expect(readIn(damaged, places)).toEqual(attempt(() => JSON.parse(damaged)));
      }),
      { numRuns: 120 },
    );
  });

  it('keeps what looks like an ancestor of an object a value of it', () => {
    const long = 'x'.repeat(LONG);
    const json = `{"__proto__":"${long}","a":1}`;
    const value = readIn(json, [100, 200])?.value as object;
    expect(Object.entries(value)).toEqual(Object.entries(JSON.parse(json) as object));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('is read part by part, wherever it is cut', () => {
    const pattern = 'abc"\\\n\u0001äöü';
    const json = JSON.stringify({ text: pattern.repeat(12_000), more: ['x', pattern.repeat(7_000)] });
    const size = 50_000;
    const read = jest.spyOn(JSON, 'parse');
    try {
      for (let first = 1; first <= 2 * JSON.stringify(pattern).length; first += 1) {
        const starts = Array.from({ length: Math.ceil(json.length / size) }, (_, n) => first + n * size);
        expect(readIn(json, starts) !== undefined).toBe(true);
      }
      const longest = Math.max(...read.mock.calls.map(([text]) => text.length));
      expect(longest).toBeLessThan(size + 10);
    } finally {
      read.mockRestore();
    }
  });
});
