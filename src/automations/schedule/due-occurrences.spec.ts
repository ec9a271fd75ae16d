import { parseSchedule, ScheduleError } from './cron-schedule.js';
import { type CatchUp, type DueOccurrences, dueOccurrences } from './due-occurrences.js';
import { scheduleText } from './schedule-text.js';

const HOUR = 3_600_000;
const at = (time: string): number => Date.parse(time);

/** A server whose clock a test sets: it looks at a schedule, and remembers what it has handled. */
class Look {
  readonly fired: string[] = [];
  missed = 0;

  constructor(
    private readonly pattern: string,
    private readonly zone: string,
    private handledUntil: number,
    private readonly catchUp: CatchUp = 'one',
  ) {}

  look(now: number): DueOccurrences {
    const schedule = parseSchedule(this.pattern, this.zone);
    const { handledUntil, catchUp } = this;
    const found = dueOccurrences({ schedule, handledUntil, now, catchUp, catchUpLimit: 5 });
    this.handledUntil = found.handledUntil;
    this.fired.push(...found.due.map((instant) => new Date(instant).toISOString()));
    this.missed += found.missed?.count ?? 0;
    return found;
  }

  /** Looks each time that something is due, and every ten minutes at least. */
  run(from: number, until: number): this {
    for (let now = from; now <= until;) {
      const { next = Infinity } = this.look(now);
      now = Math.max(now + 1, Math.min(next, now + 600_000));
    }
    return this;
  }
}

describe('due occurrences', () => {
  it('fire each local hour once on both days on which clocks change, in two zones', () => {
    for (const [zone, spring, autumn] of [
      ['America/New_York', '2026-03-08T00:00:00-05:00', '2026-11-01T00:00:00-04:00'],
      ['Europe/Berlin', '2026-03-29T00:00:00+01:00', '2026-10-25T00:00:00+02:00'],
    ] as const) {
      for (const [day, hours] of [
        [spring, 23],
        [autumn, 25],
      ] as const) {
        const start = at(day);
        const { fired } = new Look('0 * * * *', zone, start - 1).run(start, start + hours * HOUR - 1);
        expect([zone, day, new Set(fired).size, fired.length]).toEqual([zone, day, hours, hours]);
      }
    }
  });

  it('fire a time of the day once, also where it is skipped or occurs twice', () => {
    const cases = [
      ['30 2 * * *', 'America/New_York', '2026-03-08T05:00:00Z', '2026-03-08T07:00:00.000Z'],
      ['30 2 * * *', 'Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T01:00:00.000Z'],
      ['30 1 * * *', 'America/New_York', '2026-11-01T04:00:00Z', '2026-11-01T05:30:00.000Z'],
      ['30 2 * * *', 'Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T00:30:00.000Z'],
    ] as const;
    for (const [pattern, zone, from, expected] of cases) {
      const { fired } = new Look(pattern, zone, at(from)).run(at(from), at(from) + 20 * HOUR);
      expect([zone, from, fired]).toEqual([zone, from, [expected]]);
    }
  });

  it('are caught up after a downtime as they should be, and the rest is counted', () => {
    const start = at('2026-06-01T12:00:30Z');
    const after = (minutes: number, catchUp: CatchUp, pattern = '* * * * *'): Look => {
      const look = new Look(pattern, 'UTC', start, catchUp);
      look.look(start + minutes * 60_000);
      return look;
    };
    expect(after(1, 'none').fired).toEqual(['2026-06-01T12:01:00.000Z']);
    expect(after(60, 'none', '15 12 * * *')).toMatchObject({ fired: [], missed: 1 });
    expect(after(60, 'one', '15 12 * * *')).toMatchObject({ fired: ['2026-06-01T12:15:00.000Z'], missed: 0 });
    expect(after(60, 'one')).toMatchObject({ fired: ['2026-06-01T13:00:00.000Z'], missed: 19 });
    expect(after(4, 'all')).toMatchObject({ missed: 0, fired: { length: 4 } });
    expect(after(3 * 24 * 60, 'all', '0 * * * *')).toMatchObject({ missed: 15, fired: { length: 5 } });
    // Older than a day, or than the pause between two.
    expect(after(3 * 24 * 60, 'one', '0 0 1 6 *').fired).toEqual([]);
    expect(after(31 * 24 * 60, 'all', '30 12 1 6 *')).toMatchObject({ fired: [], missed: 1 });
  });

  it('never fire again when the clock goes back, and go on when it was wrong by days', () => {
    const start = at('2026-06-01T12:00:00Z');
    const look = new Look('*/10 * * * *', 'UTC', start).run(start, start + HOUR);
    expect(look.fired).toHaveLength(6);
    look.run(start + HOUR / 2, start + HOUR);
    expect(look.fired).toHaveLength(6);
    look.run(start + HOUR, start + 2 * HOUR);
    expect(new Set(look.fired).size).toBe(12);
    expect(look.fired).toHaveLength(12);
    // A clock that showed a year that is to come.
    look.look(at('2031-01-01T00:00:10Z'));
    const { next } = look.look(start + 2 * HOUR);
    expect(next).toBe(start + 2 * HOUR + 600_000);
  });

  it('are the same whenever a server looks', () => {
    const start = at('2026-03-28T00:00:00Z');
    for (const step of [197_000, 1_199_000, 5_999_000]) {
      const look = new Look('*/20 * * * *', 'Europe/Berlin', start, 'all');
      for (let now = start; now <= start + 48 * HOUR; now += step) look.look(now);
      const late = look.look(start + 48 * HOUR);
      expect([step, look.fired.length, new Set(look.fired).size, late.missed]).toEqual([
        step,
        144,
        144,
        null,
      ]);
    }
  });
});

describe('parseSchedule', () => {
  it('reads the dialect of croniter', () => {
    const next = (pattern: string, zone = 'UTC'): string | undefined => {
      const instant = parseSchedule(pattern, zone).next(at('2026-06-03T10:20:30Z'));
      return instant === undefined ? undefined : new Date(instant).toISOString();
    };
    expect(next('@daily')).toBe('2026-06-04T00:00:00.000Z');
    expect(next('0 9 * * 1-5', 'Europe/Berlin')).toBe('2026-06-04T07:00:00.000Z');
    // Seconds come last.
    expect(next('21 10 * * * 15')).toBe('2026-06-03T10:21:15.000Z');
    expect(next('0 0 1 1 * 0 2030')).toBe('2030-01-01T00:00:00.000Z');
    // The day of the month, or that of the week.
    expect(next('0 0 5 * FRI')).toBe('2026-06-05T00:00:00.000Z');
    expect(next('0 0 31 2 *')).toBeUndefined();
    for (const bad of [
      '',
      '* * * *',
      '2026-06-03T10:00:00Z',
      '@reboot',
      '61 * * * *',
      '* * * * * *',
      '* * * * * */5',
    ])
      expect(() => parseSchedule(bad, 'UTC')).toThrow(ScheduleError);
    expect(() => parseSchedule('* * * * *', 'Mars/Olympus')).toThrow(ScheduleError);
    expect(() => parseSchedule('1,'.repeat(200), 'UTC')).toThrow(ScheduleError);
  });

  it('is told in English', () => {
    expect(scheduleText('0 9 * * 1-5', 'Europe/Berlin')).toBe('Every weekday at 09:00 (Europe/Berlin)');
    expect(scheduleText('*/15 * * * *', 'UTC')).toBe('Every 15 minutes (UTC)');
    expect(scheduleText('30 8 * * MON,3', 'UTC')).toBe('Every Monday, Wednesday at 08:30 (UTC)');
    expect(scheduleText('0 0 1 * *', 'UTC')).toBe('On day 1 of every month at 00:00 (UTC)');
    expect(scheduleText('0 0 5 * FRI', 'UTC')).toBe('By the schedule 0 0 5 * FRI (UTC)');
  });
});
