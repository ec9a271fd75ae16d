import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { remoteAddress } from './remote-address.js';

/**
 * The address of a client; undefined if it has disconnected. Behind a trusted proxy, the last one in
 * `X-Forwarded-For`: the proxy has added it, while earlier ones may be forged by the client.
 */
export function clientAddress(request: IncomingMessage, trustsProxy: boolean): string | undefined {
  const forwarded = trustsProxy ? request.headers['x-forwarded-for'] : undefined;
  const last = forwarded?.toString().split(',').at(-1)?.trim();
  const address = last !== undefined && isIP(last) !== 0 ? last : remoteAddress(request);
  return address?.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** The /64 network of an IPv6 address, since clients usually have a whole one; other addresses unchanged. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  const all = [...groups, ...zeros, ...rest];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
