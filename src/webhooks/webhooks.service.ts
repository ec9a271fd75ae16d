import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import {
  ConversationNotFoundError,
  ConversationsService,
  UnknownEventError,
} from '../conversations/index.js';
import { InvalidRequestError } from '../errors/index.js';
import { EventBus } from '../events/index.js';
import { DeliveryStore, EventLogStore, Hints, LeaseStore, ReservedConversations } from '../storage/index.js';
import type { WebhookEngine } from './webhook-engine.js';
import { DeliveredElsewhereError, NothingPendingError, UnknownWebhookError } from './webhook-errors.js';
import type { Webhook } from './webhook.js';
import type { Backlog, WebhookDetails, WebhookStatus } from './webhook-status.js';

/** Time limit for deliveries at shutdown (ms). */
const GRACE_MS = 2_000;

/** What to deliver again. */
export interface RedeliveryRequest {
  readonly conversation_id: string | null;
  readonly from_event_id: string | null;
}

/** The webhooks of the server. Without configured webhooks, nothing is loaded, subscribed or written. */
@Injectable()
export class WebhooksService implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private engine: WebhookEngine | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly bus: EventBus,
    private readonly conversations: ConversationsService,
    private readonly logs: EventLogStore,
    private readonly leases: LeaseStore,
    private readonly reserved: ReservedConversations,
    private readonly deliveries: DeliveryStore,
    private readonly hints: Hints,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.config.webhooks.length === 0) return;
    const { WebhookEngine } = await import('./webhook-engine.js');
    const { ConversationEventSource } = await import('./conversation-event-source.js');
    const source = new ConversationEventSource(this.conversations, this.logs, this.leases, this.reserved);
    this.engine = new WebhookEngine(this.config, this.bus, source, this.deliveries, this.hints);
  }

  onApplicationBootstrap(): void {
    this.engine?.start();
  }

  /** Runs after all conversations are closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.engine?.close(GRACE_MS);
  }

  /** The state of each webhook, in the order of the configuration. */
  async status(): Promise<WebhookStatus[]> {
    return (await this.engine?.status()) ?? [];
  }

  /** As `status`, without what other servers have pending. */
  localStatus(): WebhookStatus[] {
    return this.engine?.localStatus() ?? [];
  }

  /** One webhook with its lanes. @throws UnknownWebhookError */
  async details(id: string): Promise<WebhookDetails> {
    return this.find(id).details();
  }

  /**
   * Attempts pending deliveries at once, or delivers the events of a conversation again.
   * @throws NothingPendingError if there is nothing to do
   */
  async redeliver(id: string, request: RedeliveryRequest): Promise<Backlog> {
    const webhook = this.find(id);
    const { conversation_id: conversationId, from_event_id: eventId } = request;
    if (eventId !== null) return redeliverFrom(webhook, conversationId, eventId);
    const backlog = await webhook.retryEverywhere(conversationId ?? undefined);
    if (backlog.conversations === 0) throw new NothingPendingError(webhook.shownUrl, conversationId);
    return backlog;
  }

  private find(id: string): Webhook {
    const webhook = this.engine?.find(id);
    if (!webhook) throw new UnknownWebhookError(id);
    return webhook;
  }
}

async function redeliverFrom(
  webhook: Webhook,
  conversationId: string | null,
  eventId: string,
): Promise<Backlog> {
  if (conversationId === null) {
    throw new InvalidRequestError(
      ['body', 'conversation_id'],
      'from_event_id needs the conversation of the event',
    );
  }
  const result = await webhook.redeliverFrom(conversationId, eventId);
  switch (result) {
    case 'gone':
      throw new ConversationNotFoundError(conversationId);
    case 'elsewhere':
      throw new DeliveredElsewhereError(conversationId);
    case 'unknown-event':
      throw new UnknownEventError('from_event_id', eventId);
    default:
      return result;
  }
}
