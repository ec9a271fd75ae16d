import { performance } from 'node:perf_hooks';

/** Microseconds since the epoch, never the same or less than the one before: events sort by it. */
function monotonicMicros(): number {
  const now = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  last = now > last ? now : last + 1;
  return last;
}
let last = 0;

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

/** The timestamp of an event made now: naive local time, strictly increasing within the process. */
export function eventTimestamp(): string {
  return formatLocal(monotonicMicros());
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
