import { formatLocal } from '../../events/index.js';

const FORM =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-]\d\d:?\d\d)?)?$/;
/** Larger numbers are milliseconds, others seconds. The limit is pydantic's. */
const SECONDS_LIMIT = 2e10;

/**
 * Parses a date with an optional time (ISO 8601, or Unix seconds or milliseconds) into naive local time with
 * microseconds. A time without a zone is local.
 */
export function parseInstant(raw: unknown): { local: string } | { error: string } {
  if (typeof raw !== 'string') return { error: 'input is not text' };
  if (/^[+-]?\d+(\.\d+)?$/.test(raw)) return fromNumber(Number(raw));
  if (raw.length < 10) return { error: 'input is too short' };
  const match = FORM.exec(raw);
  if (!match) return { error: 'unexpected extra characters at the end of the input' };
  const part = (group: number): number => Number(match[group] ?? 0);
  const parts = {
    year: part(1),
    month: part(2),
    day: part(3),
    hour: part(4),
    minute: part(5),
    second: part(6),
  };
  const error = outOfCalendar(parts);
  if (error) return { error };
  const micros = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  const zone = match[8];
  const at = zone
    ? Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - offset(zone)
    : new Date(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second).getTime();
  return { local: formatLocal(sinceEpoch(at * 1000 + micros)) };
}

interface CalendarParts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

function outOfCalendar({ year, month, day, hour, minute, second }: CalendarParts): string | undefined {
  if (year < 1) return 'year 0 is out of range';
  if (month < 1 || month > 12) return 'month value is outside expected range of 1-12';
  // Day 0 of the next month is the last day of this one.
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate())
    return 'day value is outside expected range';
  if (hour > 23) return 'hour value is outside expected range of 0-23';
  if (minute > 59) return 'minute value is outside expected range of 0-59';
  if (second > 59) return 'second value is outside expected range of 0-59';
  return undefined;
}

/** Milliseconds east of UTC. */
function offset(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  const digits = zone.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}

function fromNumber(value: number): { local: string } | { error: string } {
  const seconds = Math.abs(value) > SECONDS_LIMIT ? value / 1000 : value;
  if (seconds < -62_135_596_800 || seconds > 253_402_300_799)
    return { error: 'dates outside years 1 to 9999' };
  return { local: formatLocal(sinceEpoch(Math.round(seconds * 1_000_000))) };
}

/** `formatLocal` supports no time before the epoch; no event is older. */
function sinceEpoch(micros: number): number {
  return Math.max(0, micros);
}
