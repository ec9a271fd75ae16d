import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { DeliveryStore, type WebhookDeliveries } from '../../delivery-store.js';
import { StorageOptions } from '../../storage-options.js';
import { FileDeliveries } from './file-deliveries.js';

/** Inside the conversations folder, so that servers that share it also share this folder. */
const FOLDER = '.webhooks';
/** Data of webhooks that are no longer configured is removed after this time without use (ms). */
const UNUSED_MS = 7 * 24 * 3_600_000;

/** A folder for each webhook. */
@Injectable()
export class FileDeliveryStore extends DeliveryStore {
  override readonly heartbeatMs = 15_000;
  private readonly logger = new Logger('Webhooks');
  private readonly root: string;

  constructor({ conversationsPath }: StorageOptions) {
    super();
    this.root = path.join(conversationsPath, FOLDER);
  }

  override open(webhookId: string): WebhookDeliveries {
    return new FileDeliveries(path.join(this.root, webhookId));
  }

  override async removeUnused(known: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    for (const name of names.filter((it) => !known.has(it))) {
      const folder = path.join(this.root, name);
      const used = await stat(folder).catch(() => undefined);
      if (!used || Date.now() - used.mtimeMs < UNUSED_MS) continue;
      this.logger.warn(`${folder} is removed: its webhook is no longer configured`);
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
        this.logger.warn(`${folder} could not be removed: ${errorMessage(error)}`),
      );
    }
  }
}
