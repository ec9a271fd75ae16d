import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { messageOf } from '../api/api-error.js';

/** The state of something that is fetched. */
export interface Fetched<T> {
  /** Of the last fetch that succeeded. */
  data: T | undefined;
  /** What went wrong in the last one. */
  problem: string | undefined;
  isLoading: boolean;
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
  const state = useSignal<Fetched<T>>({ data: undefined, problem: undefined, isLoading: question !== null });
  useEffect(() => {
    if (question === null) return undefined;
    const abort = new AbortController();
    state.value = { ...state.peek(), isLoading: true };
    const timer = setTimeout(() => {
      fetchIt(question, abort.signal).then(
        (data) => {
          if (!abort.signal.aborted) state.value = { data, problem: undefined, isLoading: false };
        },
        (error: unknown) => {
          if (!abort.signal.aborted)
            state.value = { data: undefined, problem: messageOf(error), isLoading: false };
        },
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [question]);
  return state.value;
}
