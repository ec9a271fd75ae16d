import { SERVER_URL } from '../routing/address.js';

/** What the server says to a key. */
export type KeyAnswer = 'accepted' | 'refused' | 'tooMany' | 'away';

/** Asks the server whether it accepts a key. */
export async function checkKey(key: string): Promise<KeyAnswer> {
  try {
    const headers = new Headers();
    // A key of characters that no header can contain is no key.
    try {
      headers.set('X-Session-API-Key', key);
    } catch {
      return 'refused';
    }
    const { status } = await fetch(new URL('api/tools/', SERVER_URL), { headers });
    if (status === 401) return 'refused';
    return status === 429 ? 'tooMany' : 'accepted';
  } catch {
    return 'away';
  }
}
