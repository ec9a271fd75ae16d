import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { errorStack } from '../../errors/index.js';
import { DamagedConversationError, StorageFailedError } from '../../storage/index.js';
import type { EventDraft } from '../../events/index.js';
import { Conversation } from '../conversation/conversation.js';
import { ConversationClosedError, ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { ConversationStore, type FillLog, type StoredState } from './conversation-store.js';
import type { ConversationUse, MayEnd } from './conversation-use.js';
import type { QueuedConversations, QueuedRun } from '../runs/queue/queued-run.js';
import { InterruptedRuns } from './interrupted-runs.js';

/** Longest interval between two searches for idle conversations. */
const MAX_SWEEP_MS = 60_000;

/** The open conversations. Opens each once for all callers and closes idle ones. */
@Injectable()
export class ConversationRegistry implements QueuedConversations {
  private readonly logger = new Logger(ConversationRegistry.name);
  /** Conversations that are open or being opened. */
  private readonly conversations = new Map<string, Promise<Conversation>>();
  private readonly live = new Map<string, Conversation>();
  private readonly lastUse = new WeakMap<Conversation, number>();
  /** How many callers have borrowed each. */
  private readonly borrowers = new WeakMap<Conversation, number>();
  /** Conversations that are being closed: opening one again waits for its end. */
  private readonly closings = new Map<string, Promise<void>>();
  private readonly interruptedRuns: InterruptedRuns;
  /** Null: idle conversations stay open. */
  private readonly idleTtlSeconds: number | null;
  private sweeper: NodeJS.Timeout | undefined;
  /** The server is shutting down: no conversation is opened any more. */
  private stopping = false;

  constructor(
    private readonly services: ConversationServices,
    private readonly store: ConversationStore,
    config: AppConfig,
  ) {
    this.idleTtlSeconds = config.conversation_idle_ttl_seconds;
    this.interruptedRuns = new InterruptedRuns(services, (id) => this.recover(id));
  }

  /** How many conversations are open. */
  get size(): number {
    return this.live.size;
  }

  /** Whether what is stored is complete: the conversation is not open and its last run is recorded. */
  isFullyStored(id: string): boolean {
    return !this.live.has(id) && this.interruptedRuns.isRecorded(id);
  }

  /** The conversation, if it is open. */
  opened(id: string): Conversation | undefined {
    return this.live.get(id);
  }

  /**
   * The open conversation of this id.
   * @throws ConversationNotFoundError, LeaseHeldError, CredentialBindingRequiredError
   */
  async acquire(id: string): Promise<Conversation> {
    const conversation = await this.acquireUnbound(id);
    this.services.credentials.assertBound(conversation.state);
    return conversation;
  }

  /** As `acquire`, also without the bound credential of its agent: to bind it, to delete the conversation. */
  async acquireUnbound(id: string): Promise<Conversation> {
    if (this.stopping) throw new ConversationClosedError();
    const conversation = await this.openOnce(id);
    this.lastUse.set(conversation, performance.now());
    return conversation;
  }

  /** Has interrupted runs resumed instead of paused: `resume` is called for each when it is found. */
  onInterruptedRun(resume: (id: string) => void): void {
    this.interruptedRuns.onFound(resume);
  }

  /** Records an interrupted run, by opening its conversation. Closes it again unless it is used otherwise. */
  async recover(id: string): Promise<void> {
    const conversation = await this.openOnce(id);
    // Other callers that were waiting for it get it first.
    await nextTurn();
    if (this.lastUse.has(conversation) || this.borrowers.get(conversation)) return;
    if (this.live.get(id) !== conversation) return;
    this.retire(id, conversation);
  }

  async resumeRun(id: string, releaseSlot: () => void): Promise<void> {
    (await this.acquireUnbound(id)).recovery.resume(releaseSlot);
  }

  async hasWorkspace(id: string): Promise<boolean> {
    const { workspaces } = this.services;
    if (!workspaces.isLimited) return true;
    const state = await this.peek(id);
    return state !== undefined && workspaces.isHere(state);
  }

  isOpen(id: string): boolean {
    return this.conversations.has(id);
  }

  async startQueuedRun({ conversation_id, log_length }: QueuedRun, releaseSlot: () => void): Promise<void> {
    await (await this.acquireUnbound(conversation_id)).starter.startWaiting(log_length, releaseSlot);
  }

  async isStoredAsRunning(id: string): Promise<boolean> {
    return (await this.peek(id))?.execution_status === 'running';
  }

  /**
   * The conversation for a short while, which does not count as a use: `release` closes it unless it is used
   * otherwise.
   * @throws ConversationNotFoundError, LeaseHeldError
   */
  async borrow(id: string): Promise<{ conversation: Conversation; release: () => void }> {
    if (this.stopping) throw new ConversationClosedError();
    const conversation = await this.openOnce(id);
    this.borrowers.set(conversation, (this.borrowers.get(conversation) ?? 0) + 1);
    return { conversation, release: () => void this.returnBorrowed(conversation) };
  }

  private async returnBorrowed(conversation: Conversation): Promise<void> {
    // Other callers that were waiting for it get it first.
    await nextTurn();
    const { id } = conversation;
    const remaining = (this.borrowers.get(conversation) ?? 1) - 1;
    this.borrowers.set(conversation, remaining);
    const isUsed = this.lastUse.has(conversation) || this.services.bus.subscriberCount(id) > 0;
    if (remaining > 0 || isUsed || conversation.isWorking || this.live.get(id) !== conversation) return;
    this.retire(id, conversation);
  }

  /** The current or last saved state of a conversation; undefined for an unknown one. */
  async peek(id: string): Promise<ConversationState | undefined> {
    const opened = this.live.get(id);
    if (opened) return opened.state;
    const state = await this.store.saved(id);
    return state && this.interruptedRuns.shown(state);
  }

  /**
   * Creates a conversation, or returns the one that has this id already.
   * @param fill writes the initial events, before the conversation exists
   */
  async create(
    state: ConversationState,
    fill?: FillLog,
  ): Promise<{ conversation: Conversation; created: boolean }> {
    // Repeated while another caller is opening or creating it: only one may create it.
    do {
      const existing = await this.existing(state.id);
      if (existing) return { conversation: existing, created: false };
    } while (this.conversations.has(state.id));
    if (this.stopping) throw new ConversationClosedError();
    const conversation = await this.track(state.id, this.make(state, fill));
    this.lastUse.set(conversation, performance.now());
    return { conversation, created: true };
  }

  /** The conversation, if it is open or being opened. Waits while it is being closed. */
  private async existing(id: string): Promise<Conversation | undefined> {
    await this.closings.get(id);
    try {
      return await this.conversations.get(id);
    } catch (error) {
      // Another caller tried to open it before it existed.
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    }
  }

  /** Deletes a conversation. @param release releases what it has elsewhere; must not reject */
  async destroy(id: string, release: () => Promise<void>): Promise<void> {
    await this.end(id, release);
    this.services.credentials.unbind(id);
  }

  /** How an open conversation is used; undefined for one that is not open here. */
  useOf(id: string): ConversationUse | undefined {
    const conversation = this.live.get(id);
    return conversation && this.usedAs(conversation);
  }

  private usedAs(conversation: Conversation): ConversationUse {
    return {
      isWorking: conversation.isWorking,
      watchers: this.services.bus.subscriberCount(conversation.id),
      unusedMs: performance.now() - (this.lastUse.get(conversation) ?? -Infinity),
    };
  }

  /**
   * Deletes a conversation as `destroy` does, but only if it may end, which is asked in the same turn in
   * which its end begins: nobody can start to use it in between.
   * @returns whether it was deleted
   * @throws ConversationNotFoundError, LeaseHeldError, DamagedConversationError
   */
  async destroyIf(
    id: string,
    mayEnd: MayEnd,
    release: () => Promise<void>,
    lastEvents: readonly EventDraft[],
  ): Promise<boolean> {
    const borrowed = await this.borrow(id).catch((error: unknown) => {
      // A full disk: what cannot be opened can still be removed.
      if (error instanceof StorageFailedError) return undefined;
      throw error;
    });
    if (!borrowed) {
      const state = await this.store.saved(id);
      if (!state || !mayEnd(state, this.useOf(id))) return false;
      await this.removeStored(id, release);
      return true;
    }
    const { conversation } = borrowed;
    try {
      const isShared = (this.borrowers.get(conversation) ?? 0) > 1;
      if (this.live.get(id) !== conversation) throw new ConversationNotFoundError(id);
      if (isShared || !mayEnd(conversation.state, this.usedAs(conversation))) return false;
      await this.endOpen(id, conversation, release, lastEvents);
    } finally {
      borrowed.release();
    }
    this.services.credentials.unbind(id);
    return true;
  }

  /** Removes what is stored of a conversation that is not open. */
  async discard(id: string): Promise<void> {
    await this.store.discard(id);
    this.services.bus.publishUpdate(id);
  }

  private async end(id: string, release: () => Promise<void>): Promise<void> {
    const conversation = await this.acquireUnbound(id).catch((error: unknown) => {
      if (error instanceof DamagedConversationError || error instanceof StorageFailedError) return undefined;
      throw error;
    });
    if (!conversation) return this.removeStored(id, release);
    // Another caller has deleted it meanwhile.
    if (this.live.get(id) !== conversation) throw new ConversationNotFoundError(id);
    await this.endOpen(id, conversation, release);
  }

  /** Removes what is stored of a conversation that cannot be opened. */
  private async removeStored(id: string, release: () => Promise<void>): Promise<void> {
    await release();
    await this.store.discard(id);
    this.interruptedRuns.delete(id);
    this.services.bus.publishUpdate(id);
  }

  /** Its end begins before anything is awaited. */
  private async endOpen(
    id: string,
    conversation: Conversation,
    release: () => Promise<void>,
    lastEvents?: readonly EventDraft[],
  ): Promise<void> {
    const ending = conversation.destroy(release, lastEvents);
    this.closings.set(
      id,
      ending.catch(() => undefined),
    );
    this.forget(id, conversation);
    await ending.finally(() => this.closings.delete(id));
  }

  /** Closes all, each run with `graceMs` to end its step. */
  async closeAll(graceMs: number): Promise<void> {
    this.stopping = true;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
    this.interruptedRuns.stop();
    const opened = await Promise.allSettled(this.conversations.values());
    const closing = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await Promise.allSettled([
      ...closing.map((conversation) => conversation.close(graceMs)),
      ...this.closings.values(),
    ]);
    this.conversations.clear();
    this.live.clear();
  }

  private openOnce(id: string): Promise<Conversation> {
    return this.conversations.get(id) ?? this.track(id, this.open(id));
  }

  private track(id: string, opening: Promise<Conversation>): Promise<Conversation> {
    const tracked = opening.then(
      (conversation) => {
        this.live.set(id, conversation);
        return conversation;
      },
      (error: unknown) => {
        this.conversations.delete(id);
        throw error;
      },
    );
    this.conversations.set(id, tracked);
    if (this.idleTtlSeconds !== null) {
      const interval = Math.min(MAX_SWEEP_MS, (this.idleTtlSeconds * 1000) / 2);
      this.sweeper ??= setInterval(() => this.closeIdle(), interval).unref();
    }
    return tracked;
  }

  private async open(id: string): Promise<Conversation> {
    await this.closings.get(id);
    const stored = await this.store.open(id);
    try {
      const conversation = await this.wrap(stored);
      const { state } = conversation;
      // The lease is ours, so nothing runs the conversation any more.
      await conversation.recovery.endOrphanedAgent();
      if (state.execution_status === 'running') await this.interruptedRuns.record(conversation);
      else if (state.goal?.active) await conversation.stopGoal();
      this.interruptedRuns.delete(id);
      return conversation;
    } catch (error) {
      await this.store.release(stored.storage);
      throw error;
    }
  }

  private async make(state: ConversationState, fill?: FillLog): Promise<Conversation> {
    return this.wrap({ state, storage: await this.store.create(state, fill) });
  }

  /** Announces the conversation on the bus before anything is appended. */
  private async wrap({ state, storage }: StoredState): Promise<Conversation> {
    const conversation = new Conversation(state, storage, this.services, (...broken) =>
      this.abandon(...broken),
    );
    const { id, length } = conversation;
    await this.services.bus.opening({
      conversationId: id,
      length,
      snapshot: () => conversation.fullState(),
    });
    return conversation;
  }

  /** Closes a conversation whose log cannot be written. The next caller opens it again from disk. */
  private abandon(broken: Conversation, error: Error, wasRunning: boolean): void {
    if (wasRunning) this.interruptedRuns.add(broken, error);
    this.retire(broken.id, broken);
    this.services.bus.publishUpdate(broken.id);
  }

  private forget(id: string, conversation: Conversation): void {
    if (this.live.get(id) !== conversation) return;
    this.live.delete(id);
    this.conversations.delete(id);
  }

  private closeIdle(): void {
    if (this.idleTtlSeconds === null) return;
    const ttlMs = this.idleTtlSeconds * 1000;
    for (const [id, conversation] of this.live) {
      const unused = performance.now() - (this.lastUse.get(conversation) ?? -Infinity);
      // `updated_at` may be in the future after the clock was set back.
      const unchanged = Math.abs(Date.now() - Date.parse(conversation.state.updated_at));
      if (
        Math.min(unused, unchanged) < ttlMs ||
        conversation.isWorking ||
        this.services.bus.subscriberCount(id) > 0
      )
        continue;
      this.retire(id, conversation);
    }
  }

  /** Closes a conversation. Callers that open it meanwhile wait for that. */
  private retire(id: string, conversation: Conversation): void {
    const closing = conversation.close(0).catch((error: unknown) => {
      this.logger.error(`conversation ${id}: closing failed`, errorStack(error));
    });
    this.closings.set(id, closing);
    this.forget(id, conversation);
    void closing.then(() => this.closings.delete(id));
  }
}
