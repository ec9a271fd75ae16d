const MINUTE_LENGTH = 'YYYY-MM-DDTHH:MM'.length;
const SECONDS = /^:(\d\d)(?:\.(\d{1,9}))?/;

/**
 * Converts timestamps of events (local time without a zone) to milliseconds since the epoch. Keeps the last
 * minute, because whole logs pass through it and the conversion of local time is slow.
 */
export class EventTime {
  private minute = '';
  private minuteStart = Number.NaN;

  /** NaN for anything that is not a timestamp. */
  of(timestamp: unknown): number {
    if (typeof timestamp !== 'string') return Number.NaN;
    const minute = timestamp.slice(0, MINUTE_LENGTH);
    if (minute !== this.minute) {
      this.minute = minute;
      this.minuteStart = Date.parse(`${minute}:00`);
    }
    const [, seconds, fraction = ''] = SECONDS.exec(timestamp.slice(MINUTE_LENGTH, MINUTE_LENGTH + 16)) ?? [];
    if (seconds === undefined) return Number.NaN;
    return this.minuteStart + Number(seconds) * 1000 + Number(`0.${fraction || '0'}`) * 1000;
  }
}
