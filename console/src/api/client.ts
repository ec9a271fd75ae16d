import createClient from 'openapi-fetch';
import type { components, paths } from '../../../openapi.d.ts';
import { SERVER_URL } from '../routing/address.js';
import { ApiError } from './api-error.js';
import { hasAnswered, reachability } from './reachability.js';
import { keyProblem, keyWasRefused, nextKey, sessionKey } from './session-key.js';

/** Schemas of the API document. */
export type Schemas = components['schemas'];

/**
 * The API with the types of its document: `await call(api.GET('/api/settings'))`. Requests carry the session
 * key.
 */
export const api = createClient<paths>({
  baseUrl: SERVER_URL.href.replace(/\/$/, ''),
  fetch: (request) => send(request),
});

/** The data of an answer. @throws ApiError if the request failed */
export async function call<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw ApiError.of(response.status, error);
  return data as T;
}

/**
 * Any address of the server with the session key, for what is not JSON (files, archives).
 * @param path relative to the server, such as `api/file/download?path=…`
 * @throws ApiError if the request failed
 */
export async function fetchPath(path: string, init?: RequestInit): Promise<Response> {
  const response = await send(new Request(new URL(path, SERVER_URL), init));
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  throw ApiError.of(response.status, body);
}

/**
 * Sends a request with the session key. While the server refuses the key, the request waits for another one
 * and is then sent again: views need not know that a key has expired.
 */
async function send(request: Request): Promise<Response> {
  for (;;) {
    const key = sessionKey.peek();
    // Many wrong keys in a minute make the server refuse right ones, too.
    if (keyProblem.peek() !== null) {
      await nextKey(key, request);
      continue;
    }
    const attempt = request.clone();
    if (key !== null) attempt.headers.set('X-Session-API-Key', key);
    let response: Response;
    try {
      response = await fetch(attempt);
    } catch (error) {
      if (request.signal.aborted) throw error;
      reachability.value = 'away';
      throw new ApiError(0, 'The server cannot be reached.');
    }
    hasAnswered(response.status);
    if (response.status !== 401) return response;
    keyWasRefused(key);
    await nextKey(key, request);
  }
}
