/**
 * Waits for a result, but rejects with the signal's reason as soon as it is aborted. A later rejection of the
 * work counts as handled.
 */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const cleanup = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      const reason: unknown = signal.reason;
      reject(reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true, signal: cleanup.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    cleanup.abort();
  }
}
