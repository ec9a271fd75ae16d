import { BlockList, isIP } from 'node:net';
import type { AppConfig } from '../../config/index.js';
import { memoize } from '../../text/index.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** A server without keys serves only its own machine, unless `--host` was given. */
export function isLoopbackOnly(config: AppConfig): boolean {
  return !needsKey(config) && !config.listen.hostGiven;
}

/** Whether clients need a key: their own, or the secret key of a server that waits for its set-up. */
export function needsKey(config: AppConfig): boolean {
  if (config.session_api_keys.length > 0 || config.require_keys) return true;
  return config.deferred_init && config.secret_key !== null;
}

/** Whether the server listens on a loopback address. */
export function isBoundToLoopback({ listen }: Pick<AppConfig, 'listen'>): boolean {
  return listen.host === 'localhost' || isLoopback(listen.host);
}

/** Whether an address is a loopback address, including IPv4 addresses in IPv6 form. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && isLoopbackAddress(address);
}

/** Cached: it is called for each request, and `BlockList.check` allocates an object per call. */
const isLoopbackAddress = memoize((address) => {
  const bare = address.replace(/^::ffff:/i, '');
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
});
