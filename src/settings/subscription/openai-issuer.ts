import { DomainError } from '../../errors/index.js';
import { asJsonObject, type JsonObject, tryParseJson } from '../../json/index.js';
import { withoutTrailingSlashes, parseUrl } from '../../text/index.js';

/** The issuer of ChatGPT sign-ins. The environment variable replaces it, for tests and proxies. */
const ISSUER = 'https://auth.openai.com';
const ISSUER_VARIABLE = 'OPENAI_AUTH_ISSUER';
/** The public client id of the Codex CLI. */
const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann';
/** Time limit of one request (ms). */
const TIMEOUT_MS = 15_000;
/** Default lifetime of an access token in seconds. */
const DEFAULT_LIFE_S = 3600;
/** Default polling interval in seconds. */
const DEFAULT_INTERVAL_S = 5;

/** The issuer cannot be reached or returned an unexpected response. The message contains no secret. */
class IssuerError extends DomainError {
  override readonly name = 'IssuerError';
  readonly kind = 'upstream-failed';
}

/** A device code: what the user enters, and the id for polling the issuer. */
export interface DeviceCode {
  deviceAuthId: string;
  userCode: string;
  verificationUri: string;
  intervalSeconds: number;
}

/** The tokens of a sign-in. */
export interface SubscriptionTokens {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Requests a device code. @throws IssuerError */
export async function requestDeviceCode(): Promise<DeviceCode> {
  const answer = await post('/api/accounts/deviceauth/usercode', { client_id: CLIENT_ID });
  const { device_auth_id: deviceAuthId, user_code, usercode, interval } = answer.body;
  const userCode = user_code ?? usercode;
  if (answer.status !== 200 || typeof deviceAuthId !== 'string' || typeof userCode !== 'string') {
    throw unexpectedStatus('the request for a device code', answer.status);
  }
  const seconds = interval === undefined ? DEFAULT_INTERVAL_S : Math.ceil(Number(interval));
  return {
    deviceAuthId,
    userCode,
    verificationUri: `${issuer()}/codex/device`,
    intervalSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_INTERVAL_S,
  };
}

/** Returns the tokens once the user has entered the code; undefined before. @throws IssuerError */
export async function redeemDeviceCode({
  deviceAuthId,
  userCode,
}: DeviceCode): Promise<SubscriptionTokens | undefined> {
  const request = { device_auth_id: deviceAuthId, user_code: userCode };
  const { status, body } = await post('/api/accounts/deviceauth/token', request);
  if (status === 403 || status === 404) return undefined;
  const { authorization_code: code, code_verifier } = body;
  if (status !== 200 || typeof code !== 'string' || typeof code_verifier !== 'string') {
    throw unexpectedStatus('the request for the sign-in state', status);
  }
  return requestTokens({
    grant_type: 'authorization_code',
    code,
    code_verifier,
    redirect_uri: `${issuer()}/deviceauth/callback`,
    client_id: CLIENT_ID,
  });
}

/** Renews tokens. The old refresh token may become invalid. @throws IssuerError */
export function renewTokens(refreshToken: string): Promise<SubscriptionTokens> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: CLIENT_ID };
  return requestTokens(form, refreshToken);
}

async function requestTokens(form: Record<string, string>, former?: string): Promise<SubscriptionTokens> {
  const { status, body } = await post('/oauth/token', new URLSearchParams(form));
  const { access_token: accessToken, refresh_token: refreshToken = former, expires_in: seconds } = body;
  if (status !== 200 || typeof accessToken !== 'string' || typeof refreshToken !== 'string') {
    throw unexpectedStatus('the request for tokens', status);
  }
  const life = typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFE_S;
  return { accessToken, refreshToken, expiresAt: Date.now() + Math.floor(life * 1000) };
}

async function post(
  route: string,
  content: Record<string, string> | URLSearchParams,
): Promise<{ status: number; body: JsonObject }> {
  const isForm = content instanceof URLSearchParams;
  try {
    const response = await fetch(issuer() + route, {
      method: 'POST',
      headers: isForm ? {} : { 'content-type': 'application/json' },
      body: isForm ? content : JSON.stringify(content),
      // Codes and tokens must not be sent to another server.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: asJsonObject(tryParseJson(text)) };
  } catch {
    throw new IssuerError(`${new URL(issuer()).host} cannot be reached`);
  }
}

function unexpectedStatus(what: string, status: number): IssuerError {
  return new IssuerError(`${new URL(issuer()).host} answers ${what} with ${status}`);
}

function issuer(): string {
  const url = process.env[ISSUER_VARIABLE];
  return withoutTrailingSlashes(url !== undefined && parseUrl(url) ? url : ISSUER);
}
