import fc from 'fast-check';
import { diffRows } from './diff-rows.js';

const text = fc
  .array(fc.constantFrom('one', 'two', 'three', ''), { maxLength: 30 })
  .map((lines) => lines.join('\n'));

describe('diffRows', () => {
  it('pairs removed and added lines, with three unchanged ones around them', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const after = before.with(10, 'changed').toSpliced(11, 0, 'added');
    const rows = diffRows(`${before.join('\n')}\n`, `${after.join('\n')}\n`);
    expect(rows?.map((row) => (row.kind === 'skipped' ? row.count : row.kind))).toEqual([
      7,
      ...['same', 'same', 'same', 'changed', 'changed', 'same', 'same', 'same'],
      6,
    ]);
    expect(rows?.[4]).toEqual({
      kind: 'changed',
      left: { number: 11, text: 'line 10' },
      right: { number: 11, text: 'changed' },
    });
    expect(rows?.[5]).toEqual({ kind: 'changed', left: undefined, right: { number: 12, text: 'added' } });
  });

  it('counts each line of both texts once', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const rows = diffRows(before, after) ?? [];
        const lines = (side: 'left' | 'right'): number =>
          rows.reduce((sum, row) => sum + (row.kind === 'skipped' ? row.count : row[side] ? 1 : 0), 0);
        const count = (whole: string): number =>
          whole.split('\n').length - (whole === '' || whole.endsWith('\n') ? 1 : 0);
        expect([lines('left'), lines('right')]).toEqual([count(before), count(after)]);
      }),
    );
  });

  it('gives up on long texts that have nothing in common', () => {
    const lines = (word: string): string =>
      Array.from({ length: 20_000 }, (_, index) => `${word} ${index}`).join('\n');
    expect(diffRows(lines('before'), lines('after'))).toBeUndefined();
  });
});
