import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import type { EventBus, EventSubscriber } from '../events/index.js';
import { SerialQueue } from '../flow/index.js';
import type { DeliveryStore, Hints } from '../storage/index.js';
import type { EventSource } from './event-source.js';
import { logErrors, Webhook } from './webhook.js';
import type { WebhookStatus } from './webhook-status.js';
import { webhookTargets } from './webhook-target.js';

/** The hint to attempt at once what is pending of a webhook, all or of one conversation. */
const RETRY = 'webhook-retry';
const ALL = '*';

/** All webhooks of this server. Only created if some are configured. */
export class WebhookEngine {
  private readonly logger = new Logger('Webhooks');
  private readonly webhooks: Webhook[];
  private readonly known: ReadonlySet<string>;
  private readonly unsubscribe: () => void;
  private readonly stopListening: () => void;
  private timer: NodeJS.Timeout | undefined;
  private readonly recovery = new SerialQueue();

  constructor(
    config: AppConfig,
    bus: EventBus,
    source: EventSource,
    private readonly store: DeliveryStore,
    hints: Hints,
  ) {
    const targets = webhookTargets(config);
    this.known = new Set(targets.map(({ id }) => id));
    this.webhooks = targets.map(
      (target) =>
        new Webhook(target, store.open(target.id), source, (id = ALL) =>
          hints.tell(RETRY, `${target.id} ${id}`),
        ),
    );
    this.unsubscribe = bus.subscribe('*', this.subscriber());
    this.stopListening = hints.listen(RETRY, (payload) => {
      void this.recovery.run(() => logErrors(this.onHint(payload)));
    });
    this.logger.log(`${targets.length} configured; see GET /api/webhooks for their state`);
  }

  /** Starts to deliver the items of earlier servers in the background. */
  start(): void {
    void this.recovery.run(() => logErrors(this.recover().then(() => this.store.removeUnused(this.known))));
    this.timer = setInterval(() => {
      // While the storage is away a round takes longer than the interval.
      if (this.recovery.isIdle) void this.recovery.run(() => logErrors(this.heartbeat()));
    }, this.store.heartbeatMs).unref();
  }

  /** The webhook with this id. */
  find(id: string): Webhook | undefined {
    return this.webhooks.find((webhook) => webhook.id === id);
  }

  /** The state of each, in the order of the configuration. */
  status(): Promise<WebhookStatus[]> {
    return Promise.all(this.webhooks.map((webhook) => webhook.status()));
  }

  /** As `status`, without what other servers have pending. */
  localStatus(): WebhookStatus[] {
    return this.webhooks.map((webhook) => webhook.localStatus());
  }

  /** Must be called after all conversations are closed. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
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

  /** @param payload undefined if hints may have been lost */
  private async onHint(payload: string | undefined): Promise<void> {
    if (payload === undefined) return this.recover();
    const [id = '', conversationId] = payload.split(' ');
    await this.find(id)?.retryForOthers(conversationId === ALL ? undefined : conversationId);
  }

  private async recover(): Promise<void> {
    for (const webhook of this.webhooks) await webhook.recover();
  }

  private async heartbeat(): Promise<void> {
    for (const webhook of this.webhooks) await webhook.heartbeat();
    await this.recover();
  }
}
