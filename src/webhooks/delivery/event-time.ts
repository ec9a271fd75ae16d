/** Lines begin with these two fields. */
const TIMESTAMP = /^\{"id":"[^"]{1,100}","timestamp":"([\d:.T-]{19,32})"/;

/** When an event was made (ms since the epoch), from its line in the log; undefined if that does not say. */
export function eventTime(line: string): number | undefined {
  // Local time without a zone, which is how `Date` reads it.
  const time = Date.parse(TIMESTAMP.exec(line)?.[1] ?? '');
  return Number.isNaN(time) ? undefined : time;
}
