/** The longest wait for a condition (ms). A machine that is busy with other tests needs most of it. */
const TIMEOUT_MS = 60_000;
/** The pause between two looks, as a part of the wait so far, which becomes longer by no more than that. */
const PAUSE_RATIO = 0.1;
const MIN_PAUSE_MS = 10;
/** A look may be a request, which costs the test and the server some milliseconds of the processor each. */
const MAX_PAUSE_MS = 100;

/** Waits until a condition is true. @param what names it in the error */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const started = Date.now();
  while (!(await condition())) {
    const waited = Date.now() - started;
    if (waited > timeoutMs) throw new Error(`${what} was not true within ${timeoutMs} ms`);
    const pause = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_RATIO * waited));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
