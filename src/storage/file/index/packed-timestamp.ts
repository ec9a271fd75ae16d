/** Length of a timestamp in ASCII. */
export const TIMESTAMP_BYTES = 'YYYY-MM-DDTHH:MM:SS.ffffff'.length;
const [DASH, COLON, DOT, T] = [45, 58, 46, 84];
const DAYS_OF_MONTH: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** From 2255 on microseconds exceed the integers that a double represents exactly. */
const LAST_YEAR = 2254;

/**
 * Converts an event timestamp (`YYYY-MM-DDTHH:MM:SS.ffffff`, no zone) to microseconds, treated as UTC.
 * Undefined for a text that `formatMicros` would not restore. Hand-written: `Date.parse` and a comparison of
 * strings would take half of the time to open a log.
 */
export function parseMicros(timestamp: string): number | undefined {
  const bytes = Buffer.from(timestamp);
  return bytes.length === TIMESTAMP_BYTES ? microsAt(bytes, 0) : undefined;
}

/** Like `parseMicros`, for the timestamp at an offset. */
export function microsAt(bytes: Buffer, at: number): number | undefined {
  if (!hasForm(bytes, at)) return undefined;
  const year = digits(bytes, at, 4);
  const month = digits(bytes, at + 5, 2);
  const day = digits(bytes, at + 8, 2);
  const hour = digits(bytes, at + 11, 2);
  const minute = digits(bytes, at + 14, 2);
  const second = digits(bytes, at + 17, 2);
  const fraction = digits(bytes, at + 20, 6);
  const inRange =
    year >= 1970 &&
    year <= LAST_YEAR &&
    day >= 1 &&
    day <= daysOf(year, month) &&
    hour < 24 &&
    minute < 60 &&
    second < 60 &&
    fraction >= 0;
  return inRange ? Date.UTC(year, month - 1, day, hour, minute, second) * 1000 + fraction : undefined;
}

/** The inverse of `parseMicros`. */
export function formatMicros(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return iso.slice(0, 23) + String(micros % 1000).padStart(3, '0');
}

function hasForm(bytes: Buffer, at: number): boolean {
  return (
    bytes[at + 4] === DASH &&
    bytes[at + 7] === DASH &&
    bytes[at + 10] === T &&
    bytes[at + 13] === COLON &&
    bytes[at + 16] === COLON &&
    bytes[at + 19] === DOT
  );
}

/** Days of a month (1 to 12); 0 for other numbers. */
function daysOf(year: number, month: number): number {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeapYear ? 29 : (DAYS_OF_MONTH[month - 1] ?? 0);
}

/** The value of `count` digits; NaN, which is in no range, if one of them is not a digit. */
function digits(bytes: Buffer, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = (bytes[at] ?? 0) - 48;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : NaN;
  }
  return value;
}
