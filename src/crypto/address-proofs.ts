import type { ClusterKeys } from './cluster-keys.js';

/** How far the clocks of two servers may differ (ms). */
const CLOCK_SKEW_MS = 60_000;
/** Keys that a proof is made with: the current one and the latest of the previous ones. */
const MAX_KEYS = 4;
const MAX_LENGTH = 300;

/** Why the address of a server is not trusted. */
export type AddressProblem =
  /** There is no proof: the server is older, or has no key. */
  | 'unsigned'
  /** The proof is not by a server of the cluster, or for another server or address. */
  | 'forged'
  /** The proof is of a time when the server was there. */
  | 'expired';

/**
 * Proofs that a server of the cluster has announced its own address. Whoever can write the table of servers,
 * but does not have the key, can neither send requests elsewhere nor bring back an address of the past.
 */
export class AddressProofs {
  constructor(
    private readonly keys: ClusterKeys,
    private readonly clock: () => number = Date.now,
  ) {}

  /** @param validMs how long the address is known to be that of the server: its lease */
  write(serverId: string, url: string | null, validMs: number): string {
    const until = String(Math.ceil(this.clock() + validMs));
    const macs = this.keys.signWithAll(signed(serverId, url, until)).slice(0, MAX_KEYS);
    return [until, ...macs.map((mac) => mac.toString('base64url'))].join('.');
  }

  /** Undefined: the address is that of the server. */
  problemOf(serverId: string, url: string | null, proof: string | null): AddressProblem | undefined {
    if (proof === null) return 'unsigned';
    const [until = '', ...macs] = proof.length > MAX_LENGTH ? [] : proof.split('.');
    const text = signed(serverId, url, until);
    const isGenuine = macs.some((mac) => this.keys.verify(text, Buffer.from(mac, 'base64url')));
    if (!isGenuine) return 'forged';
    return Number(until) + CLOCK_SKEW_MS < this.clock() ? 'expired' : undefined;
  }
}

function signed(serverId: string, url: string | null, until: string): string {
  return JSON.stringify([serverId, url, until]);
}
