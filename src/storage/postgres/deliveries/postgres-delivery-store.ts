import { Logger } from '@nestjs/common';
import { DeliveryStore, type WebhookDeliveries } from '../../delivery-store.js';
import { REMOVE_UNUSED } from './delivery-statements.js';
import type { DeliveryDatabase } from './late-writes.js';
import { PostgresDeliveries } from './postgres-deliveries.js';

/** Deliveries of all webhooks in tables, shared by the servers of the database. */
export class PostgresDeliveryStore extends DeliveryStore {
  override readonly heartbeatMs: number;
  private readonly logger = new Logger('Webhooks');

  constructor(
    private readonly database: DeliveryDatabase,
    private readonly serverId: string,
    leaseSeconds: number,
  ) {
    super();
    this.heartbeatMs = (leaseSeconds * 1000) / 3;
  }

  override open(webhookId: string): WebhookDeliveries {
    return new PostgresDeliveries(this.database, this.serverId, webhookId);
  }

  override async removeUnused(known: ReadonlySet<string>): Promise<void> {
    const { rows } = await this.database.read<{ id: string }>(REMOVE_UNUSED, [[...known]]);
    for (const { id } of rows)
      this.logger.warn(`what was pending for webhook ${id} is removed: it is no longer configured`);
  }
}
