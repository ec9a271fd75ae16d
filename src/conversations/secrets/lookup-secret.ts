import { errorMessage } from '../../errors/index.js';
import { splitBasicAuth, parseUrl, readResponseText } from '../../text/index.js';
import { MAX_SECRET_LENGTH } from './secret-sources.js';
import { asJsonObject, tryParseJson } from '../../json/index.js';

/** The only credential that can be bound: the sign-in of Codex, which its vendor renews from time to time. */
export const CODEX_AUTH_SECRET = 'CODEX_AUTH_JSON';
/** Time limit of a lookup (ms; the value of the OpenHands SDK). */
const TIMEOUT_MS = 30_000;
/** Maximum size of a looked-up value (bytes): the limit for all static secrets of a conversation. */
const MAX_BYTES = MAX_SECRET_LENGTH;

/** A secret could not be fetched. The message contains no header and no part of the response. */
export class SecretLookupError extends Error {
  override readonly name = 'SecretLookupError';
  /** @param status of the HTTP response; undefined if there was none */
  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
  }
}

/**
 * Fetches a secret: the body of the response. Redirects are not followed, so that the headers are not sent to
 * another server.
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
    return await readResponseText(
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
 * The value in the response of a credential source, `{"value": text, "version": text}`; undefined for any
 * other response.
 */
export function credentialIn(answer: string): string | undefined {
  const { value, version } = asJsonObject(tryParseJson(answer));
  return typeof value === 'string' && typeof version === 'string' && version !== '' ? value : undefined;
}

/**
 * The tokens in a Codex sign-in. They are masked separately, because a program may print one of them alone.
 */
export function tokensIn(signIn: string): string[] {
  const { tokens, OPENAI_API_KEY: key } = asJsonObject(tryParseJson(signIn));
  const { access_token, refresh_token, id_token } = asJsonObject(tokens);
  return [access_token, refresh_token, id_token, key].filter(
    (token): token is string => typeof token === 'string' && token !== '',
  );
}

/** `fetch` rejects credentials in a URL: they are sent as a header, which replaces one of the same name. */
function withBasicAuth(
  address: string,
  ownHeaders: Readonly<Record<string, string>>,
): { url: string; headers: Headers } {
  if (!parseUrl(address)) throw new SecretLookupError('its URL is not valid');
  const { url, authorization } = splitBasicAuth(address);
  const headers = new Headers(ownHeaders);
  if (authorization !== undefined) headers.set('authorization', authorization);
  return { url, headers };
}

/** The cause of the error of `fetch` says what happened. */
function failureReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'its server did not answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause)
    return `its server cannot be reached (${String(cause.code)})`;
  return `the lookup failed: ${errorMessage(cause ?? error).slice(0, 200)}`;
}
