import { errorMessage } from '../../errors/index.js';

/** How long a lookup may take (ms; the value of the OpenHands SDK). */
const TIMEOUT_MS = 30_000;
/** Nothing that is longer is a secret (bytes). */
const MAX_BYTES = 1024 * 1024;

/** A secret could not be fetched. The message names no header and no part of the answer. */
export class SecretLookupError extends Error {
  override readonly name = 'SecretLookupError';
}

/**
 * Fetches the value of a looked-up secret: the body of the answer. Redirects are not followed, so that the headers reach
 * nobody else.
 * @throws SecretLookupError, or the reason of the signal
 */
export async function lookUp(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new SecretLookupError(`its server answered ${response.status}`);
    }
    return await boundedText(response);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SecretLookupError) throw error;
    throw new SecretLookupError(reason(error));
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  if (!body) return '';
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new SecretLookupError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch` puts what happened into the cause. */
function reason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'its server did not answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause)
    return `its server cannot be reached (${String(cause.code)})`;
  return `the lookup failed: ${errorMessage(cause ?? error).slice(0, 200)}`;
}
