import { exactTime, useNow } from '../ui/time.js';
import type { Automation } from './automation-texts.js';

/** When an automation is due next by its schedule; nothing for others. */
export function NextRun({ of: { next_run_at: next } }: { of: Pick<Automation, 'next_run_at'> }) {
  const now = useNow();
  if (next === null) return null;
  return (
    <span>
      Next{' '}
      <time dateTime={next} title={exactTime(next)}>
        {timeTo(Date.parse(next) - now)}
      </time>
    </span>
  );
}

/** How long until something, in a few words. @param ms milliseconds */
function timeTo(ms: number): string {
  if (ms < 45_000) return 'now';
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `in ${minutes} min`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return `in ${hours} h`;
  return `in ${Math.round(hours / 24)} days`;
}
