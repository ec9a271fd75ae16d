import { Injectable, Logger } from '@nestjs/common';
import { forEachBounded, inSlices } from '../../flow/index.js';
import { Catalogue, DamagedConversationError, type CatalogueEntry } from '../../storage/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { isDurable } from '../registry/conversation-info-cache.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { ConversationStore } from '../registry/conversation-store.js';
import { jsonToKeep, StampedCache } from '../registry/stamped-cache.js';
import { SecretVault } from '../secrets/secret-vault.js';
import type { ConversationState } from '../state/conversation-state.js';
import { conversationSummary, type ConversationSummary } from '../state/conversation-summary.js';
import { sealedState } from '../state/stored-conversation.js';
import { joinItems, type JsonPage } from './json-page.js';
import { callsLine, pendingCalls, pendingCallsIn } from './pending-calls.js';
import { formatCursor, type SummaryQuery } from './summary-page.js';

/** Enough for about 20,000 conversations. */
const MAX_CACHE_BYTES = 20 * 1024 * 1024;
/** Stored conversations that are read at a time. */
const MAX_PARALLEL_READS = 8;
/** A read that takes longer (ms) is slow; after so many of them the disk is not read at once any more. */
const SLOW_READ_MS = 5;
const MAX_SLOW_READS = 8;

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
  async page(query: SummaryQuery): Promise<JsonPage> {
    const { after, limit, status } = query;
    const order = 'UPDATED_AT_DESC';
    const found = await this.catalogue.page({ order, limit: limit + 1, status, after });
    const entries = found.slice(0, limit);
    const summaries = new Map<string, Buffer>();
    const others = await inSlices(this.readNow(entries, summaries));
    await forEachBounded(others, MAX_PARALLEL_READS, async (id) => {
      const json = await this.json(id);
      if (json) summaries.set(id, json);
    });
    const items = entries.flatMap(({ id }) => summaries.get(id) ?? []);
    const last = found.length > limit ? entries.at(-1) : undefined;
    return { items: joinItems(items), nextPageId: last ? formatCursor(last) : null };
  }

  /**
   * Adds the summaries that need no waiting: on a disk that answers at once, a thread for each file would
   * cost several times the read.
   * @returns the ids of the others
   */
  private *readNow(
    entries: readonly CatalogueEntry[],
    summaries: Map<string, Buffer>,
  ): Generator<void, string[]> {
    const others: string[] = [];
    let slow = 0;
    for (const { id } of entries) {
      const started = performance.now();
      const json = slow < MAX_SLOW_READS ? this.summaryNow(id) : undefined;
      if (performance.now() - started > SLOW_READ_MS) slow += 1;
      if (json) summaries.set(id, json);
      else others.push(id);
      yield;
    }
    return others;
  }

  private summaryNow(id: string): Buffer | undefined {
    if (!this.registry.isFullyStored(id)) return undefined;
    const stamp = this.catalogue.stampNow(id);
    if (stamp === undefined) return undefined;
    const cached = this.cache.get(id, stamp);
    if (cached) return cached;
    const metadata = this.catalogue.loadNow(id);
    if (!metadata || metadata.execution_status === 'waiting_for_confirmation') return undefined;
    try {
      const json = jsonToKeep(conversationSummary(sealedState(metadata), { activity: null }));
      this.keep(metadata, stamp, json);
      return json;
    } catch (error) {
      // Reading it again tells what is wrong.
      if (error instanceof DamagedConversationError) return undefined;
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
      if (!(error instanceof DamagedConversationError)) throw error;
      if (!this.reported.has(id)) this.logger.error(`conversation ${id} has no summary: ${error.reason}`);
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
