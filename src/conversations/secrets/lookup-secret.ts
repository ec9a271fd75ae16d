import { errorMessage } from '../../errors/index.js';
import { splitBasicAuth, parseUrl } from '../../text/index.js';
import { MAX_SECRET_LENGTH } from './secret-sources.js';
import { boundedText } from '../../tools/bounded-text.js';
import { asJsonObject } from '../../json/index.js';

/**
 * The one credential that keepers are bound for: how Codex is signed in, which its vendor renews from time to
 * time.
 */
export const CODEX_AUTH_SECRET = 'CODEX_AUTH_JSON';
/** How long a lookup may take (ms; the value of the OpenHands SDK). */
const TIMEOUT_MS = 30_000;
/** Nothing that is longer is a secret (bytes): as much as all secrets of a conversation that are told. */
const MAX_BYTES = MAX_SECRET_LENGTH;

/** A secret could not be fetched. The message names no header and no part of the answer. */
export class SecretLookupError extends Error {
  override readonly name = 'SecretLookupError';
  /** @param status of the HTTP answer; undefined: there was none that can be used */
  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
  }
}

/**
 * Fetches the value of a looked-up secret: the body of the answer. Redirects are not followed, so that the
 * headers reach nobody else.
 * @throws SecretLookupError, or the reason of the signal
 */
export async function lookUpSecret(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const target = withBasicAuth(url, headers);
    const response = await fetch(target.url, {
      headers: target.headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new SecretLookupError(`its server answered ${response.status}`, response.status);
    }
    return await boundedText(
      response,
      MAX_BYTES,
      () => new SecretLookupError('the answer is too long', response.status),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SecretLookupError) throw error;
    throw new SecretLookupError(failureReason(error));
  }
}

/**
 * The value in the answer of a keeper of credentials, `{"value": text, "version": text}`; undefined for any
 * other answer.
 */
export function credentialIn(answer: string): string | undefined {
  const { value, version } = asJsonObject(parseJson(answer));
  return typeof value === 'string' && typeof version === 'string' && version !== '' ? value : undefined;
}

/** The tokens in a sign-in of Codex: a program may print one of them alone. */
export function tokensIn(signIn: string): string[] {
  const { tokens, OPENAI_API_KEY: key } = asJsonObject(parseJson(signIn));
  const { access_token, refresh_token, id_token } = asJsonObject(tokens);
  return [access_token, refresh_token, id_token, key].filter(
    (token): token is string => typeof token === 'string' && token !== '',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` takes no name and password in a URL; they go as a header, before any other of that name. */
function withBasicAuth(
  address: string,
  given: Readonly<Record<string, string>>,
): { url: string; headers: Headers } {
  if (!parseUrl(address)) throw new SecretLookupError('its url is none');
  const { url, authorization } = splitBasicAuth(address);
  const headers = new Headers(given);
  if (authorization !== undefined) headers.set('authorization', authorization);
  return { url, headers };
}

/** `fetch` puts what happened into the cause. */
function failureReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'its server did not answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause)
    return `its server cannot be reached (${String(cause.code)})`;
  return `the lookup failed: ${errorMessage(cause ?? error).slice(0, 200)}`;
}
