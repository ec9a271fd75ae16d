import fc from 'fast-check';
import { JsonBoundsError, JsonSize } from './json-size.js';

/** All values of a document, containers included. */
function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, item) => sum + countOf(item), 1);
}

function passes(text: string, values: number, cuts: readonly number[] = []): boolean {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const size = new JsonSize({ values, depth: 1000 });
  let from = 0;
  try {
    for (const end of ends) {
      size.push(bytes.subarray(from, end));
      from = end;
    }
    return true;
  } catch (error) {
    if (error instanceof JsonBoundsError) return false;
    throw error;
  }
}

describe('JsonSize', () => {
  it('counts values, wherever the bytes are split', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.nat(), { maxLength: 5 }), fc.nat(2), (value, cuts, indent) => {
        const text = JSON.stringify(value, null, indent);
        const count = countOf(value);
        expect([passes(text, count, cuts), passes(text, count - 1, cuts)]).toEqual([true, false]);
      }),
    );
  });

  it('ignores the content of strings, including escapes at the ends of pieces', () => {
    const text = JSON.stringify(['\\', '"[[[,,,{{{', '\\"', 'a\\\\"[,']);
    for (let cut = 0; cut <= text.length; cut += 1) expect(passes(text, 5, [cut, cut + 1])).toBe(true);
  });

  it('refuses deep nesting before the rest has arrived', () => {
    const size = new JsonSize({ values: 1000, depth: 3 });
    size.push(Buffer.from('[[['));
    expect(() => size.push(Buffer.from('['))).toThrow('Nested more than 3 levels deep');
  });

  it('accepts bytes that are not JSON', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => new JsonSize().push(Buffer.from(bytes))));
  });
});
