import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PendingEntry, WebhookDeliveries } from '../../storage/index.js';
import type { StorageSide } from './storage-side.js';

/** More than a tail can have, which `max_queue_bytes` limits: it is read as a whole before it is removed. */
const MAX_TAIL_LINES = 10_000_000;

/** How often entries of servers that may be gone are looked for (ms). */
const RETRY_MS = 500;

/** What webhooks have not got yet, at both places: positions in logs, and an outbox. */
export class DeliveriesMove {
  private readonly pairs: { from: WebhookDeliveries; to: WebhookDeliveries }[];

  /** @param webhookIds the configured webhooks */
  constructor(from: StorageSide, to: StorageSide, webhookIds: readonly string[]) {
    this.pairs = webhookIds.map((id) => ({ from: from.deliveries.open(id), to: to.deliveries.open(id) }));
  }

  /** Copies the positions of a conversation, whose leases the caller holds. @returns how many there are */
  async movePositions(conversationId: string): Promise<number> {
    let count = 0;
    for (const { from, to } of this.pairs) {
      const position = await from.positionOf(conversationId);
      if (position === undefined) continue;
      count += 1;
      await to.claim(conversationId, position);
      await to.setPosition(conversationId, position);
      await to.settle(conversationId);
      await to.leave(conversationId);
    }
    return count;
  }

  /**
   * Moves the outbox: an entry is removed at the source once it is stored at the target, so that it is
   * delivered at least once.
   * @param settledAt until then (`performance.now()`) entries may be those of a server that was killed
   * @returns the number of entries, and of those that a server has which may be alive
   */
  async moveOutbox(settledAt: number): Promise<{ moved: number; left: number }> {
    const result = { moved: 0, left: 0 };
    for (const { from, to } of this.pairs) {
      for (;;) {
        for (const entry of (await from.recover()).entries) {
          if (await moveEntry(entry, to)) result.moved += 1;
        }
        const { changes } = await from.remote(0);
        if (changes === 0) break;
        if (performance.now() >= settledAt) {
          result.left += changes;
          break;
        }
        await sleep(RETRY_MS);
      }
    }
    return result;
  }

  async close(): Promise<void> {
    for (const { from, to } of this.pairs) {
      await from.close();
      await to.close();
    }
  }
}

/** @returns false if another server has taken the entry over */
async function moveEntry(entry: PendingEntry, to: WebhookDeliveries): Promise<boolean> {
  if (entry.kind === 'change') {
    const body = await entry.body();
    if (body === undefined) return false;
    await to.addChange(entry.conversationId, body);
  } else {
    const lines = await entry.peek(MAX_TAIL_LINES, Infinity);
    await to.addTail(entry.conversationId, Readable.from(lines));
  }
  await entry.remove();
  return true;
}
