import { formatLocal } from '../../events/index.js';

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T_ ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Reads a point in time as clients send it (ISO 8601 with or without a zone, a date, or seconds or
 * milliseconds since the epoch) into the form of event timestamps, naive local time with microseconds.
 * Undefined when it is none.
 */
export function parseAfterTimestamp(text: string): string | undefined {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return fromEpoch(Number(text));
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [, date, minutes = '00:00', seconds = '00', fraction = '', zone] = match;
  const micros = fraction.padEnd(6, '0').slice(0, 6);
  const instant = Date.parse(`${date}T${minutes}:${seconds}Z`);
  // Date.parse rolls 31 April over into May; the original refuses such dates.
  if (Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(date ?? '')) return undefined;
  if (zone === undefined) return `${date}T${minutes}:${seconds}.${micros}`;
  return formatLocal((instant - offsetMillis(zone)) * 1000 + Number(micros));
}

/** Beyond this many the number is milliseconds; the limit is pydantic's. */
const MAX_SECONDS = 2e10;

function fromEpoch(value: number): string | undefined {
  const micros = Math.round(Math.abs(value) > MAX_SECONDS ? value * 1000 : value * 1_000_000);
  const year = new Date(micros / 1000).getFullYear();
  // The microseconds of later years are not exact in a double, and no event was made before the epoch.
  return micros >= 0 && year <= 2200 ? formatLocal(micros) : undefined;
}

function offsetMillis(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  const digits = zone.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}
