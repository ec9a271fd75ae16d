import { createHmac } from 'node:crypto';

/**
 * The headers of the Standard Webhooks scheme. They let a receiver verify the sender (signature, with a key),
 * reject replays (timestamp) and detect duplicates (id).
 * @param timestamp seconds since the epoch
 */
export function standardHeaders(
  id: string,
  timestamp: number,
  body: string,
  key: Buffer | undefined,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
