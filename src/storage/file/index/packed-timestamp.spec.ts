import fc from 'fast-check';
import { eventTimestamp, formatLocal } from '../../../events/clock.js';
import { formatMicros, parseMicros } from './packed-timestamp.js';

describe('parseMicros', () => {
  it('is reversed by formatMicros', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 253_000_000_000_000_000 }).map((n) => n / 64),
        (micros) => {
          const text = formatLocal(Math.floor(micros));
          const packed = parseMicros(text);
          expect(packed === undefined ? text : formatMicros(packed)).toBe(text);
        },
      ),
    );
    expect(parseMicros(eventTimestamp())).toBeDefined();
    expect(formatMicros(parseMicros('2028-02-29T23:59:59.000009') ?? 0)).toBe('2028-02-29T23:59:59.000009');
  });

  it('keeps the order of the timestamps', () => {
    const texts = ['1999-12-31T23:59:59.999999', '2026-01-01T00:00:00.000000', '2026-01-01T00:00:00.000001'];
    const packed = texts.map((text) => parseMicros(text) ?? NaN);
    expect([...packed].sort((a, b) => a - b)).toEqual(packed);
  });

  it.each([
    '2026-02-29T00:00:00.000000',
    '1900-01-01T00:00:00.000000',
    '2026-13-01T00:00:00.000000',
    '2026-00-01T00:00:00.000000',
    '2026-01-00T00:00:00.000000',
    '2026-01-01T24:00:00.000000',
    '2026-01-01T00:60:00.000000',
    '2026-01-01 00:00:00.000000',
    '2026-01-01T00:00:00.00000x',
    '2026-01-01T00:00:00.000',
    '2026-01-01T00:00:00.000000Z',
    '',
  ])('rejects %j', (text) => {
    expect(parseMicros(text)).toBeUndefined();
  });
});
