/** The result, or the reason of the signal, whichever is there first. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const listening = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => {
      const reason: unknown = signal.reason;
      reject(reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true, signal: listening.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    listening.abort();
  }
}
