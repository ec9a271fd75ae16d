import fc from 'fast-check';
import { ComparisonBudget, NumberedLines } from './numbered-lines.js';

/** Runs a generator to its end. */
function runToEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
  }
}

/** The naive search: compares at every line. */
function naive(lines: string[], searched: string[], from: number, end: number): number {
  for (let at = from; at + searched.length <= end; at++)
    if (searched.every((line, index) => lines[at + index]?.trim() === line.trim())) return at;
  return -1;
}

describe('NumberedLines', () => {
  it('finds the same as a naive search', () => {
    const lines = (maxLength: number) => fc.array(fc.constantFrom('a', 'a', ' a', 'b', ''), { maxLength });
    fc.assert(
      fc.property(lines(30), lines(6), fc.nat(32), fc.nat(30), (text, other, from, short) => {
        const end = Math.max(0, text.length - short);
        const numbered = runToEnd(NumberedLines.of(text, (line) => line.trim(), new ComparisonBudget()));
        for (const searched of [other, text.slice(from, from + 5)])
          expect(runToEnd(numbered.find(searched, from, end))).toBe(naive(text, searched, from, end));
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses to exceed its budget', () => {
    const budget = new ComparisonBudget();
    const numbered = runToEnd(NumberedLines.of(['a', 'b', 'a', 'a'], (line) => line, budget));
    budget.spend(200_000_000 - 6);
    expect(() => runToEnd(numbered.find(['a', 'a', 'b'], 0))).not.toThrow();
    expect(() => runToEnd(numbered.find(['b', 'b'], 0))).toThrow(/patch is too large/);
  });
});
