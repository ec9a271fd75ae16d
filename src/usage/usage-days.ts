import { SLOT_MS } from '../storage/index.js';

/** A date as in ISO 8601. */
export const DATE = /^\d{4}-\d\d-\d\d$/;
/** A time with a zone. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
/** Names of the IANA database; not offsets, which databases read otherwise. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/;
/** The years around these have four digits, too (ms since the epoch). */
const [MIN_TIME, MAX_TIME] = [Date.UTC(1970, 0), Date.UTC(9999, 0)];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Whether a text names a time zone. */
export function isTimeZone(name: string): boolean {
  if (!ZONE.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Whether a text is a date or a time with a zone. */
export function isDateOrTime(text: string): boolean {
  if (!DATE.test(text) && !INSTANT.test(text)) return false;
  const ms = Date.parse(text);
  if (!(ms >= MIN_TIME && ms < MAX_TIME)) return false;
  // `Date` takes the 31st of February for the 3rd of March.
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** The day of a time in a zone. */
export function dayIn(timeZone: string, ms: number): string {
  // The dates of Sweden are those of ISO 8601.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(ms);
}

/** When a day begins in a zone (ms since the epoch). */
export function startOfDay(day: string, timeZone: string): number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const middle = Date.parse(`${day}T00:00:00Z`);
  // No zone is further away from UTC, and none changes its offset by less than a slot.
  for (let ms = middle - 15 * HOUR_MS; ms < middle + 15 * HOUR_MS; ms += SLOT_MS)
    if (format.format(ms) >= day) return ms;
  return middle;
}

/** The day so many days later. */
export function dayAfter(day: string, days = 1): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
