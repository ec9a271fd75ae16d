import type { ServerAddress } from '../forwarding/index.js';
import type { ServerRecord } from '../storage/index.js';

/** The address of a server and its lease, which were read from the storage just now. */
export function addressOf(
  serverId: string,
  { url, proof, leaseUntil, leaseLeftMs }: Pick<ServerRecord, 'url' | 'proof' | 'leaseUntil' | 'leaseLeftMs'>,
): ServerAddress {
  const seenAt = performance.now();
  const isKnown = leaseUntil !== null && leaseLeftMs !== null;
  const lease = isKnown ? { until: leaseUntil, endsAt: seenAt + leaseLeftMs, seenAt } : null;
  return { serverId, url, proof, lease };
}
