/** Waits for a promise, but not longer than `ms`; a failure of it is not this waiter's business. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.catch(() => undefined), limit]).finally(() => clearTimeout(timer));
}
