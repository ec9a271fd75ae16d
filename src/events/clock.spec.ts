import { eventTimestamp, formatLocal, utcTimestamp } from './clock.js';

describe('event timestamps', () => {
  it('are naive local time with microseconds and strictly increase', () => {
    const stamps = Array.from({ length: 1000 }, () => eventTimestamp());
    expect(stamps.every((stamp) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(stamp))).toBe(true);
    expect(new Set(stamps).size).toBe(1000);
    expect([...stamps].sort()).toEqual(stamps);
  });

  it('keep microseconds apart from seconds', () => {
    expect(formatLocal(1_000_000 * 60 + 5).slice(-9)).toBe('00.000005');
  });

  it('in UTC end with Z', () => {
    expect(utcTimestamp()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });
});
