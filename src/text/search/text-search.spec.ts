import fc from 'fast-check';
import { TextSearch } from './text-search.js';

describe('TextSearch', () => {
  it('finds what indexOf finds, for short and for long texts', () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.array(fc.constantFrom('a', 'a', 'a', 'b'), { minLength, maxLength }).map((all) => all.join(''));
    fc.assert(
      fc.property(
        letters(0, 80),
        letters(0, 90),
        letters(0, 80),
        fc.nat(100),
        (before, searched, after, from) => {
          const search = new TextSearch(searched);
          for (const text of [before + searched + after, before + after, (searched + before).repeat(2)])
            expect(search.indexIn(text, from)).toBe(text.indexOf(searched, from));
        },
      ),
    );
  });

  it('takes linear time in the worst case of indexOf', () => {
    const started = performance.now();
    const half = 'a'.repeat(500_000);
    expect(new TextSearch(`${half}b${half}`).indexIn('a'.repeat(3_000_000))).toBe(-1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
