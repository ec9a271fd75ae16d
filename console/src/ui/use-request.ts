import { useSignal } from '@preact/signals';

/** A request that a person starts, its state, and why it failed. */
export interface UserRequest<A extends unknown[]> {
  /** Starts it unless it is under way. Answers whether it was carried out. */
  run: (...given: A) => Promise<boolean>;
  isBusy: boolean;
  /** Why the last attempt failed; undefined if it did not. */
  problem: unknown;
  /** Forgets the failure. */
  clear: () => void;
}

/** Keeps the state of a request in a component. At most one is under way. */
export function useRequest<A extends unknown[]>(work: (...given: A) => Promise<unknown>): UserRequest<A> {
  const isBusy = useSignal(false);
  const problem = useSignal<unknown>(undefined);
  const run = async (...given: A): Promise<boolean> => {
    if (isBusy.peek()) return false;
    isBusy.value = true;
    problem.value = undefined;
    try {
      await work(...given);
      return true;
    } catch (error) {
      problem.value = error;
      return false;
    } finally {
      isBusy.value = false;
    }
  };
  return {
    run,
    isBusy: isBusy.value,
    problem: problem.value,
    clear: () => {
      problem.value = undefined;
    },
  };
}
