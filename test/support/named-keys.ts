import type { ServerProcess } from './server-process.js';

/** A named key as its maker sees it. */
export interface MadeKey {
  id: string;
  key: string;
  name: string;
}

let count = 0;

/** Makes a named key on a server whose requests have an administrator's key. */
export async function makeKey(
  server: ServerProcess,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<MadeKey> {
  count += 1;
  const request = { name: `key ${process.pid} ${count}`, scope: 'write', ...fields };
  const { status, body } = await server.request('POST', '/api/keys', request, headers);
  if (status !== 201) throw new Error(`making a key answered ${status}: ${JSON.stringify(body)}`);
  return body as MadeKey;
}

/** The header that shows a key. */
export function shown(key: string): Record<string, string> {
  return { 'x-session-api-key': key };
}
