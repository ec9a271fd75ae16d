import fc from 'fast-check';
import { TimeScale } from './time-scale.js';

const START = 1_700_000_000_000;
const moment = fc.integer({ min: 0, max: 100_000 });
const gaps = fc.array(
  fc
    .tuple(moment, moment)
    .map(([one, other]) => ({ from: START + Math.min(one, other), to: START + Math.max(one, other) })),
  { maxLength: 12 },
);

describe('TimeScale', () => {
  it('keeps the order of times and finds them again', () => {
    fc.assert(
      fc.property(gaps, fc.array(moment, { minLength: 2, maxLength: 20 }), (cuts, moments) => {
        const scale = new TimeScale(START, START + 100_000, cuts);
        const times = moments.map((offset) => START + offset).sort((one, other) => one - other);
        const places = times.map((time) => scale.placeOf(time));
        expect(places).toEqual(places.toSorted((one, other) => one - other));
        for (const [index, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual(0);
          expect(place).toBeLessThanOrEqual(scale.length + 1e-6);
          expect(Math.abs(scale.timeAt(place) - (times[index] ?? 0))).toBeLessThan(1);
        }
      }),
    );
  });

  it('shortens gaps, all together to a quarter of what remains at most', () => {
    const hour = 3_600_000;
    const scale = new TimeScale(0, 10 * hour, [{ from: hour, to: 9 * hour }]);
    expect(scale.length).toBeCloseTo(2 * hour * 1.02, -1);
    const many = Array.from({ length: 100 }, (_, index) => ({
      from: index * 1000 + 500,
      to: (index + 1) * 1000,
    }));
    expect(new TimeScale(0, 100_000, many).length).toBeCloseTo(50_000 * 1.25, -1);
    expect(new TimeScale(0, 100_000, []).length).toBe(100_000);
  });

  it('has a length where there is no time', () => {
    expect(new TimeScale(5, 5, []).length).toBe(1);
    expect(new TimeScale(5, 5, []).placeOf(5)).toBe(0);
  });
});
