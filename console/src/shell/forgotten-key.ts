import { api } from '../api/client.js';
import { sessionKey } from '../api/session-key.js';

/**
 * Asks for the key at once when another tab forgets it, and not only at the next request. A server that wants
 * no key answers, and nothing happens.
 * @returns a function that ends it
 */
export function provokeKeyQuestion(): () => void {
  let isFirst = true;
  return sessionKey.subscribe((key) => {
    if (key === null && !isFirst) void api.GET('/api/tools/').catch(() => undefined);
    isFirst = false;
  });
}
