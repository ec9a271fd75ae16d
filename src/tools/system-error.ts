/**
 * The code of an error of the operating system (`ENOENT`), undefined for anything else. By its shape, not by its
 * class: where code runs in a context of its own, the platform's errors are of another `Error`.
 */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
