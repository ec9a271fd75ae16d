import { Cron } from 'croner';
import { memoize } from '../../text/index.js';

/** Longest pattern; a year of single minutes would be longer than anybody can check. */
const MAX_PATTERN = 200;
/** Parsed schedules that are kept: reading one takes a tenth of a millisecond. */
const MAX_KEPT = 2_000;
/** What the cron programs of Linux accept in place of fields. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);
const FIELD = /^[\dA-Za-z*?,/#-]+$/;
const ONE_SECOND = /^[0-5]?\d$/;

/** A schedule that cannot be used. The message is for people. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
  constructor(
    message: string,
    /** `invalid`: it is none; `interval_too_short`: it is due more than once a minute. */
    readonly code: 'invalid' | 'interval_too_short' | 'invalid_timezone' = 'invalid',
  ) {
    super(message);
  }
}

/** The instants of a schedule in a time zone. Times are milliseconds since the epoch. */
export interface Schedule {
  /** The first instant after a time; undefined: never again. */
  next(after: number): number | undefined;
  /** The last instant at or before a time; undefined: there was none. */
  previous(until: number): number | undefined;
}

/** Whether a name is one of a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Reads a schedule in the dialect of croniter, which the original uses: five fields, optionally followed by
 * seconds and years, or an alias such as `@daily`. Day of month and day of week are alternatives if both are
 * given. A local time that a clock change skips is due as soon as the clocks have changed; one that occurs
 * twice is due at its first occurrence, unless the schedule is an interval.
 * @throws ScheduleError
 */
export function parseSchedule(pattern: string, timeZone: string): Schedule {
  return parse(`${timeZone} ${pattern}`);
}

const parse = memoize((key: string): Schedule => {
  const space = key.indexOf(' ');
  const [timeZone, pattern] = [key.slice(0, space), key.slice(space + 1)];
  if (!isTimeZone(timeZone))
    throw new ScheduleError(
      `'${timeZone.slice(0, 100)}' is no time zone, such as Europe/Berlin`,
      'invalid_timezone',
    );
  const cron = cronOf(fieldsOf(pattern), timeZone);
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    // The reference itself is left out.
    previous: (until) => cron.previousRuns(1, new Date(until + 1))[0]?.getTime(),
  };
}, MAX_KEPT);

/** The fields in the order of croner: seconds first. */
function fieldsOf(pattern: string): string {
  const text = pattern.trim();
  if (text.length > MAX_PATTERN) throw new ScheduleError(`A schedule has at most ${MAX_PATTERN} characters`);
  if (text.startsWith('@')) {
    const known = ALIASES.get(text.toLowerCase());
    if (known === undefined)
      throw new ScheduleError(`'${text}' is unknown; known are ${[...ALIASES.keys()].join(', ')}`);
    return known;
  }
  const fields = text.split(/\s+/);
  const [minute, hour, day, month, weekday, second, year] = fields;
  if (fields.length < 5 || fields.length > 7 || !fields.every((field) => FIELD.test(field)))
    throw new ScheduleError('A schedule has five fields: minute, hour, day of month, month, day of week');
  if (second === undefined) return text;
  if (!ONE_SECOND.test(second))
    throw new ScheduleError(
      'A schedule may be due once a minute at most: name one second',
      'interval_too_short',
    );
  return [second, minute, hour, day, month, weekday, year].filter((field) => field !== undefined).join(' ');
}

function cronOf(fields: string, timezone: string): Cron {
  let cron: Cron;
  try {
    cron = new Cron(fields, { timezone, paused: true, sloppyRanges: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : String(error);
    throw new ScheduleError(`The schedule is not valid: ${reason}`);
  }
  return cron;
}
