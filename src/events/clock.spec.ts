import { jest } from '@jest/globals';
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

describe('event timestamps while the clock on the wall is set', () => {
  let off = 0;
  beforeAll(() => {
    const real = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => real() + off);
  });
  afterAll(() => jest.restoreAllMocks());

  const HOUR_MS = 3_600_000;
  /** How far a timestamp is from what the clock shows (ms). */
  const lag = (timestamp: string) => Date.now() - Date.parse(timestamp.slice(0, 23));

  it('follow it forward, as after a machine has slept', () => {
    eventTimestamp();
    off = 8 * HOUR_MS;
    expect(Math.abs(lag(eventTimestamp()))).toBeLessThan(1000);
  });

  it('never go back, and are right again once the clock is there', () => {
    const before = eventTimestamp();
    off -= HOUR_MS;
    const stamps = [before, ...Array.from({ length: 100 }, () => eventTimestamp())];
    expect([...new Set(stamps)].sort()).toEqual(stamps);
    expect(lag(eventTimestamp())).toBeLessThan(1000 - HOUR_MS);
    off += HOUR_MS + 1000;
    expect(Math.abs(lag(eventTimestamp()))).toBeLessThan(1000);
  });

  it('are behind the last one of their log', () => {
    const future = formatLocal((Date.now() + HOUR_MS) * 1000 + 5);
    expect(eventTimestamp(future)).toBe(`${future.slice(0, -1)}6`);
    expect(eventTimestamp('2999-12-31T23:59:59.999999')).toBe('3000-01-01T00:00:00.000000');
    const now = eventTimestamp('2001-01-01T00:00:00.000000');
    expect(now > '2020').toBe(true);
  });

  it('take no notice of what is no timestamp', () => {
    for (const odd of ['', 'zzz', '2999-13-45T00:00:00.000000', '2999-01-01T00:00:00Z']) {
      expect(Math.abs(lag(eventTimestamp(odd)))).toBeLessThan(1000);
    }
  });
});
