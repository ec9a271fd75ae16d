import { findZone, TimeShift, zoneOf } from './time-shift.js';

/** The moment of a timestamp of this server. */
function moment(timestamp: string | undefined): string {
  return new Date(timestamp ?? '').toISOString();
}

describe('times of other servers', () => {
  it('are converted from a named zone, on both sides of a change of its offset', () => {
    const shift = new TimeShift(zoneOf('America/New_York'));
    expect(moment(shift.toHere('2026-03-08T01:59:59.000001'))).toBe('2026-03-08T06:59:59.000Z');
    expect(moment(shift.toHere('2026-03-08T03:00:00'))).toBe('2026-03-08T07:00:00.000Z');
    expect(moment(new TimeShift(zoneOf('-03:30')).toHere('2026-01-01T00:00:00.5'))).toBe(
      '2026-01-01T03:30:00.500Z',
    );
  });

  it('keep their microseconds, and get six digits', () => {
    expect(new TimeShift(undefined).toHere('2026-01-01T10:00:00.12')).toBe('2026-01-01T10:00:00.120000');
    expect(new TimeShift(zoneOf('+05:45')).toHere('2026-01-01T10:00:00.123456')).toMatch(/\.123456$/);
    expect(moment(new TimeShift(undefined).toHere('2026-01-01T10:00:00.123456+02:00'))).toBe(
      '2026-01-01T08:00:00.123Z',
    );
  });

  it('are refused if they are no times', () => {
    for (const text of ['', 'now', '2026-13-01T00:00:00', '2026-01-01', '2026-01-01T00:00:00.1234567'])
      expect(new TimeShift(undefined).toHere(text)).toBeUndefined();
    for (const name of ['', 'Nowhere/City', '+2', '+2:00']) expect(zoneOf(name)).toBeUndefined();
  });

  it('tell the zone of their server, unless they may be those of this one', () => {
    const here = -new Date('2026-02-01T10:00:00').getTimezoneOffset();
    const local = (minutes: number): string =>
      new Date(Date.parse('2026-02-01T10:00:05Z') + minutes * 60_000).toISOString().slice(0, 19);
    const created = '2026-02-01T10:00:00.000000Z';
    const updated = '2026-02-01T12:00:00.000000Z';
    const other = here + 345;
    const zone = findZone({ created, updated, first: local(other), last: local(other + 120) });
    expect(zone?.(0)).toBe(other);
    expect(findZone({ created, updated, first: local(here), last: local(here + 120) })).toBeUndefined();
    // The first message came half an hour later: the last event says that this is the zone.
    expect(findZone({ created, updated, first: local(here + 30), last: local(here + 120) })).toBeUndefined();
    expect(findZone({ created, updated, first: undefined, last: undefined })).toBeUndefined();
  });
});
