import type { Schemas } from '../../api/client.js';

/** What each scope lets a key do. */
export const SCOPE_TEXTS: Readonly<Record<Schemas['ApiKey']['scope'], string>> = {
  read: 'May look',
  write: 'May work with agents',
  admin: 'May do everything',
};

/** The limits of a key, as people read them. */
export type LimitName = keyof Schemas['ApiKey']['limits'];

/** The limits in the order of the form, with what their numbers count. */
export const LIMITS: readonly { name: LimitName; label: string; text: (value: number) => string }[] = [
  { name: 'usd_per_day', label: 'US dollars a day', text: (value) => `$${value} a day` },
  { name: 'usd_per_month', label: 'US dollars a month', text: (value) => `$${value} a month` },
  { name: 'concurrent_runs', label: 'Runs at a time', text: (value) => `${value} at a time` },
  { name: 'conversations_per_day', label: 'Conversations a day', text: (value) => `${value} new a day` },
  { name: 'requests_per_minute', label: 'Requests a minute', text: (value) => `${value} requests a minute` },
  { name: 'sockets', label: 'Open sockets', text: (value) => `${value} sockets` },
];

/** The limits that are set. */
export function limitTexts(limits: Schemas['ApiKey']['limits']): string[] {
  return LIMITS.flatMap(({ name, text }) => {
    const value = limits[name];
    return typeof value === 'number' ? [text(value)] : [];
  });
}

/** When a key ends that is valid for so many days; null: never. */
export function endAfter(days: string, now: number): string | null {
  return days === '' ? null : new Date(now + Number(days) * 86_400_000).toISOString();
}
