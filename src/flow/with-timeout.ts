/** Waits for a promise, but at most `ms`. Resolves either way; a rejection of the promise is ignored. */
export async function withTimeout(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.catch(() => undefined), limit]).finally(() => clearTimeout(timer));
}
