import { createSign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../../errors/index.js';
import { LlmError } from '../../errors/llm-error.js';
import { modelFetch } from '../../transport/model-fetch.js';

/** Project and credentials for models on Google Cloud. */
interface GoogleAccess {
  /** The project of the credentials, if they name one. */
  project: string | undefined;
  /** Returns a token for the header `Authorization: Bearer`. */
  token: (signal: AbortSignal) => Promise<string>;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_URL = 'https://oauth2.googleapis.com/token';
/** Tokens that expire sooner than this are renewed. */
const RENEWAL_MARGIN_MS = 5 * 60_000;
/** Limit for the cached tokens, one per account. */
const MAX_CACHED = 50;

const serviceAccount = z.object({
  type: z.literal('service_account'),
  project_id: z.string().optional(),
  private_key_id: z.string().optional(),
  private_key: z.string(),
  client_email: z.string(),
  token_uri: z.url().default(TOKEN_URL),
});
const authorizedUser = z.object({
  type: z.literal('authorized_user'),
  client_id: z.string(),
  client_secret: z.string(),
  refresh_token: z.string(),
  quota_project_id: z.string().optional(),
  token_uri: z.url().default(TOKEN_URL),
});
const credentials = z.discriminatedUnion('type', [serviceAccount, authorizedUser]);
const tokenAnswer = z.object({ access_token: z.string(), expires_in: z.number().default(3600) });

/**
 * Finds credentials like Google's own libraries
 * (https://cloud.google.com/docs/authentication/application-default-credentials): the given ones, the file of
 * `GOOGLE_APPLICATION_CREDENTIALS`, the one of `gcloud auth application-default login`, or the machine's
 * account.
 * @param given JSON of a service account or a user, or the path of such a file
 * @throws LlmError if they cannot be read or are of another kind
 */
export async function googleAccess(given: string | null): Promise<GoogleAccess> {
  const json = await credentialsJson(given);
  if (json === undefined) {
    return { project: undefined, token: (signal) => cachedToken('machine', () => machineToken(signal)) };
  }
  const parsed = credentials.safeParse(json);
  // Does not quote the credentials, which contain a key.
  if (!parsed.success)
    throw accessError('The credentials are neither those of a service account nor of a user of gcloud.');
  const { data } = parsed;
  if (data.type === 'service_account') {
    const name = `${data.client_email} ${data.private_key_id ?? ''} ${data.token_uri}`;
    return {
      project: data.project_id,
      token: (signal) => cachedToken(name, () => requestToken(data.token_uri, assertion(data), signal)),
    };
  }
  const { client_id, client_secret, refresh_token, token_uri } = data;
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token };
  return {
    project: data.quota_project_id,
    token: (signal) =>
      cachedToken(`${client_id} ${refresh_token}`, () => requestToken(token_uri, form, signal)),
  };
}

async function credentialsJson(given: string | null): Promise<unknown> {
  if (given?.trim().startsWith('{')) return parsedJson(given);
  const named = given ?? process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  if (named !== undefined && named !== '') return parsedJson(await readCredentials(named));
  const text = await readFile(gcloudFile(), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parsedJson(text);
}

function gcloudFile(): string {
  const folder = process.env['CLOUDSDK_CONFIG'] ?? path.join(os.homedir(), '.config', 'gcloud');
  return path.join(folder, 'application_default_credentials.json');
}

async function readCredentials(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw accessError(`The credentials cannot be read: ${errorMessage(error)}`);
  }
}

function parsedJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw accessError('The credentials are not JSON.');
  }
}

/**
 * A signed assertion that requests a token
 * (https://developers.google.com/identity/protocols/oauth2/service-account).
 */
function assertion(account: z.infer<typeof serviceAccount>): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const { client_email: iss, token_uri: aud, private_key_id: kid } = account;
  const head = encoded({ alg: 'RS256', typ: 'JWT', kid });
  const claims = encoded({ iss, scope: SCOPE, aud, iat: now, exp: now + 3600 });
  try {
    const signature = createSign('RSA-SHA256')
      .update(`${head}.${claims}`)
      .sign(account.private_key, 'base64url');
    return {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: `${head}.${claims}.${signature}`,
    };
  } catch {
    throw accessError('The private key of the service account is not an RSA key.');
  }
}

interface Token {
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

const cache = new Map<string, Token>();

async function cachedToken(name: string, request: () => Promise<Token>): Promise<string> {
  const known = cache.get(name);
  if (known && known.expiresAt - Date.now() > RENEWAL_MARGIN_MS) return known.value;
  const token = await request();
  cache.delete(name);
  cache.set(name, token);
  for (const [oldest] of cache) if (cache.size > MAX_CACHED) cache.delete(oldest);
  return token.value;
}

async function requestToken(url: string, form: Record<string, string>, signal: AbortSignal): Promise<Token> {
  return readToken(await modelFetch(url, { method: 'POST', body: new URLSearchParams(form), signal }));
}

/**
 * Requests a token for the machine's account
 * (https://cloud.google.com/compute/docs/access/authenticate-workloads).
 */
async function machineToken(signal: AbortSignal): Promise<Token> {
  const host = process.env['GCE_METADATA_HOST'] ?? 'metadata.google.internal';
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token`;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
  const answer = await fetch(url, { headers: { 'metadata-flavor': 'Google' }, signal: soon }).catch(() => {
    signal.throwIfAborted();
    throw accessError(
      'There are no credentials: set VERTEXAI_CREDENTIALS or GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud.',
    );
  });
  return readToken(answer);
}

async function readToken(answer: Response): Promise<Token> {
  const text = await answer.text();
  // Only Google's error code such as `invalid_grant`; the rest may quote what was sent.
  if (!answer.ok)
    throw accessError(
      `No token for the credentials: status ${answer.status}, ${/"error": ?"(\w+)"/.exec(text)?.[1] ?? 'no reason'}.`,
    );
  const parsed = tokenAnswer.safeParse(parsedJson(text));
  if (!parsed.success) throw accessError('The response to the credentials is not a token.');
  return { value: parsed.data.access_token, expiresAt: Date.now() + parsed.data.expires_in * 1000 };
}

function accessError(message: string): LlmError {
  return new LlmError('LLMAuthenticationError', `Google Cloud: ${message}`);
}
