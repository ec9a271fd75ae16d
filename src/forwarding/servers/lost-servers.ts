import { UpstreamError } from '../relay/upstream.js';
import { forwardingError, gone } from './forwarding-errors.js';
import type { ServerAddress } from './locator.js';

/** A server that was reached again, or not asked for, for this time starts anew (ms). */
const FORGET_MS = 60_000;
const MAX_SERVERS = 1_000;

/** Failed connections to a server. */
interface Failures {
  /** The first and the last of them (`performance.now()`). */
  since: number;
  last: number;
  /** The lease as it was first seen after that. */
  lease: string | undefined;
}

/**
 * Tells servers that have ended from those that live and cannot be reached, while both still have their
 * lease: one that lives renews it.
 */
export class LostServers {
  private readonly failures = new Map<string, Failures>();

  /** What a client is told when a connection to a server has failed. */
  explain({ serverId, lease }: ServerAddress, error: unknown): unknown {
    const isConnection = error instanceof UpstreamError && CONNECTION.has(error.phase);
    if (!isConnection || !lease) return forwardingError(error);
    const now = performance.now();
    const failures = this.failuresOf(serverId, now);
    failures.last = now;
    // Before the first failure it may have been renewed by a server that was there.
    if (lease.seenAt > failures.since) failures.lease ??= lease.until;
    if (failures.lease !== undefined && failures.lease !== lease.until) return forwardingError(error);
    return gone(error, Math.max(1, Math.ceil((lease.endsAt - now) / 1000)));
  }

  /** A server has answered. */
  reached(serverId: string): void {
    this.failures.delete(serverId);
  }

  private failuresOf(serverId: string, now: number): Failures {
    const known = this.failures.get(serverId);
    if (known && now - known.last < FORGET_MS) return known;
    if (this.failures.size >= MAX_SERVERS) this.failures.clear();
    const failures: Failures = { since: now, last: now, lease: undefined };
    this.failures.set(serverId, failures);
    return failures;
  }
}

const CONNECTION: ReadonlySet<string> = new Set(['connect', 'connect-timeout']);
