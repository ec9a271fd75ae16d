import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ConversationsService } from '../conversations/index.js';
import { EventBus } from '../events/index.js';
import { EventLogStore } from '../storage/index.js';
import type { WebhookEngine } from './webhook-engine.js';
import type { WebhookStatus } from './webhook-status.js';

/** Time limit for deliveries at shutdown (ms). */
const GRACE_MS = 2_000;

/** The webhooks of the server. Without configured webhooks, nothing is loaded, subscribed or written. */
@Injectable()
export class WebhooksService implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private engine: WebhookEngine | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly bus: EventBus,
    private readonly conversations: ConversationsService,
    private readonly logs: EventLogStore,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.config.webhooks.length === 0) return;
    const { WebhookEngine } = await import('./webhook-engine.js');
    const { ConversationEventSource } = await import('./conversation-event-source.js');
    const source = new ConversationEventSource(this.conversations, this.logs);
    this.engine = new WebhookEngine(this.config, this.bus, source);
  }

  onApplicationBootstrap(): void {
    this.engine?.start();
  }

  /** Runs after all conversations are closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.engine?.close(GRACE_MS);
  }

  /** The state of each webhook, in the order of the configuration. */
  status(): WebhookStatus[] {
    return this.engine?.status() ?? [];
  }
}
