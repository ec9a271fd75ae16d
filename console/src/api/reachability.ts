import { signal } from '@preact/signals';

/** Whether the server answered last time: requests and sockets say so. */
export const reachability = signal<'reached' | 'away'>('reached');

/** When it answered last (ms). */
export const lastAnswer = signal(Date.now());

/** The browser has no network. */
export const isOffline = signal(!navigator.onLine);

const listeners = new Set<() => void>();

/** Called after each answer. @param status of the answer; undefined for a socket that was opened */
export function hasAnswered(status?: number): void {
  reachability.value = 'reached';
  lastAnswer.value = Date.now();
  if (status === 503) for (const listener of listeners) listener();
}

/** Calls a listener whenever the server answers that it is not available (503). */
export function whenUnavailable(listener: () => void): void {
  listeners.add(listener);
}

addEventListener('online', () => {
  isOffline.value = false;
});
addEventListener('offline', () => {
  isOffline.value = true;
});
