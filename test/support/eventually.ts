/** The longest wait for a condition (ms). A machine that is busy with other tests needs most of it. */
const TIMEOUT_MS = 60_000;

/** Waits until a condition is true. @param what names it in the error */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} was not true within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
