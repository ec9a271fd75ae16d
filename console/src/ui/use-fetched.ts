import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, messageOf } from '../api/api-error.js';
import { reachability } from '../api/reachability.js';

/** The state of something that is fetched. */
export interface Fetched<T> {
  /** Of the last fetch that succeeded. */
  data: T | undefined;
  /** What went wrong in the last one. */
  problem: string | undefined;
  isLoading: boolean;
  /** The server was away; it is asked again when it is back. */
  wasAway: boolean;
}

/**
 * Fetches something, and again whenever the question changes. Slow answers to earlier questions are dropped.
 * @param question what is asked for; null asks for nothing
 * @param pauseMs before a question is asked, so that not each keystroke asks one
 */
export function useFetched<T>(
  question: string | null,
  fetchIt: (question: string, signal: AbortSignal) => Promise<T>,
  pauseMs = 0,
): Fetched<T> {
  const state = useSignal<Fetched<T>>({
    data: undefined,
    problem: undefined,
    isLoading: question !== null,
    wasAway: false,
  });
  const isBack = state.value.wasAway && reachability.value === 'reached';
  useEffect(() => {
    if (question === null) return undefined;
    const abort = new AbortController();
    state.value = { ...state.peek(), isLoading: true };
    const timer = setTimeout(() => {
      fetchIt(question, abort.signal).then(
        (data) => {
          if (!abort.signal.aborted)
            state.value = { data, problem: undefined, isLoading: false, wasAway: false };
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          const wasAway = error instanceof ApiError && error.status === 0;
          state.value = { data: undefined, problem: messageOf(error), isLoading: false, wasAway };
        },
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [question, isBack]);
  return state.value;
}
