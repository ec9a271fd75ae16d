import { Readable } from 'node:stream';
import type { WebhookDeliveries } from '../../storage/index.js';
import type { StorageSide } from './storage-side.js';

/** More than a tail can have, which `max_queue_bytes` limits: it is read as a whole before it is removed. */
const MAX_TAIL_LINES = 10_000_000;

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
   * @returns the number of entries
   */
  async moveOutbox(): Promise<number> {
    let count = 0;
    for (const { from, to } of this.pairs) {
      for (const entry of (await from.recover()).entries) {
        if (entry.kind === 'change') {
          const body = await entry.body();
          if (body === undefined) continue;
          await to.addChange(entry.conversationId, body);
        } else {
          const lines = await entry.peek(MAX_TAIL_LINES, Infinity);
          await to.addTail(entry.conversationId, Readable.from(lines));
        }
        await entry.remove();
        count += 1;
      }
    }
    return count;
  }

  async close(): Promise<void> {
    for (const { from, to } of this.pairs) {
      await from.close();
      await to.close();
    }
  }
}
