import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, messageOf } from './api-error.js';
import { reachability } from './reachability.js';

/** How a question went, and its answer. */
export interface QueryState<T> {
  /** Of the last fetch that succeeded. */
  data: T | undefined;
  /** What went wrong in the last one. */
  problem: string | undefined;
  isLoading: boolean;
  /** The server was away; it is asked again when it is back. */
  wasAway: boolean;
}

/**
 * Fetches the answer to a question, and anew whenever the question changes. Slow answers to earlier questions
 * are dropped. Data that are shown and refreshed use `useFetched`.
 * @param question what is asked for; null asks for nothing
 * @param pauseMs before a question is asked, so that not each keystroke asks one
 */
export function useQuery<T>(
  question: string | null,
  fetchIt: (question: string, signal: AbortSignal) => Promise<T>,
  pauseMs = 0,
): QueryState<T> {
  const state = useSignal<QueryState<T>>({
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
