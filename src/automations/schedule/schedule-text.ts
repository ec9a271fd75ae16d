import { ALIASES } from './cron-schedule.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const NAMES: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const NUMBER = /^\d{1,2}$/;
const STEP = /^\*\/(\d{1,2})$/;

/**
 * A schedule in English, such as `Every weekday at 09:00 (Europe/Berlin)`; one that is not simple as it is
 * written.
 */
export function scheduleText(pattern: string, timeZone: string): string {
  const text = pattern.trim();
  const simple = simpleText((ALIASES.get(text.toLowerCase()) ?? text).split(/\s+/));
  return `${simple ?? `By the schedule ${text}`} (${timeZone})`;
}

function simpleText(fields: readonly string[]): string | undefined {
  const [minute = '', hour = '', day, month, weekday = '*'] = fields;
  if (fields.length !== 5) return undefined;
  if (month !== '*') return fields.join(' ') === '0 0 1 1 *' ? 'On 1 January at 00:00' : undefined;
  if (day === '*' && weekday === '*' && hour === '*') return withinHours(minute);
  const hours = STEP.exec(hour)?.[1];
  if (day === '*' && weekday === '*' && hours !== undefined && NUMBER.test(minute))
    return `Every ${hours} hours at minute ${Number(minute)}`;
  if (!NUMBER.test(minute) || !NUMBER.test(hour)) return undefined;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  const days = day === '*' ? weekdaysText(weekday) : undefined;
  if (days !== undefined) return `${days} at ${time}`;
  if (weekday === '*' && day !== undefined && NUMBER.test(day))
    return `On day ${Number(day)} of every month at ${time}`;
  return undefined;
}

function withinHours(minute: string): string | undefined {
  if (minute === '*') return 'Every minute';
  if (minute === '0') return 'Every hour';
  const step = STEP.exec(minute)?.[1];
  if (step !== undefined) return `Every ${Number(step)} minutes`;
  return NUMBER.test(minute) ? `Every hour at minute ${Number(minute)}` : undefined;
}

function weekdaysText(weekday: string): string | undefined {
  if (weekday === '*') return 'Every day';
  if (/^(1-5|mon-fri)$/i.test(weekday)) return 'Every weekday';
  const days = weekday.split(',').map((name) => {
    const known = NAMES.indexOf(name.toLowerCase());
    return known >= 0 ? known : /^[0-7]$/.test(name) ? Number(name) % 7 : -1;
  });
  if (days.includes(-1)) return undefined;
  return `Every ${days.map((day) => DAYS[day]).join(', ')}`;
}
