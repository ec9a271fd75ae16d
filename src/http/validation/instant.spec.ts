import { parseInstant } from './instant.js';

const local = (text: string): string | undefined => {
  const parsed = parseInstant(text);
  return 'local' in parsed ? parsed.local : undefined;
};

describe('a date or time', () => {
  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000000'],
    ['2026-11-24T13:39', '2026-11-24T13:39:00.000000'],
    ['2026-11-24 13:39:37.5', '2026-11-24T13:39:37.500000'],
    ['2026-11-24T13:39:37.123456789', '2026-11-24T13:39:37.123456'],
  ])('keeps %s as naive local time', (text, expected) => expect(local(text)).toBe(expected));

  it('converts zoned times and epochs to local time', () => {
    const instant = new Date(Date.UTC(2026, 10, 24, 11, 39, 37));
    const pad = (value: number) => String(value).padStart(2, '0');
    const day = `${instant.getFullYear()}-${pad(instant.getMonth() + 1)}-${pad(instant.getDate())}`;
    const time = [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(pad).join(':');
    for (const text of ['2026-11-24T11:39:37Z', '2026-11-24T13:39:37+02:00', '2026-11-24T06:09:37-0530']) {
      expect(local(text)).toBe(`${day}T${time}.000000`);
    }
    expect(local(String(instant.getTime() / 1000))).toBe(`${day}T${time}.000000`);
    expect(local(String(instant.getTime()))).toBe(`${day}T${time}.000000`);
  });

  it.each(['', 'now', '2026-13-01', '2026-02-30', '2026-01-01T25:00', '99999999999999999999', '2026-1-1'])(
    'refuses %s',
    (text) => expect(local(text)).toBeUndefined(),
  );
});
