import { withoutEndSlashes, parseUrl } from '../../text/index.js';
import { isJsonObject } from '../../json/index.js';

/**
 * Where people with a ChatGPT subscription sign in; another one by the environment, for tests and proxies.
 */
const ISSUER = 'https://auth.openai.com';
const ISSUER_VARIABLE = 'OPENAI_AUTH_ISSUER';
/** The public client of programs that use a subscription: that of the Codex CLI. */
const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann';
/** What one call may take (ms). */
const TIMEOUT_MS = 15_000;
/** Seconds that an access token is good for when nobody says. */
const DEFAULT_LIFE_S = 3600;
/** Between two questions whether the person has signed in, when nobody says (s). */
const DEFAULT_INTERVAL_S = 5;

/** The issuer does not answer, or not as it should. Its text holds no secret. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError';
}

/** What a person enters, and with what the issuer is asked whether that was done. */
export interface DeviceCode {
  deviceAuthId: string;
  userCode: string;
  verificationUri: string;
  intervalSeconds: number;
}

/** What a sign-in gives. */
export interface SubscriptionTokens {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Asks for a code that a person can enter. @throws IssuerError */
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

/** The tokens, once the person has entered the code; undefined before. @throws IssuerError */
export async function redeemDeviceCode({
  deviceAuthId,
  userCode,
}: DeviceCode): Promise<SubscriptionTokens | undefined> {
  const given = { device_auth_id: deviceAuthId, user_code: userCode };
  const { status, body } = await post('/api/accounts/deviceauth/token', given);
  if (status === 403 || status === 404) return undefined;
  const { authorization_code: code, code_verifier } = body;
  if (status !== 200 || typeof code !== 'string' || typeof code_verifier !== 'string') {
    throw unexpectedStatus('the question for the sign-in', status);
  }
  return requestTokens({
    grant_type: 'authorization_code',
    code,
    code_verifier,
    redirect_uri: `${issuer()}/deviceauth/callback`,
    client_id: CLIENT_ID,
  });
}

/** New tokens for the refresh token; the old one may be of no use any more. @throws IssuerError */
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
): Promise<{ status: number; body: Record<string, unknown> }> {
  const isForm = content instanceof URLSearchParams;
  try {
    const response = await fetch(issuer() + route, {
      method: 'POST',
      headers: isForm ? {} : { 'content-type': 'application/json' },
      body: isForm ? content : JSON.stringify(content),
      // Codes and tokens go to the issuer and to nobody else.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  } catch {
    throw new IssuerError(`${new URL(issuer()).host} cannot be reached`);
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function unexpectedStatus(what: string, status: number): IssuerError {
  return new IssuerError(`${new URL(issuer()).host} answers ${what} with ${status}`);
}

function issuer(): string {
  const named = process.env[ISSUER_VARIABLE];
  return withoutEndSlashes(named !== undefined && parseUrl(named) ? named : ISSUER);
}
