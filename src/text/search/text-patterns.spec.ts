import fc from 'fast-check';
import { TextPatterns, type PatternMatch } from './text-patterns.js';

/** Few characters, so that patterns overlap, contain each other and begin alike. */
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '𐍈', '.'), minLength: 1, maxLength: 12 });
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
/** Too many beginnings for an expression, and nowhere in the texts. */
const MANY = Array.from({ length: 500 }, (_, n) => `${n}-token-xyz`);

/** From the front: the first place of any pattern, and of those in one place the longest. */
function foundByHand(patterns: readonly string[], text: string): PatternMatch[] {
  const found: PatternMatch[] = [];
  for (let start = 0; start < text.length; start += 1) {
    const here = patterns.filter((pattern) => pattern !== '' && text.startsWith(pattern, start));
    if (here.length === 0) continue;
    const end = start + Math.max(...here.map(({ length }) => length));
    found.push({ start, end });
    start = end - 1;
  }
  return found;
}

function openByHand(patterns: readonly string[], text: string): number[] {
  return Array.from({ length: text.length }, (_, start) => start).filter((start) => {
    const end = text.slice(start);
    return patterns.some((pattern) => pattern.length > end.length && pattern.startsWith(end));
  });
}

/** How long it takes (ms). */
function duration(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

describe('TextPatterns', () => {
  it.each<[string, string[]]>([
    ['few', ['']],
    ['many', MANY],
  ])('finds the same as a naive search: %s patterns', (_name, more) => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), text, (some, searched) => {
        const all = [...some, ...more];
        const patterns = new TextPatterns(all);
        expect(patterns.find(searched)).toEqual(foundByHand(all, searched));
        expect(patterns.openEnds(searched)).toEqual(openByHand(all, searched));
      }),
      { numRuns: 500 },
    );
  });

  it('finds one of many patterns', () => {
    const patterns = new TextPatterns(MANY);
    expect(patterns.find('text 123-token-xyz')).toEqual([{ start: 5, end: 18 }]);
    expect(patterns.openEnds('text 123-token-xy')).toEqual([5, 6, 7]);
  });

  // Each took from many seconds to hours where patterns were looked for one by one. Bounds are ten times what
  // is usual.
  it.each<[string, string[], string]>([
    ['begin alike', Array.from({ length: 4000 }, (_, n) => 'a'.repeat(n + 97)), 'a'.repeat(1_000_000)],
    ['begin alike and end in nothing', ['a', `${'a'.repeat(4000)}b`], 'a'.repeat(1_000_000)],
    [
      'end alike',
      Array.from({ length: 4000 }, (_, n) => `${n}${'a'.repeat(1000)}`),
      `${'a'.repeat(999)}b`.repeat(1000),
    ],
    ['are as long as the text', ['s'.repeat(1_000_000)], `t${'s'.repeat(999_999)}`],
    ['share heads', Array.from({ length: 16 }, (_, n) => `aaaaaaa${n}`), 'a'.repeat(1_000_000)],
  ])('takes no longer than the text is long when patterns %s', (_name, all, searched) => {
    const took = duration(() => {
      const patterns = new TextPatterns(all);
      patterns.find(searched);
      patterns.openEnds(searched);
    });
    expect(took).toBeLessThan(10_000);
  });
});
