/** The longest time that a timer of Node takes (ms); a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits for a promise, but not longer than `ms`.
 * @param onTimeout gives the result, or throws, when the time is over first; a later rejection of the promise
 *   counts as handled
 */
export async function withTimeout<T, L>(promise: Promise<T>, ms: number, onTimeout: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), Math.min(ms, MAX_TIMER_MS));
  });
  try {
    const result = await Promise.race([promise, late]);
    return result === LATE ? onTimeout() : result;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a promise settles within `ms`. Resolves when it does, or when the time is over; never rejects. */
export function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return withTimeout(settled, ms, () => false);
}

const LATE = Symbol('late');
