import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { errorStack } from '../../errors/index.js';
import {
  EventBus,
  type ClosingConversation,
  type EventSubscriber,
  type PublishedEvent,
} from '../../events/index.js';
import { Catalogue, CONVERSATION_CHANGED, Hints } from '../../storage/index.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { ownerFilter, Ownership } from '../owners/ownership.js';
import { ConversationSummaries } from './conversation-summaries.js';

/** How long changes of a conversation are collected (ms). */
const COLLECT_MS = 250;
/**
 * How often conversations are looked for that other servers or programs have changed (ms): without hints, and
 * with hints, which may be lost.
 */
const LOOK_EVERY_MS = 5_000;
const LOOK_EVERY_WITH_HINTS_MS = 60_000;
/** Looking may take one part in so many of the time. */
const LOOK_SHARE = 20;
/** Stamps that are asked for at once. */
const STAMPS_AT_ONCE = 1000;

/** A change of one conversation, as the text of a frame. */
type SummaryListener = (frame: Buffer) => void;

/**
 * Tells listeners the new summary of each conversation that changes, at most four times a second and
 * conversation. Without listeners nothing is observed.
 */
@Injectable()
export class SummaryFeed implements EventSubscriber, OnModuleDestroy {
  private readonly logger = new Logger('Conversations');
  private readonly listeners = new Map<SummaryListener, string | undefined>();
  /** The keys of conversations that belong to one: when a conversation is removed nothing else tells it. */
  private readonly owners = new Map<string, string>();
  /** Conversations whose change was not told yet. */
  private readonly changed = new Set<string>();
  /** Of these, those that are being deleted. */
  private readonly removed = new Set<string>();
  /** Stamps of conversations that are not open here. */
  private stamps = new Map<string, string | undefined>();
  private unsubscribe: (() => void) | undefined;
  private ignoreHints: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lookTimer: NodeJS.Timeout | undefined;
  private isTelling = false;
  private readonly lookEveryMs: number;

  constructor(
    private readonly bus: EventBus,
    private readonly summaries: ConversationSummaries,
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    private readonly hints: Hints,
    private readonly ownership: Ownership,
    { database_url }: AppConfig,
  ) {
    this.lookEveryMs = database_url === null ? LOOK_EVERY_MS : LOOK_EVERY_WITH_HINTS_MS;
  }

  /** The listeners that see what a principal sees: others must not take its places. */
  countFor(principal: Principal): number {
    const owner = ownerFilter(principal);
    return [...this.listeners.values()].filter((wanted) => wanted === owner).length;
  }

  /**
   * Calls the listener with each change from now on that a principal may see. Returns a function that ends
   * this.
   */
  listen(principal: Principal, listener: SummaryListener): () => void {
    this.listeners.set(listener, ownerFilter(principal));
    if (this.listeners.size === 1) this.start();
    return () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) this.stop();
    };
  }

  onModuleDestroy(): void {
    this.listeners.clear();
    this.stop();
  }

  onEvent({ conversationId, seq }: PublishedEvent): void {
    // Deltas of answers change nothing that is shown.
    if (seq !== undefined) this.note(conversationId);
  }

  onUpdate(conversationId: string): void {
    this.note(conversationId);
  }

  onOpening({ conversationId }: { conversationId: string }): Promise<void> {
    this.note(conversationId);
    return Promise.resolve();
  }

  onClosing({ conversationId, removed }: ClosingConversation): Promise<void> {
    if (removed) this.removed.add(conversationId);
    this.note(conversationId);
    return Promise.resolve();
  }

  onChange({ conversationId }: { conversationId: string }): Promise<void> {
    this.note(conversationId);
    return Promise.resolve();
  }

  private start(): void {
    this.unsubscribe = this.bus.subscribe('*', this);
    this.ignoreHints = this.hints.listen(CONVERSATION_CHANGED, (id) => this.onHint(id));
    this.lookLater(0);
  }

  private stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.ignoreHints?.();
    clearTimeout(this.timer);
    clearTimeout(this.lookTimer);
    this.timer = undefined;
    this.lookTimer = undefined;
    this.changed.clear();
    this.removed.clear();
    this.stamps.clear();
    this.owners.clear();
  }

  /** Another server has changed a conversation; undefined: perhaps many. */
  private onHint(conversationId: string | undefined): void {
    if (conversationId !== undefined) return this.note(conversationId);
    this.lookLater(COLLECT_MS);
  }

  private rememberOwner(id: string, owner: string | null | undefined): void {
    if (typeof owner === 'string') this.owners.set(id, owner);
    else this.owners.delete(id);
  }

  private note(conversationId: string): void {
    if (!this.unsubscribe) return;
    const opened = this.registry.opened(conversationId);
    if (opened) this.rememberOwner(conversationId, opened.state.owner_key);
    this.changed.add(conversationId);
    this.tellSoon();
  }

  private tellSoon(): void {
    if (this.isTelling) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.isTelling = true;
      void this.tell().finally(() => {
        this.isTelling = false;
        if (this.changed.size > 0 && this.unsubscribe) this.tellSoon();
      });
    }, COLLECT_MS);
  }

  private async tell(): Promise<void> {
    for (const id of [...this.changed]) {
      this.changed.delete(id);
      try {
        const { frame, owner } = await this.changeOf(id);
        for (const [listener, wanted] of [...this.listeners])
          if (wanted === undefined || wanted === owner) listener(frame);
      } catch (error) {
        this.logger.error(`conversation ${id}: its change could not be told`, errorStack(error));
      }
    }
  }

  /** The frame of a change, and the key that the conversation belongs to. */
  private async changeOf(id: string): Promise<{ frame: Buffer; owner: string | undefined }> {
    const isRemoved = this.removed.delete(id);
    const json = isRemoved ? undefined : await this.summaries.json(id);
    if (json) {
      const known = await this.ownership.ownerKey(id);
      // Unknown: it is being removed, and the next frame says so.
      const owner = known === undefined ? this.owners.get(id) : (known ?? undefined);
      this.rememberOwner(id, owner);
      return { frame: Buffer.concat([SUMMARY_START, json, SUMMARY_END]), owner };
    }
    const owner = this.owners.get(id);
    this.owners.delete(id);
    return { frame: Buffer.from(JSON.stringify({ type: 'removed', id })), owner };
  }

  private lookLater(ms: number): void {
    const isFirst = ms === 0;
    clearTimeout(this.lookTimer);
    this.lookTimer = setTimeout(() => {
      const started = performance.now();
      this.look(isFirst)
        .catch((error: unknown) => {
          this.logger.error('conversations of other servers could not be looked at', errorStack(error));
        })
        .finally(() => {
          const took = performance.now() - started;
          if (this.unsubscribe) this.lookLater(Math.max(this.lookEveryMs, took * LOOK_SHARE));
        });
    }, ms);
  }

  /** Notes conversations that are not open here and have another stamp than before. */
  private async look(isFirst: boolean): Promise<void> {
    const limit = await this.catalogue.count();
    const entries = await this.catalogue.page({ order: 'CREATED_AT', limit });
    for (const { id, owner_key } of entries) this.rememberOwner(id, owner_key);
    const stamps = new Map<string, string | undefined>();
    for (let at = 0; at < entries.length; at += STAMPS_AT_ONCE) {
      const ids = entries.slice(at, at + STAMPS_AT_ONCE).map(({ id }) => id);
      const closed = ids.filter((id) => !this.registry.opened(id));
      const found = await this.catalogue.stampsOf(closed);
      if (!this.unsubscribe) return;
      for (const [index, id] of closed.entries()) {
        const stamp = found[index];
        stamps.set(id, stamp);
        if (!isFirst && (stamp === undefined || this.stamps.get(id) !== stamp)) this.note(id);
      }
    }
    if (!isFirst) for (const id of this.stamps.keys()) if (!stamps.has(id)) this.note(id);
    this.stamps = stamps;
  }
}

const SUMMARY_START = Buffer.from('{"type":"summary","summary":');
const SUMMARY_END = Buffer.from('}');
