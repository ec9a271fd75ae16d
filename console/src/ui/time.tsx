import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** The present, in steps of a second while something on the page shows it. */
const now = signal(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The present (ms); the component is rendered again each second. */
export function useNow(): number {
  useEffect(() => {
    if (users++ === 0) {
      now.value = Date.now();
      timer = setInterval(() => {
        now.value = Date.now();
      }, 1000);
    }
    return () => {
      if (--users === 0) clearInterval(timer);
    };
  }, []);
  return now.value;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** A time in the zone of the person. */
export function exactTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : exact.format(date);
}

/** How long ago, in a few characters: `now`, `3m`, `5h`, `2d`, `14 Mar`. */
export function shortAge(at: string, present: number): string {
  const date = new Date(at);
  const seconds = (present - date.getTime()) / 1000;
  if (Number.isNaN(seconds)) return '';
  if (seconds < 45) return 'now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))}m`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)}h`;
  if (seconds < 7 * 86_400) return `${Math.round(seconds / 86_400)}d`;
  return (date.getFullYear() === new Date(present).getFullYear() ? day : dayAndYear).format(date);
}

/** A duration as people read it: `0.4 s`, `12 s`, `3:05`, `1:02:45`. @param ms milliseconds */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** How long ago something was; its title is the exact time. */
export function Age({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {shortAge(at, useNow())}
    </time>
  );
}
