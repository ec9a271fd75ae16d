import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConversationRegistry, ConversationsService } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { EventBus, type PublishedEvent } from '../../events/index.js';
import { AutomationStore } from '../../storage/index.js';
import { toAutomation } from '../definitions/stored-automation.js';
import { concerns } from './run-chains.js';
import { RunRequests } from './run-requests.js';

/** Statuses with which a conversation ends a run by itself. */
const ENDS: readonly unknown[] = ['finished', 'error', 'stuck'];
/** The tag of conversations that automations have started: they are followed by their runs. */
const RUN_TAG = 'automationrunid';
/** Most of what the agent said last (characters). */
const MAX_RESPONSE = 10_000;

/** Starts automations after conversations that no automation has started. */
@Injectable()
export class ConversationChains implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Automations');
  private readonly following = new Set<Promise<void>>();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly bus: EventBus,
    private readonly store: AutomationStore,
    private readonly registry: ConversationRegistry,
    private readonly conversations: ConversationsService,
    private readonly requests: RunRequests,
  ) {}

  onApplicationBootstrap(): void {
    this.unsubscribe = this.bus.subscribe('*', { onEvent: (published) => this.onEvent(published) });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe();
    await Promise.all(this.following);
  }

  private onEvent({ conversationId, event, seq }: PublishedEvent): void {
    if (event.kind !== 'ConversationStateUpdateEvent' || event.key !== 'execution_status') return;
    if (seq === undefined || typeof event.value !== 'string' || !ENDS.includes(event.value)) return;
    const work = this.follow(conversationId, event.value, seq)
      .catch((error: unknown) =>
        this.logger.error(`conversation ${conversationId} was not followed: ${errorMessage(error)}`),
      )
      .finally(() => this.following.delete(work));
    this.following.add(work);
  }

  private async follow(conversationId: string, status: string, seq: number): Promise<void> {
    const { tags, owner_key: owner, title } = this.registry.opened(conversationId)?.state ?? {};
    if (tags === undefined || Object.hasOwn(tags, RUN_TAG)) return;
    const all = (await this.store.list()).map(toAutomation);
    const due = all.filter(({ enabled, trigger, owner_key }) => {
      const isTheirs = owner_key === null || owner_key === owner;
      return enabled && isTheirs && trigger.type === 'chain' && concerns(trigger, status, tags);
    });
    if (due.length === 0) return;
    const { response } = await this.conversations.finalResponse(conversationId);
    for (const automation of due) {
      await this.requests.request(automation.id, {
        trigger_source: 'chain',
        occurrence: `conversation ${conversationId} ${seq}`,
        source: 'chain',
        payload: {
          conversation_id: conversationId,
          title: title ?? null,
          status,
          tags,
          response: response.slice(0, MAX_RESPONSE),
        },
      });
    }
  }
}
