import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { forEachBounded, inSlices } from '../../flow/index.js';
import { Catalogue, type CatalogueEntry, type StoredMetadata } from '../../storage/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ownerFilter } from '../owners/ownership.js';
import { isDurable } from '../registry/conversation-info-cache.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { ConversationStore } from '../registry/conversation-store.js';
import { jsonToKeep, StampedCache } from '../registry/stamped-cache.js';
import { SecretVault } from '../secrets/secret-vault.js';
import type { ConversationState } from '../state/conversation-state.js';
import { conversationSummary, type ConversationSummary } from '../state/conversation-summary.js';
import { sealedState } from '../state/stored-conversation.js';
import { unreadableReason } from '../state/unreadable.js';
import { joinItems, type JsonPage } from './json-page.js';
import { callsLine, maskedCalls, type PendingCall, pendingCalls, pendingCallsIn } from './pending-calls.js';
import { formatCursor, type SummaryQuery } from './summary-page.js';

/** Enough for about 20,000 conversations. */
const MAX_CACHE_BYTES = 20 * 1024 * 1024;
/** Conversations whose log or state in memory is read at a time. */
const MAX_PARALLEL_READS = 8;
/** Stored states that are in memory at a time. */
const STATES_AT_ONCE = 100;

/** A conversation whose stored state has this stamp. */
interface StampedId {
  id: string;
  stamp: string;
}

/**
 * Short descriptions of all conversations: what they do, and what they wait for. Those that are not open are
 * read from disk without opening them, and cached as long as what is stored is the same.
 */
@Injectable()
export class ConversationSummaries {
  private readonly logger = new Logger('Conversations');
  private readonly cache = new StampedCache(MAX_CACHE_BYTES);
  /** Unreadable conversations that were logged. */
  private readonly reported = new Set<string>();

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    private readonly store: ConversationStore,
  ) {}

  /** A page, latest update first. */
  async page(query: SummaryQuery, principal: Principal): Promise<JsonPage> {
    const { after, limit, status } = query;
    const order = 'UPDATED_AT_DESC';
    const ownerKey = ownerFilter(principal);
    const found = await this.catalogue.page({ order, limit: limit + 1, status, after, ownerKey });
    const entries = found.slice(0, limit);
    const ids = entries.map(({ id }) => id);
    const summaries = await this.stored(ids);
    const others = ids.filter((id) => !summaries.has(id));
    await forEachBounded(others, MAX_PARALLEL_READS, async (id) => {
      const json = await this.json(id);
      if (json) summaries.set(id, json);
    });
    const items = ids.flatMap((id) => summaries.get(id) ?? []);
    const last = found.length > limit ? entries.at(-1) : undefined;
    return { items: joinItems(items), nextPageId: last ? formatCursor(last) : null };
  }

  /** The summaries that the cache or the stored states alone can tell. */
  private async stored(ids: readonly string[]): Promise<Map<string, Buffer>> {
    const summaries = new Map<string, Buffer>();
    const closed = ids.filter((id) => this.registry.isFullyStored(id));
    const stamps = await this.catalogue.stampsOf(closed);
    const changed: StampedId[] = [];
    for (const [index, id] of closed.entries()) {
      const stamp = stamps[index];
      if (stamp === undefined || !this.registry.isFullyStored(id)) continue;
      const cached = this.cache.get(id, stamp);
      if (cached) summaries.set(id, cached);
      else changed.push({ id, stamp });
    }
    for (let at = 0; at < changed.length; at += STATES_AT_ONCE) {
      const part = changed.slice(at, at + STATES_AT_ONCE);
      const states = await this.catalogue.loadMany(part.map(({ id }) => id));
      await inSlices(this.summarise(part, states, summaries));
    }
    return summaries;
  }

  private *summarise(
    conversations: readonly StampedId[],
    states: readonly (StoredMetadata | undefined)[],
    summaries: Map<string, Buffer>,
  ): Generator<void, void> {
    for (const [index, { id, stamp }] of conversations.entries()) {
      const metadata = states[index];
      const json = this.summaryOf(id, metadata);
      if (json && metadata) {
        summaries.set(id, json);
        this.keep(metadata, stamp, json);
      }
      yield;
    }
  }

  /** Undefined if the stored state is not enough: it is open, waits for a confirmation, or is damaged. */
  private summaryOf(id: string, metadata: StoredMetadata | undefined): Buffer | undefined {
    if (!metadata || metadata.execution_status === 'waiting_for_confirmation') return undefined;
    // It may have been opened and changed meanwhile.
    if (!this.registry.isFullyStored(id)) return undefined;
    try {
      return jsonToKeep(conversationSummary(sealedState(metadata), { activity: null }));
    } catch (error) {
      // Reading it again tells what is wrong.
      if (unreadableReason(error) !== undefined) return undefined;
      throw error;
    }
  }

  /** Another server may have changed the conversation since the catalogue was read. */
  private keep(entry: CatalogueEntry, stamp: string, json: Buffer): void {
    this.catalogue.updateEntry(entry);
    this.cache.set(entry.id, stamp, json);
  }

  /** The summary as JSON; undefined for a conversation that does not exist or cannot be read. */
  async json(id: string): Promise<Buffer | undefined> {
    try {
      return (await this.storedJson(id)) ?? jsonToKeep(await this.summary(id));
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return undefined;
      const reason = unreadableReason(error);
      if (reason === undefined) throw error;
      if (!this.reported.has(id)) this.logger.error(`conversation ${id} has no summary: ${reason}`);
      this.reported.add(id);
      return undefined;
    }
  }

  /** From the cache or from disk; undefined if the conversation is open or may be changing. */
  private async storedJson(id: string): Promise<Buffer | undefined> {
    if (!this.registry.isFullyStored(id)) return undefined;
    // Before the state is read: a newer state gets another stamp.
    const stamp = await this.catalogue.stampOf(id);
    if (stamp === undefined || !this.registry.isFullyStored(id)) return undefined;
    const cached = this.cache.get(id, stamp);
    if (cached) return cached;
    const state = await this.store.saved(id);
    // It may have been opened and changed meanwhile.
    if (!state || !this.registry.isFullyStored(id)) return undefined;
    const json = jsonToKeep(await this.storedSummary(state));
    if (this.registry.isFullyStored(id)) this.keep(state, stamp, json);
    return json;
  }

  /**
   * The actions that wait for a confirmation, masked.
   * @throws ConversationNotFoundError
   */
  async pendingCalls(id: string): Promise<PendingCall[]> {
    const conversation = this.registry.opened(id);
    if (conversation && (await isDurable(conversation))) {
      const { masker } = conversation.agentRuntime;
      return maskedCalls(pendingCalls(await conversation.view()), (text) => masker.mask(text));
    }
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    const vault = new SecretVault(state);
    const { log } = await this.store.readLog(id);
    try {
      return maskedCalls(await pendingCallsIn(log), (text) => vault.mask(text));
    } finally {
      await log.close();
    }
  }

  private async summary(id: string): Promise<ConversationSummary> {
    const conversation = this.registry.opened(id);
    if (conversation && (await isDurable(conversation))) return openSummary(conversation);
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    return this.storedSummary(state);
  }

  private async storedSummary(state: ConversationState): Promise<ConversationSummary> {
    if (state.execution_status !== 'waiting_for_confirmation')
      return conversationSummary(state, { activity: null });
    const vault = new SecretVault(state);
    const { log } = await this.store.readLog(state.id);
    try {
      const confirmation = callsLine(await pendingCallsIn(log), (text) => vault.mask(text));
      return conversationSummary(state, { activity: null, confirmation });
    } finally {
      await log.close();
    }
  }
}

async function openSummary(conversation: Conversation): Promise<ConversationSummary> {
  const { state, agentRuntime } = conversation;
  if (state.execution_status !== 'waiting_for_confirmation')
    return conversationSummary(state, { activity: conversation.activity });
  const calls = pendingCalls(await conversation.view());
  const confirmation = callsLine(calls, (text) => agentRuntime.masker.mask(text));
  return conversationSummary(state, { activity: conversation.activity, confirmation });
}
