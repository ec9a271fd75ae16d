import { jest } from '@jest/globals';
import { eventTimestamp, formatLocal, isoTime, utcTimestamp } from './clock.js';

describe('event timestamps', () => {
  it('creates timestamps in local time with microseconds that strictly increase', () => {
    const stamps = Array.from({ length: 1000 }, () => eventTimestamp());
    expect(stamps.every((stamp) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(stamp))).toBe(true);
    expect(new Set(stamps).size).toBe(1000);
    expect([...stamps].sort()).toEqual(stamps);
  });

  it('pads the microseconds of a timestamp', () => {
    expect(formatLocal(1_000_000 * 60 + 5).slice(-9)).toBe('00.000005');
  });

  it('stays within the years 1 to 9999, which all clients can read', () => {
    expect(isoTime(8.64e15)).toBe('9999-12-31T23:59:59.999Z');
    expect(isoTime(-8.64e15)).toBe('0001-01-01T00:00:00.000Z');
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
    expect(eventTimestamp('9999-12-31T23:59:59.999999')).toMatch(/^9999-12-31T/);
  });

  it('ends timestamps in UTC with Z', () => {
    expect(utcTimestamp()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });
});

describe('event timestamps while the system clock is changed', () => {
  let off = 0;
  beforeAll(() => {
    const real = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => real() + off);
  });
  afterAll(() => jest.restoreAllMocks());

  const HOUR_MS = 3_600_000;
  /** Difference between the clock and a timestamp (ms). */
  const lag = (timestamp: string) => Date.now() - Date.parse(timestamp.slice(0, 23));

  it('follows the clock forward, as after a suspend', () => {
    eventTimestamp();
    off = 8 * HOUR_MS;
    expect(Math.abs(lag(eventTimestamp()))).toBeLessThan(1000);
  });

  it('never goes back, and is right again once the clock has caught up', () => {
    const before = eventTimestamp();
    off -= HOUR_MS;
    const stamps = [before, ...Array.from({ length: 100 }, () => eventTimestamp())];
    expect([...new Set(stamps)].sort()).toEqual(stamps);
    expect(lag(eventTimestamp())).toBeLessThan(1000 - HOUR_MS);
    off += HOUR_MS + 1000;
    expect(Math.abs(lag(eventTimestamp()))).toBeLessThan(1000);
  });

  it('creates a timestamp after the last one of the log', () => {
    const future = formatLocal((Date.now() + HOUR_MS) * 1000 + 5);
    expect(eventTimestamp(future)).toBe(`${future.slice(0, -1)}6`);
    expect(eventTimestamp('2999-12-31T23:59:59.999999')).toBe('3000-01-01T00:00:00.000000');
    const now = eventTimestamp('2001-01-01T00:00:00.000000');
    expect(now > '2020').toBe(true);
  });

  it('ignores a previous timestamp that is invalid', () => {
    for (const odd of ['', 'zzz', '2999-13-45T00:00:00.000000', '2999-01-01T00:00:00Z']) {
      expect(Math.abs(lag(eventTimestamp(odd)))).toBeLessThan(1000);
    }
  });
});
