import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import type { EventBus, EventSubscriber } from '../events/index.js';
import { SerialQueue } from '../flow/index.js';
import type { EventSource } from './event-source.js';
import { logErrors, Webhook } from './webhook.js';
import type { WebhookStatus } from './webhook-status.js';
import { webhookTargets } from './webhook-target.js';

/** Inside the conversations folder, so that servers that share it also share this folder. */
const FOLDER = '.webhooks';
/** Interval of heartbeats and of the search for undelivered items of dead servers (ms). */
const HEARTBEAT_MS = 15_000;
/** Data of webhooks that are no longer configured is removed after this time without use (ms). */
const UNUSED_MS = 7 * 24 * 3_600_000;

/** All webhooks of this server. Only created if some are configured. */
export class WebhookEngine {
  private readonly logger = new Logger('Webhooks');
  private readonly webhooks: Webhook[];
  private readonly root: string;
  private readonly known: ReadonlySet<string>;
  private readonly unsubscribe: () => void;
  private timer: NodeJS.Timeout | undefined;
  private readonly recovery = new SerialQueue();

  constructor(config: AppConfig, bus: EventBus, source: EventSource) {
    this.root = path.join(config.paths.conversations, FOLDER);
    const targets = webhookTargets(config);
    this.known = new Set(targets.map(({ id }) => id));
    this.webhooks = targets.map((target) => new Webhook(target, path.join(this.root, target.id), source));
    this.unsubscribe = bus.subscribe('*', this.subscriber());
    this.logger.log(`${targets.length} configured; see GET /api/webhooks for their state`);
  }

  /** Starts to deliver the items of earlier servers in the background. */
  start(): void {
    void this.recovery.run(() => logErrors(this.recover().then(() => this.removeUnused())));
    this.timer = setInterval(() => {
      void this.recovery.run(() => logErrors(this.heartbeat()));
    }, HEARTBEAT_MS).unref();
  }

  /** The webhook with this id. */
  find(id: string): Webhook | undefined {
    return this.webhooks.find((webhook) => webhook.id === id);
  }

  status(): WebhookStatus[] {
    return this.webhooks.map((webhook) => webhook.describe());
  }

  /** Must be called after all conversations are closed. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.timer);
    await this.recovery.settled();
    this.unsubscribe();
    await Promise.all(this.webhooks.map((webhook) => logErrors(webhook.close(graceMs))));
  }

  private subscriber(): EventSubscriber {
    const all = (action: (webhook: Webhook) => Promise<void>): Promise<void> =>
      Promise.all(this.webhooks.map((webhook) => logErrors(action(webhook)))).then(() => undefined);
    return {
      onEvent: (published) => {
        for (const webhook of this.webhooks) webhook.onEvent(published);
      },
      onOpening: (opening) => all((webhook) => webhook.onOpening(opening)),
      onClosing: (closing) => all((webhook) => webhook.onClosing(closing)),
      onChange: (change) => {
        const body = JSON.stringify(change.info());
        return all((webhook) => webhook.onChange(change, body));
      },
    };
  }

  private async recover(): Promise<void> {
    for (const webhook of this.webhooks) await webhook.recover();
  }

  private async heartbeat(): Promise<void> {
    for (const webhook of this.webhooks) await webhook.heartbeat();
    await this.recover();
  }

  private async removeUnused(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    for (const name of names.filter((it) => !this.known.has(it))) {
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
