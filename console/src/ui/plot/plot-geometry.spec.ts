import fc from 'fast-check';
import {
  areaPath,
  barsPath,
  linearScale,
  linePath,
  nearestIndex,
  runsOf,
  ticksUpTo,
} from './plot-geometry.js';

const same = (value: number): number => value;

describe('ticksUpTo', () => {
  it('returns round numbers from 0, at most as many as fit', () => {
    expect(ticksUpTo(1000, 4)).toEqual([0, 500, 1000]);
    expect(ticksUpTo(7, 4)).toEqual([0, 2, 4, 6]);
    expect(ticksUpTo(0, 4)).toEqual([0]);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (max, count) => {
          const ticks = ticksUpTo(max, count);
          expect(ticks.length).toBeLessThanOrEqual(count + 1);
          expect(ticks.every((tick) => tick <= max * (1 + 1e-6))).toBe(true);
        },
      ),
    );
  });
});

describe('nearestIndex', () => {
  it('finds what a search of all places finds', () => {
    const places = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(places, fc.integer({ min: -50, max: 1050 }), (unsorted, x) => {
        const xs = unsorted.sort((a, b) => a - b);
        const found = xs[nearestIndex(xs, x) ?? -1] ?? NaN;
        expect(Math.abs(found - x)).toBe(Math.min(...xs.map((one) => Math.abs(one - x))));
      }),
    );
    expect(nearestIndex([], 3)).toBeNull();
  });
});

describe('runsOf', () => {
  it('breaks at places without a value, unless it spans gaps', () => {
    const values = [1, null, 3, 4];
    const xs = [0, 10, 20, 30];
    expect(runsOf(xs, values, { x: same, y: same, spansGaps: false })).toEqual([
      [[0, 1]],
      [
        [20, 3],
        [30, 4],
      ],
    ]);
    expect(runsOf(xs, values, { x: same, y: same, spansGaps: true })).toEqual([
      [
        [0, 1],
        [20, 3],
        [30, 4],
      ],
    ]);
    expect(runsOf([], [], { x: same, y: same, spansGaps: true })).toEqual([]);
  });

  it('keeps the extremes of each column of pixels, and at most two points of it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 400 }), (values) => {
        const xs = values.map((_, index) => index);
        const x = linearScale([0, values.length], [0, 10]);
        const points = runsOf(xs, values, { x, y: same, spansGaps: false }).flat();
        for (let column = 0; column < 10; column++) {
          const all = values.filter((_, index) => Math.floor(x(index)) === column);
          const kept = points.filter(([at]) => Math.floor(at) === column).map(([, y]) => y);
          expect(kept.length).toBeLessThanOrEqual(2);
          if (all.length === 0) continue;
          expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...all), Math.max(...all)]);
        }
      }),
    );
  });
});

describe('paths', () => {
  it('draw lines, areas and bars in pixels', () => {
    const runs = runsOf([0, 10], [4, 5], { x: same, y: same, spansGaps: false });
    expect(linePath(runs)).toBe('M0 4L10 5');
    expect(areaPath(runs, 20)).toBe('M0 20L0 4L10 5L10 20Z');
    expect(barsPath(runs, 20, 4)).toBe('M-2 20V4h4V20ZM8 20V5h4V20Z');
    expect(linePath([[[1, 2]]])).toBe('M1 2h.01');
  });
});
