import { signal } from '@preact/signals';

/** Whether the server answered last time: requests and sockets say so. */
export const reachability = signal<'reached' | 'away'>('reached');

/** The browser has no network. */
export const isOffline = signal(!navigator.onLine);

addEventListener('online', () => {
  isOffline.value = false;
});
addEventListener('offline', () => {
  isOffline.value = true;
});
