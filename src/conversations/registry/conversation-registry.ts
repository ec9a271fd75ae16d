import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../errors/index.js';
import { DamagedConversationError, LeaseLostError, StorageFailedError } from '../../storage/index.js';
import { Conversation } from '../conversation/conversation.js';
import { ConversationClosedError, ConversationNotFoundError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { ConversationStore, FillLog, StoredState } from './conversation-store.js';
import type { Recoverable } from '../runs/crash-recovery.js';
import type { InterruptedRun } from '../runs/interrupted-run.js';
import { LostRuns } from '../runs/lost-runs.js';

/** How often idle conversations are looked for at least (ms); more often where they are closed sooner. */
const SWEEP_MS = 60_000;

/** Which conversations are open. Opens each once for all who ask, and closes those that nobody uses. */
export class ConversationRegistry implements Recoverable {
  private readonly logger = new Logger(ConversationRegistry.name);
  private readonly conversations = new Map<string, Promise<Conversation>>();
  private readonly live = new Map<string, Conversation>();
  private readonly lastUse = new WeakMap<Conversation, number>();
  /** How many have borrowed each. */
  private readonly borrowers = new WeakMap<Conversation, number>();
  /** Conversations on their way out: opening one again waits for its end. */
  private readonly closings = new Map<string, Promise<void>>();
  private readonly lostRuns = new LostRuns((id) => this.recover(id));
  /** Takes conversations that go on by themselves after a crash; undefined: they are paused. */
  private resume: ((id: string) => void) | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  /** The server is shutting down: nothing is opened any more. */
  private stopping = false;

  constructor(
    private readonly services: ConversationServices,
    private readonly store: ConversationStore,
    /** Seconds without use after which a conversation is closed; null: never. */
    private readonly idleTtlSeconds: number | null,
  ) {}

  /** How many conversations are open. */
  get size(): number {
    return this.live.size;
  }

  /** What is stored of it tells all: it is not open, and its log took what happened to its last run. */
  isAtRest(id: string): boolean {
    return !this.live.has(id) && this.lostRuns.reasonOf(id) === undefined;
  }

  /** The conversation if it is open already. */
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

  /**
   * The same, also where the credential of its agent is not bound: to bind it, to delete it, to end its run.
   */
  async acquireUnbound(id: string): Promise<Conversation> {
    if (this.stopping) throw new ConversationClosedError();
    const known = this.conversations.get(id) ?? this.keep(id, this.open(id));
    const conversation = await known;
    this.lastUse.set(conversation, performance.now());
    return conversation;
  }

  /** Conversations that are found running go on: `resume` is told of each. */
  resumeBy(resume: (id: string) => void): void {
    this.resume = resume;
  }

  /** Tells the log of a conversation that its run was cut off, which is part of opening it. */
  async recover(id: string): Promise<void> {
    const conversation = await (this.conversations.get(id) ?? this.keep(id, this.open(id)));
    // All who have waited for it, too, have it now.
    await nextTurn();
    if (this.lastUse.has(conversation) || this.borrowers.get(conversation)) return;
    if (this.live.get(id) !== conversation) return;
    this.retire(id, conversation);
  }

  async goOn(id: string, slot: () => void): Promise<void> {
    (await this.acquireUnbound(id)).goOn(slot);
  }

  async saysRunning(id: string): Promise<boolean> {
    return (await this.peek(id))?.execution_status === 'running';
  }

  /**
   * The conversation for a short while, which is no use of it: `release` closes it where nobody else has
   * asked for it.
   * @throws as `acquire` does
   */
  async borrow(id: string): Promise<{ conversation: Conversation; release: () => void }> {
    if (this.stopping) throw new ConversationClosedError();
    const conversation = await (this.conversations.get(id) ?? this.keep(id, this.open(id)));
    this.borrowers.set(conversation, (this.borrowers.get(conversation) ?? 0) + 1);
    return { conversation, release: () => void this.giveBack(conversation) };
  }

  private async giveBack(conversation: Conversation): Promise<void> {
    // All who have waited for it, too, have it then.
    await nextTurn();
    const { id } = conversation;
    const left = (this.borrowers.get(conversation) ?? 1) - 1;
    this.borrowers.set(conversation, left);
    const isUsed = this.lastUse.has(conversation) || this.services.bus.subscriberCount(id) > 0;
    if (left > 0 || isUsed || conversation.isAtWork || this.live.get(id) !== conversation) return;
    this.retire(id, conversation);
  }

  /** The state of a conversation as it is now, or as it was saved last; undefined for an unknown one. */
  async peek(id: string): Promise<ConversationState | undefined> {
    const opened = this.live.get(id);
    if (opened) return opened.state;
    const state = await this.store.saved(id);
    // Its log could not be told yet.
    return state && this.lostRuns.reasonOf(id) !== undefined
      ? { ...state, execution_status: 'error' }
      : state;
  }

  /**
   * Makes a new conversation, unless one of this id comes first: then that one is the answer.
   * @param fill writes what its log begins with; the conversation is there when that is done
   */
  async create(
    state: ConversationState,
    fill?: FillLog,
  ): Promise<{ conversation: Conversation; created: boolean }> {
    // As long as somebody has it, or is about to: two who ask at once must not both make it.
    do {
      const known = await this.known(state.id);
      if (known) return { conversation: known, created: false };
    } while (this.conversations.has(state.id));
    if (this.stopping) throw new ConversationClosedError();
    const conversation = await this.keep(state.id, this.make(state, fill));
    this.lastUse.set(conversation, performance.now());
    return { conversation, created: true };
  }

  /** The conversation of an id if it is open or being opened; one that is on its way out is waited for. */
  private async known(id: string): Promise<Conversation | undefined> {
    await this.closings.get(id);
    try {
      return await this.conversations.get(id);
    } catch (error) {
      // Somebody asked for it before it was there.
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    }
  }

  /** Closes one conversation for good, with what is stored of it. */
  async destroy(id: string, letGo: () => Promise<void>): Promise<void> {
    await this.end(id, letGo);
    this.services.credentials.unbind(id);
  }

  private async end(id: string, letGo: () => Promise<void>): Promise<void> {
    const conversation = await this.acquireUnbound(id).catch((error: unknown) => {
      if (error instanceof DamagedConversationError || error instanceof StorageFailedError) return undefined;
      throw error;
    });
    if (!conversation) {
      await letGo();
      await this.store.discard(id);
      this.lostRuns.delete(id);
      return;
    }
    // Somebody else deleted it in the same moment.
    if (this.live.get(id) !== conversation) throw new ConversationNotFoundError(id);
    const ending = conversation.destroy(letGo);
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
    this.lostRuns.stop();
    const opened = await Promise.allSettled(this.conversations.values());
    const closing = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await Promise.allSettled([
      ...closing.map((conversation) => conversation.close(graceMs)),
      ...this.closings.values(),
    ]);
    this.conversations.clear();
    this.live.clear();
  }

  private keep(id: string, opening: Promise<Conversation>): Promise<Conversation> {
    const kept = opening.then(
      (conversation) => {
        this.live.set(id, conversation);
        return conversation;
      },
      (error: unknown) => {
        this.conversations.delete(id);
        throw error;
      },
    );
    this.conversations.set(id, kept);
    if (this.idleTtlSeconds !== null) {
      const interval = Math.min(SWEEP_MS, (this.idleTtlSeconds * 1000) / 2);
      this.sweeper ??= setInterval(() => this.closeIdle(), interval).unref();
    }
    return kept;
  }

  private async open(id: string): Promise<Conversation> {
    await this.closings.get(id);
    const stored = await this.store.open(id);
    try {
      const conversation = await this.wrap(stored);
      const { state } = conversation;
      // Nobody runs a conversation that was just opened: whatever ran it is gone.
      await conversation.endLeftovers();
      if (state.execution_status === 'running') await this.recordCutOff(conversation);
      else if (state.goal?.active) await conversation.stopGoal();
      this.lostRuns.delete(id);
      return conversation;
    } catch (error) {
      await this.store.release(stored.storage);
      throw error;
    }
  }

  private async make(state: ConversationState, fill?: FillLog): Promise<Conversation> {
    return this.wrap({ state, storage: await this.store.make(state, fill) });
  }

  /** Subscribers learn of it before anything is appended. */
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

  /** A conversation whose log takes nothing more: the next who asks for it reads it anew from the disk. */
  private abandon(broken: Conversation, error: Error, wasRunning: boolean): void {
    // A lost lease is another matter: then the new owner tells the log.
    if (wasRunning && !(error instanceof LeaseLostError)) {
      this.lostRuns.add(broken.id, errorMessage(error));
      this.services.catalogue.touch({ ...broken.state, execution_status: 'error' });
    }
    this.retire(broken.id, broken);
  }

  /** Records that a run was cut off; a conversation that cannot take the record is closed again. */
  private async recordCutOff(conversation: Conversation): Promise<void> {
    const { id } = conversation;
    const reason = this.lostRuns.reasonOf(id);
    const cutOff: InterruptedRun =
      reason === undefined ? { by: 'restart', goesOn: this.resume !== undefined } : { by: 'storage', reason };
    try {
      await conversation.recover(cutOff);
    } catch (error) {
      await conversation.close(0);
      throw error;
    }
    if (cutOff.by === 'storage') return;
    const next = cutOff.goesOn ? 'it goes on' : 'it is paused now';
    this.logger.warn(`conversation ${id} was running when its server stopped; ${next}`);
    this.resume?.(id);
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
      // A change that is to come was made before the clock was set back: then it tells nothing.
      const unchanged = Math.abs(Date.now() - Date.parse(conversation.state.updated_at));
      if (
        Math.min(unused, unchanged) < ttlMs ||
        conversation.isAtWork ||
        this.services.bus.subscriberCount(id) > 0
      )
        continue;
      this.retire(id, conversation);
    }
  }

  /** Closes a conversation; who asks for it meanwhile gets it opened again when that is done. */
  private retire(id: string, conversation: Conversation): void {
    const closing = conversation.close(0).catch((error: unknown) => {
      this.logger.error(`conversation ${id}: closing failed`, errorStack(error));
    });
    this.closings.set(id, closing);
    this.forget(id, conversation);
    void closing.then(() => this.closings.delete(id));
  }
}
