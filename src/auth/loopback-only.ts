import { BlockList, isIP } from 'node:net';
import type { AppConfig } from '../config/index.js';
import { memoize } from '../text/index.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** A server without keys that was not opened on purpose (`--host`) serves its own machine only. */
export function isLoopbackOnly(config: AppConfig): boolean {
  return !needsKey(config) && !config.listen.hostGiven;
}

/** Somebody has to show a key: a session key or, for a server that waits to be set up, the key for that. */
export function needsKey(config: AppConfig): boolean {
  return config.session_api_keys.length > 0 || (config.deferred_init && config.secret_key !== null);
}

/** The address that was asked for is one that only this machine reaches. */
export function isBoundToLoopback({ listen }: Pick<AppConfig, 'listen'>): boolean {
  return listen.host === 'localhost' || isLoopback(listen.host);
}

/** The text is an address of this machine's own; IPv4 addresses also in their IPv6 form. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && isLoopbackAddress(address);
}

/** Asked for each request, and a `BlockList` makes an object for each question. */
const isLoopbackAddress = memoize((address) => {
  const bare = address.replace(/^::ffff:/i, '');
  const family = isIP(bare);
  return family !== 0 && loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
});
