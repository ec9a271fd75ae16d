const DAY_MS = 86_400_000;

/** The day in UTC, such as `2026-11-28`: what is counted by day is counted by this one. */
export function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}

/** The day so many days before. */
export function daysBefore(now: number, days: number): string {
  return dayOf(now - days * DAY_MS);
}

/** Seconds until the next day begins, at least one. */
export function secondsToNextDay(now: number): number {
  return Math.max(1, Math.ceil((DAY_MS - (now % DAY_MS)) / 1000));
}
