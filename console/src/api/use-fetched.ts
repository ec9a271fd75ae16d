import { signal, useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from './api-error.js';
import { sessionKey } from './session-key.js';

/** What was fetched, and how it went the last time. */
export interface Fetched<T> {
  /** The last answer; it stays when a later request fails. */
  data: T | undefined;
  /** Why the last request failed. */
  error: string | undefined;
  isLoading: boolean;
  reload: () => void;
}

const isVisible = signal(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', () => {
  isVisible.value = document.visibilityState === 'visible';
});

/** Whether the page can be seen. Nothing is polled while it cannot. */
export const pageIsVisible: ReadonlySignal<boolean> = isVisible;

/**
 * Fetches while the component is shown: at first, when `subject` or the session key changes, when the page
 * becomes visible again, and every `everyMs`.
 */
export function useFetched<T>(
  fetchData: (signal: AbortSignal) => Promise<T>,
  { subject = '', everyMs }: { subject?: string; everyMs?: number } = {},
): Fetched<T> {
  const state = useSignal<{ data?: T; error?: string; isLoading: boolean }>({ isLoading: true });
  const latest = useRef(fetchData);
  latest.current = fetchData;
  const reload = useRef<() => void>(() => undefined);
  const key = sessionKey.value;
  const visible = isVisible.value;
  useEffect(() => {
    if (!visible) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let round = 0;
    const run = async (): Promise<void> => {
      clearTimeout(timer);
      const current = ++round;
      try {
        const data = await latest.current(abort.signal);
        if (current === round && !abort.signal.aborted) state.value = { data, isLoading: false };
      } catch (error) {
        if (current === round && !abort.signal.aborted)
          state.value = { data: state.peek().data, error: messageOf(error), isLoading: false };
      }
      if (current !== round || abort.signal.aborted || everyMs === undefined) return;
      timer = setTimeout(() => void run(), everyMs);
    };
    reload.current = () => {
      state.value = { ...state.peek(), isLoading: true };
      void run();
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [subject, key, visible, everyMs]);
  const { data, error, isLoading } = state.value;
  return { data, error, isLoading, reload: () => reload.current() };
}
