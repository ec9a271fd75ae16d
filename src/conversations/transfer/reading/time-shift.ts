import { formatLocal } from '../../../events/index.js';

/** `YYYY-MM-DDTHH:MM:SS`, a fraction, a zone. Python leaves out a fraction of zero. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?$/;
const MINUTE_MS = 60_000;
/** Offsets of zones are multiples of so many minutes. */
const STEP_MINUTES = 15;
/** An event and the time in UTC that belongs to it are at most so far apart. */
const MAX_DELAY_MS = 60_000;
const MAX_OFFSET_MINUTES = 14 * 60;

/** A zone that was named: its offset from UTC in minutes at a local time (ms, as if it were UTC). */
export type ZoneOffset = (localMs: number) => number;

/** A moment as an event tells it. */
interface Moment {
  /** Local time, as if it were UTC (ms). */
  localMs: number;
  /** Microseconds in the second. */
  micros: number;
  /** In minutes; undefined without a zone. */
  offset: number | undefined;
}

/**
 * Timestamps of events are local times of the server that wrote them, without a zone. Converts them to the
 * local times of this server.
 */
export class TimeShift {
  /** @param zone that of the other server; undefined: the one of this server */
  constructor(private readonly zone: ZoneOffset | undefined) {}

  /** The timestamp here, with six digits of the second; undefined for a text that is none. */
  toHere(timestamp: string): string | undefined {
    const moment = parse(timestamp);
    if (!moment) return undefined;
    const { localMs, micros, offset = this.zone?.(localMs) } = moment;
    if (offset === undefined) {
      const text = new Date(localMs).toISOString().slice(0, 20);
      return `${text}${String(micros).padStart(6, '0')}`;
    }
    const seconds = Math.floor((localMs - offset * MINUTE_MS) / 1000);
    return formatLocal(seconds * 1_000_000 + micros);
  }
}

/**
 * The zone that a text names, such as `Europe/Berlin`, `UTC` or `+02:00`; undefined for an unknown one.
 */
export function zoneOf(name: string): ZoneOffset | undefined {
  const fixed = /^[+-]\d\d:\d\d$/.test(name) ? offsetOf(name) : undefined;
  if (fixed !== undefined) return () => fixed;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
    return (localMs) => {
      // Twice, for times close to a change of the offset.
      const first = offsetAt(format, localMs);
      return offsetAt(format, localMs - first * MINUTE_MS);
    };
  } catch {
    return undefined;
  }
}

/** The times of a conversation by which its zone is found; undefined for what is not known. */
export interface KnownTimes {
  /** UTC. */
  created: string | undefined;
  updated: string | undefined;
  /** Timestamps of the first and the last event. */
  first: string | undefined;
  last: string | undefined;
}

/**
 * The zone of the server that wrote a conversation. Its metadata have times in UTC, which are about those of
 * the first and the last event. Undefined if they do not tell, or if it may be the zone of this server.
 */
export function findZone({ created, updated, first, last }: KnownTimes): ZoneOffset | undefined {
  const begin = first === undefined ? undefined : parse(first);
  if (!begin || begin.offset !== undefined) return undefined;
  const clues = [
    // The first event may follow its conversation at any time later.
    differenceOf(first, created),
    differenceOf(last, updated),
  ].filter((difference) => difference !== undefined);
  const votes = (offset: number): number =>
    clues.filter((difference) => Math.abs(difference - offset * MINUTE_MS) <= MAX_DELAY_MS).length;
  // `getTimezoneOffset` is positive in the west.
  const here = -new Date(begin.localMs).getTimezoneOffset();
  const candidates = clues.map(
    (difference) => Math.round(difference / MINUTE_MS / STEP_MINUTES) * STEP_MINUTES,
  );
  const best = candidates.reduce((one, other) => (votes(other) > votes(one) ? other : one), here);
  return best === here || Math.abs(best) > MAX_OFFSET_MINUTES ? undefined : () => best;
}

/** How much later a local time is than a time in UTC (ms), both read as UTC. */
function differenceOf(local: string | undefined, utc: string | undefined): number | undefined {
  const moment = local === undefined ? undefined : parse(local);
  const difference = (moment?.localMs ?? NaN) - Date.parse(utc ?? '');
  return Number.isNaN(difference) ? undefined : difference;
}

function parse(timestamp: string): Moment | undefined {
  const [, year, month, day, hour, minute, second, fraction = '', zone] = TIMESTAMP.exec(timestamp) ?? [];
  if (year === undefined) return undefined;
  const localMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(localMs)) return undefined;
  return {
    localMs,
    micros: Number(fraction.padEnd(6, '0')),
    offset: zone === undefined ? zone : offsetOf(zone),
  };
}

function offsetOf(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return zone.startsWith('-') ? -minutes : minutes;
}

function offsetAt(format: Intl.DateTimeFormat, utcMs: number): number {
  const parts = new Map(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = Date.UTC(
    ...([part('year'), part('month') - 1, part('day')] as const),
    ...([part('hour'), part('minute'), part('second')] as const),
  );
  return Math.round((local - utcMs) / MINUTE_MS);
}
