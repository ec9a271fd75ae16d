import fc from 'fast-check';
import { compareLines, type DiffRow } from './line-diff.js';

const text = fc
  .array(fc.constantFrom('one', 'two', 'three', ''), { maxLength: 30 })
  .map((lines) => lines.join('\n'));

describe('compareLines', () => {
  it('pairs removed and added lines, with three equal ones around them', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const after = before.with(10, 'changed').toSpliced(11, 0, 'added');
    const parts = compareLines(`${before.join('\n')}\n`, `${after.join('\n')}\n`);
    expect(parts).toMatchObject([7, { length: 8 }, 6]);
    const rows = parts?.[1] as DiffRow[];
    expect(rows.map(({ isSame }) => isSame)).toEqual([true, true, true, false, false, true, true, true]);
    expect(rows[3]).toEqual({
      left: { number: 11, text: 'line 10' },
      right: { number: 11, text: 'changed' },
      isSame: false,
    });
    expect(rows[4]).toEqual({ left: null, right: { number: 12, text: 'added' }, isSame: false });
  });

  it('counts each line of both texts once', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const parts = compareLines(before, after) ?? [];
        const lines = (side: 'left' | 'right'): number =>
          parts
            .map((part) =>
              typeof part === 'number' ? part : part.filter((row) => row[side] !== null).length,
            )
            .reduce((sum, count) => sum + count, 0);
        const count = (whole: string): number =>
          whole.split('\n').length - (whole === '' || whole.endsWith('\n') ? 1 : 0);
        expect([lines('left'), lines('right')]).toEqual([count(before), count(after)]);
      }),
    );
  });

  it('gives up on long texts that have nothing in common', () => {
    const lines = (word: string): string =>
      Array.from({ length: 10_000 }, (_, index) => `${word} ${index}`).join('\n');
    expect(compareLines(lines('before'), lines('after'))).toBeNull();
  });
});
