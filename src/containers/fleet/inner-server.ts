import { errorMessage } from '../../errors/index.js';
import { asJsonObject, type JsonObject, tryParseJson } from '../../json/index.js';
import { readResponseText } from '../../text/index.js';
import type { ContainerRecord } from '../records/container-record.js';
import { ContainerError } from './container-errors.js';

/** Longest wait for an answer to one of the calls below (ms). */
const ANSWER_MS = 5_000;
/** Longest wait until a conversation is created, with its plugins and its worktree (ms). */
const CREATION_MS = 60_000;
/** An answer that is longer is refused: agents may replace the server in their container (bytes). */
const MAX_BYTES = 16 * 1024 * 1024;

/** Shorter values of variables are no secrets (characters). */
const MIN_SECRET = 8;

/** Where the server in a container is reached. */
export interface InnerServer {
  origin: URL;
  key: string;
}

/** How far the start of a server in a container is. */
type InnerState = 'ready' | 'not-yet';

/**
 * Gives the server in a container its keys, unless it has them. They travel by this request only: the engine
 * shows the environment of containers to its users, and agents could read it from `/proc`.
 * @throws ContainerError if it can never become ready
 */
export async function initialize(
  origin: URL,
  { apiKey, encryptionKey, isCreated }: ContainerRecord,
  env: Readonly<Record<string, string>>,
): Promise<InnerState> {
  const server = { origin, key: apiKey };
  const found = await ask(server, 'GET', '/api/init').catch(() => undefined);
  if (found?.status !== 200) return 'not-yet';
  if (found.body['state'] === 'dormant') {
    const settings = { session_api_keys: [apiKey], secret_key: encryptionKey, env };
    const { status, text } = await ask(server, 'POST', '/api/init', settings, CREATION_MS);
    if (status !== 200)
      throw new ContainerError(
        'upstream-failed',
        // It may repeat what it was sent.
        `its server refuses its settings (${status}): ${masked(text, [apiKey, encryptionKey, ...Object.values(env)]).slice(0, 300)}`,
      );
  } else if (found.body['state'] !== 'ready') return 'not-yet';
  // Without an answer it may be busy: it is asked again.
  const checked = await ask(server, 'GET', '/api/conversations/count').catch(() => undefined);
  if (checked === undefined) return 'not-yet';
  if (checked.status === 200 || (!isCreated && checked.status === 503)) return 'ready';
  throw new ContainerError('upstream-failed', `another server answers in its place (${checked.status})`);
}

function masked(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= MIN_SECRET);
  return long.reduce((rest, secret) => rest.replaceAll(secret, '<redacted>'), text);
}

/** Creates the conversation in its container. */
export function createInside(
  server: InnerServer,
  target: string,
  body: JsonObject,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; body: JsonObject; text: string }> {
  return ask(server, 'POST', target, body, CREATION_MS, headers);
}

/** Pauses the run of the conversation. @throws Error */
export async function pauseInside(server: InnerServer, id: string): Promise<void> {
  const { status } = await ask(server, 'POST', `/api/conversations/${id}/pause`);
  if (status >= 400) throw new Error(`its server answers ${status}`);
}

/** @throws Error if it does not answer in time, or with too much */
async function ask(
  { origin, key }: InnerServer,
  method: string,
  target: string,
  body?: JsonObject,
  ms = ANSWER_MS,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: JsonObject; text: string }> {
  try {
    const response = await fetch(new URL(target, origin), {
      method,
      headers: {
        ...headers,
        'x-session-api-key': key,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(ms),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await readResponseText(response, MAX_BYTES, () => new Error('its answer is too long'));
    return { status: response.status, body: asJsonObject(tryParseJson(text)), text };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Error(errorMessage(cause), { cause: error });
  }
}
