import { setTimeout as sleep } from 'node:timers/promises';
import type { AppConfig } from '../../config/index.js';
import { LeaseHeldError, TakeoverPendingError } from '../../storage/index.js';

/** How often the lease of a conversation is tried again (ms). */
const RETRY_MS = 500;
/** Leases of a killed process end, and may be taken over, within so many times their length. */
const SETTLED_AFTER_LEASES = 2.5;

/**
 * The time after the start of a command in which leases may be those of a command that was killed: nobody
 * can take them until they have ended, and this process has held its own for as long. With files as storage
 * there is no such time: whether the owner lives is known at once.
 */
export class SettlingLeases {
  private readonly settlingMs: number;
  /** From then on (`performance.now()`) leases are held by servers that live. */
  readonly settledAt: number;

  constructor({ database_url, server_lease_seconds }: AppConfig) {
    this.settlingMs = database_url === null ? 0 : SETTLED_AFTER_LEASES * server_lease_seconds * 1000;
    this.settledAt = performance.now() + this.settlingMs;
  }

  /**
   * Repeats what needs the lease of a conversation while that may become free.
   * @param waitMs how long to wait for a server that lives
   * @throws LeaseHeldError if it lives, and all other errors of `attempt`
   */
  async retry<T>(attempt: () => Promise<T>, waitMs = 0): Promise<T> {
    const deadline = Math.max(performance.now() + waitMs, this.settledAt);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (performance.now() >= this.endOf(error, deadline)) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  private endOf(error: unknown, deadline: number): number {
    // The owner is gone, but this process stood still for longer than its own lease, and has to wait again.
    if (error instanceof TakeoverPendingError) return deadline + this.settlingMs;
    return error instanceof LeaseHeldError ? deadline : -Infinity;
  }
}
