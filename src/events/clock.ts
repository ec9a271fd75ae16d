import { performance } from 'node:perf_hooks';

/** Smaller corrections of the system clock (ms) are not treated as a jump. */
const MAX_DRIFT_MS = 100;

/** The system time (ms since the epoch) at which `performance.now()` was 0. */
let origin = performance.timeOrigin;
let last = 0;

/**
 * Microseconds since the epoch, strictly increasing because events are sorted by it. Follows jumps of the
 * system clock and time spent in suspend. After the clock was set back it advances by one microsecond per
 * call until the clock has caught up.
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

/** Formats microseconds since the epoch as local time without a zone, the wire's format. */
export function formatLocal(micros: number): string {
  const date = new Date(Math.floor(micros / 1000));
  const fraction = pad(micros % 1_000_000, 6);
  return (
    `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}` +
    `T${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${fraction}`
  );
}

/**
 * The timestamp of an event created now: local time without a zone, strictly increasing within the process.
 * @param after timestamp of the previous event in the log; the result is later even if the clock was set back
 */
export function eventTimestamp(after = ''): string {
  const now = formatLocal(monotonicMicros());
  return now > after ? now : (following(after) ?? now);
}

/** One microsecond later; undefined if the text is not a timestamp of ours. */
function following(timestamp: string): string | undefined {
  const [, second = '', micros] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})$/.exec(timestamp) ?? [];
  const start = Date.parse(`${second}Z`);
  if (Number.isNaN(start)) return undefined;
  const next = Number(micros) + 1;
  const carried = isoTime(start + Math.floor(next / 1_000_000) * 1000);
  return `${carried.slice(0, 19)}.${pad(next % 1_000_000, 6)}`;
}

/** The current time in UTC with microseconds and `Z`, the format of `created_at` and `updated_at`. */
export function utcTimestamp(): string {
  const micros = monotonicMicros();
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return `${iso.slice(0, 20)}${pad(micros % 1_000_000, 6)}Z`;
}

/** The years that all clients can read: those of Python's `datetime`. A damaged log may contain any time. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A time (ms since the epoch) in UTC with milliseconds and `Z`, the nearest one of the years 1 to 9999. */
export function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS)).toISOString();
}

/** Converts the timestamp of an event (local time without a zone) to UTC. */
export function utcFromLocal(timestamp: string): string {
  const utc = isoTime(Date.parse(timestamp.slice(0, 23)));
  return `${utc.slice(0, 20)}${timestamp.slice(20).padEnd(6, '0')}Z`;
}
