import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConversationRegistry, ConversationsService } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { EventBus, type PublishedEvent, utcFromLocal } from '../../events/index.js';
import { asJsonObject, asText, tryParseJson } from '../../json/index.js';
import { AutomationStore, Catalogue } from '../../storage/index.js';
import { Clock } from '../clock.js';
import type { Automation } from '../definitions/automation.js';
import { toAutomation } from '../definitions/stored-automation.js';
import type { ChainTrigger } from '../definitions/trigger.js';
import { concerns } from './run-chains.js';
import { RunRequests } from './run-requests.js';

/** Statuses with which a conversation ends a run by itself. */
const ENDS: readonly string[] = ['finished', 'error', 'stuck'];
/** The tag of conversations that automations have started: they are followed by their runs. */
const RUN_TAG = 'automationrunid';
/** Most of what the agent said last (characters). */
const MAX_RESPONSE = 10_000;

/** When ends are looked for that were not heard of, because a server was killed (ms): at first, and then. */
const FIRST_LOOK_MS = 5_000;
const LOOK_MS = 30_000;
/** Older ends are not looked for (ms), and not more of them at a time. */
const MAX_AGE_MS = 10 * 60_000;
const MAX_ENDS = 50;
/** Ends that are known to be followed. */
const MAX_KNOWN = 1_000;

/** The end of a conversation. */
interface End {
  conversationId: string;
  status: string;
  /** The id of the event that tells it, which identifies it. */
  eventId: string;
  /** When it ended (ms since the epoch). */
  at: number;
}

/** What a chain depends on. */
interface Ended {
  tags: Readonly<Record<string, string>>;
  owner: string | null;
  title: string | null;
}

/**
 * Starts automations after conversations that no automation has started. They are heard of when they end, and
 * looked for afterwards: a server may be killed in between.
 */
@Injectable()
export class ConversationChains implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Automations');
  private readonly following = new Set<Promise<void>>();
  private readonly known = new Set<string>();
  private unsubscribe: () => void = () => undefined;
  private stopTimer: () => void = () => undefined;
  private isStopped = false;

  constructor(
    private readonly bus: EventBus,
    private readonly store: AutomationStore,
    private readonly registry: ConversationRegistry,
    private readonly conversations: ConversationsService,
    private readonly catalogue: Catalogue,
    private readonly requests: RunRequests,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.unsubscribe = this.bus.subscribe('*', { onEvent: (published) => this.onEvent(published) });
    this.lookIn(FIRST_LOOK_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.stopTimer();
    this.unsubscribe();
    await Promise.all(this.following);
  }

  private onEvent({ conversationId, event, seq }: PublishedEvent): void {
    if (
      seq === undefined ||
      event.kind !== 'ConversationStateUpdateEvent' ||
      event.key !== 'execution_status'
    )
      return;
    const { id: eventId, value: status } = event;
    if (typeof status !== 'string' || !ENDS.includes(status)) return;
    const { tags, owner_key: owner = null, title = null } = this.registry.opened(conversationId)?.state ?? {};
    if (tags === undefined) return;
    const at = this.clock.now();
    this.track(this.follow({ conversationId, status, eventId, at }, { tags, owner, title }));
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) =>
        this.logger.error(`ends of conversations were not followed: ${errorMessage(error)}`),
      )
      .finally(() => this.following.delete(tracked));
    this.following.add(tracked);
  }

  private lookIn(ms: number): void {
    this.stopTimer = this.clock.after(ms, () => {
      this.track(
        this.look().finally(() => {
          if (!this.isStopped) this.lookIn(LOOK_MS);
        }),
      );
    });
  }

  /** Follows what ended lately, also on a server that was killed then. */
  private async look(): Promise<void> {
    if ((await this.chains()).length === 0) return;
    const since = this.clock.now() - MAX_AGE_MS;
    for (const status of ENDS) {
      const page = await this.catalogue.page({ order: 'UPDATED_AT_DESC', limit: MAX_ENDS, status });
      for (const { id, created_at, updated_at, owner_key: owner } of page) {
        if (this.isStopped) return;
        if (Date.parse(updated_at) < since) break;
        const end = await this.endOf(id, status);
        // What a fork has copied ended before.
        if (!end || end.at < Date.parse(created_at) || this.known.has(keyOf(end))) continue;
        const metadata = await this.catalogue.load(id);
        const tags = Object.entries(asJsonObject(metadata?.['tags'])).map(([name, tag]) => [
          name,
          String(tag),
        ]);
        await this.follow(end, {
          tags: Object.fromEntries(tags) as Record<string, string>,
          owner,
          title: asText(metadata?.['title']),
        });
      }
    }
  }

  /** The event with which a conversation ended; undefined if it was another one. */
  private async endOf(conversationId: string, status: string): Promise<End | undefined> {
    const query = { kind: 'ConversationStateUpdateEvent', limit: MAX_ENDS, descending: true };
    const parse = (line: string): Promise<unknown> => Promise.resolve(tryParseJson(line));
    const { items } = await this.conversations.mapEvents(conversationId, query, parse);
    for (const item of items) {
      const { id, key, value, timestamp } = asJsonObject(item);
      if (key !== 'execution_status') continue;
      if (value !== status || typeof id !== 'string' || typeof timestamp !== 'string') return undefined;
      return { conversationId, status, eventId: id, at: Date.parse(utcFromLocal(timestamp)) };
    }
    return undefined;
  }

  private async follow(end: End, { tags, owner, title }: Ended): Promise<void> {
    const { conversationId, status, at } = end;
    if (Object.hasOwn(tags, RUN_TAG)) return this.remember(end);
    const due = (await this.chains()).filter((automation) => {
      const isTheirs = automation.owner_key === null || automation.owner_key === owner;
      // It was made, changed or switched on after that.
      const isLate = at < Date.parse(automation.schedule_from);
      return isTheirs && !isLate && concerns(automation.trigger, status, tags);
    });
    if (due.length > 0) {
      const { response } = await this.conversations.finalResponse(conversationId);
      for (const { id } of due) {
        await this.requests.request(id, {
          trigger_source: 'chain',
          occurrence: `conversation ${keyOf(end)}`,
          source: 'chain',
          payload: {
            conversation_id: conversationId,
            title,
            status,
            tags,
            response: response.slice(0, MAX_RESPONSE),
          },
        });
      }
    }
    this.remember(end);
  }

  /** The automations that wait for the end of any conversation. */
  private async chains(): Promise<(Automation & { trigger: ChainTrigger })[]> {
    const all = (await this.store.list()).map(toAutomation);
    return all.filter(
      (one): one is Automation & { trigger: ChainTrigger } =>
        one.enabled && one.trigger.type === 'chain' && one.trigger.automation_id === null,
    );
  }

  private remember(end: End): void {
    this.known.add(keyOf(end));
    const [oldest] = this.known;
    if (this.known.size > MAX_KNOWN && oldest !== undefined) this.known.delete(oldest);
  }
}

function keyOf({ conversationId, eventId }: End): string {
  return `${conversationId} ${eventId}`;
}
