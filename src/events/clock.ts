import { performance } from 'node:perf_hooks';

/** The clock on the wall may be corrected by less than this (ms) without a jump being seen in it. */
const MAX_DRIFT_MS = 100;

/** What `performance.now()` counts from by the clock on the wall (ms since the epoch). */
let origin = performance.timeOrigin;
let last = 0;

/**
 * Microseconds since the epoch, never the same or less than the one before: events sort by it. It follows the
 * clock on the wall, which is set now and then, and which goes on while a machine sleeps; where that is set
 * back it goes on in the smallest steps until the wall is there.
 */
function monotonicMicros(): number {
  const wall = Date.now();
  const running = performance.now();
  if (Math.abs(wall - (origin + running)) > MAX_DRIFT_MS) origin = wall - running;
  const now = Math.floor((origin + running) * 1000);
  last = now > last ? now : last + 1;
  return last;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** Formats microseconds since the epoch as naive local time, as the wire has it. */
export function formatLocal(micros: number): string {
  const date = new Date(Math.floor(micros / 1000));
  const fraction = pad(micros % 1_000_000, 6);
  return (
    `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}` +
    `T${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${fraction}`
  );
}

/**
 * The timestamp of an event made now: naive local time, strictly increasing within the process.
 * @param after the one before it in its log, which it is behind even if the clock was set back since
 */
export function eventTimestamp(after = ''): string {
  const now = formatLocal(monotonicMicros());
  return now > after ? now : (following(after) ?? now);
}

/** A microsecond later; undefined for a text that is no timestamp of ours. */
function following(timestamp: string): string | undefined {
  const [, second = '', micros] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})$/.exec(timestamp) ?? [];
  const start = Date.parse(`${second}Z`);
  if (Number.isNaN(start)) return undefined;
  const next = Number(micros) + 1;
  const carried = new Date(start + Math.floor(next / 1_000_000) * 1000).toISOString();
  return `${carried.slice(0, 19)}.${pad(next % 1_000_000, 6)}`;
}

/** Now in UTC with microseconds and `Z`, as `created_at` and `updated_at` have it. */
export function utcTimestamp(): string {
  const micros = monotonicMicros();
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return `${iso.slice(0, 20)}${pad(micros % 1_000_000, 6)}Z`;
}

/** The UTC form of an event's timestamp, which is naive local time. */
export function utcFromLocal(timestamp: string): string {
  const utc = new Date(timestamp.slice(0, 23)).toISOString();
  return `${utc.slice(0, 20)}${timestamp.slice(20).padEnd(6, '0')}Z`;
}
