import type { Schedule } from './cron-schedule.js';

/** What is done about instants that passed while no server ran. */
export type CatchUp = 'none' | 'one' | 'all';

/** How late an instant may be looked at and still count as met (ms): a restart takes less. */
export const ON_TIME_MS = 60_000;
/** Older instants are never caught up (ms). */
const MAX_AGE_MS = 24 * 3_600_000;
/** A clock that is so far behind what was claimed was wrong before (ms). */
const WRONG_CLOCK_MS = 24 * 3_600_000;
/** Missed instants that are counted one by one: each takes half a millisecond. */
const MAX_COUNTED = 20;

/** Instants that were missed and start nothing. */
export interface Missed {
  /** At least so many. */
  count: number;
  /** There are more than were counted. */
  isAtLeast: boolean;
  /** The newest of them (ms since the epoch). */
  newest: number;
}

/** What a look at a schedule has found. Times are milliseconds since the epoch. */
export interface DueOccurrences {
  /** Instants that start a run, oldest first. */
  due: number[];
  missed: Missed | null;
  /** No instant up to here is ever looked at again. */
  handledUntil: number;
  /** The next instant; undefined: never. */
  next: number | undefined;
}

/** How to look. */
export interface DueOptions {
  schedule: Schedule;
  /** Instants up to here were handled, or came before the schedule was set. */
  handledUntil: number;
  now: number;
  catchUp: CatchUp;
  /** The most runs that `all` starts at once. */
  catchUpLimit: number;
}

/**
 * Which instants of a schedule are due, and what becomes of those that were missed. An instant is handled
 * once: also when the clock goes back. A clock that was wrong by more than a day does not keep a schedule
 * from going on.
 */
export function dueOccurrences({
  schedule,
  now,
  catchUp,
  catchUpLimit,
  ...given
}: DueOptions): DueOccurrences {
  const handledUntil = given.handledUntil > now + WRONG_CLOCK_MS ? now : given.handledUntil;
  const passed = passedSince(schedule, handledUntil, now);
  const [newest] = passed;
  const until = newest ?? handledUntil;
  const next = schedule.next(Math.max(until, now));
  if (newest === undefined) return { due: [], missed: null, handledUntil, next };
  const due = passed.slice(0, mostDue(catchUp, catchUpLimit)).filter((instant, index) => {
    if (now - instant < ON_TIME_MS && index === 0) return true;
    return catchUp !== 'none' && now - instant <= maxAge(catchUp, instant, schedule);
  });
  const rest = passed.length - due.length;
  const missed = rest === 0 ? null : missedOf(passed, due, rest);
  return { due: due.reverse(), missed, handledUntil: until, next };
}

/** The instants of a span, newest first: not more than are counted. */
function passedSince(schedule: Schedule, after: number, until: number): number[] {
  const passed: number[] = [];
  let instant = schedule.previous(until);
  while (instant !== undefined && instant > after && passed.length < MAX_COUNTED) {
    passed.push(instant);
    instant = schedule.previous(instant - 1);
  }
  return passed;
}

function mostDue(catchUp: CatchUp, limit: number): number {
  return catchUp === 'all' ? limit : 1;
}

/** One catch-up run is for an instant that is not older than the pause between two. */
function maxAge(catchUp: CatchUp, instant: number, schedule: Schedule): number {
  if (catchUp === 'all') return MAX_AGE_MS;
  const following = schedule.next(instant);
  return following === undefined
    ? MAX_AGE_MS
    : Math.min(MAX_AGE_MS, Math.max(ON_TIME_MS, following - instant));
}

function missedOf(passed: readonly number[], due: readonly number[], count: number): Missed {
  const newest = passed.find((instant) => !due.includes(instant)) ?? 0;
  return { count, isAtLeast: passed.length >= MAX_COUNTED, newest };
}
