import { createHmac } from 'node:crypto';

/**
 * The headers of the Standard Webhooks scheme: what a receiver needs to know that a delivery is from here
 * (the signature, with a key), that it is not a replay (the time), and whether it had it before (the id).
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
