import { isDeepStrictEqual } from 'node:util';
import type { AgentView, RunActivity } from '../../agent/index.js';
import {
  stateUpdate,
  type ConversationStateUpdateEvent,
  type OutputPiece,
  type DurableEvent,
  type EventDraft,
} from '../../events/index.js';
import { LeaseLostError } from '../../storage/index.js';
import type { JsonObject } from '../../json/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { createAgentRuntime } from '../agent-runtime/create-agent-runtime.js';
import { StateBroadcaster } from '../state/state-broadcaster.js';
import { Approvals } from './approvals.js';
import { Background } from './background.js';
import { ConversationClosedError, MessageUnansweredError } from '../conversation-errors.js';
import type { ConversationServices } from './conversation-services.js';
import type { ConversationChange, ConversationState } from '../state/conversation-state.js';
import type { InfoOptions } from '../state/conversation-info.js';
import { GoalLoop } from '../goal/goal-loop.js';
import { Journal, type OpenedStorage } from '../journal/journal.js';
import { Lifecycle } from './lifecycle.js';
import { ManualCondensation } from '../context/manual-condensation.js';
import { MessageKeys } from './message-keys.js';
import { pauseDrafts, queuedRunCancelled } from '../state/state-updates.js';
import { RunControl } from '../runs/run-control.js';
import { RunStarter } from '../runs/run-starter.js';
import type { QueuePlace, RunRequest } from '../runs/queue/queued-run.js';
import type { NewMessage } from '../state/start-request.js';
import { Recovery } from './recovery.js';
import { Rewind } from './rewind.js';

/** How a message is sent, and what happens if its run reaches a limit. */
interface SendOptions extends RunRequest {
  /** Releases the slot of the run, if the caller has taken one. */
  releaseSlot?: () => void;
  /** Two messages with the same key are one message. */
  key?: string;
}

/**
 * One open conversation: the only writer of its journal, and the operations that clients request. Requests
 * take effect in the order in which they arrive, and none waits for a running tool.
 */
export class Conversation {
  private readonly life: Lifecycle;
  private readonly journal: Journal;
  private readonly broadcaster: StateBroadcaster;
  private readonly background = new Background();
  private readonly runs: RunControl;
  private readonly condensation: ManualCondensation;
  private readonly keys: MessageKeys;
  /** How often a client has paused or interrupted the conversation. */
  private stops = 0;
  readonly agentRuntime: AgentRuntime;
  readonly goal: GoalLoop;
  readonly starter: RunStarter;
  readonly approvals: Approvals;
  readonly rewind: Rewind;
  readonly recovery: Recovery;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    /** Called once, when the log accepts no more events; `wasRunning`: that has ended a run. */
    private readonly onBroken: (conversation: Conversation, error: Error, wasRunning: boolean) => void,
  ) {
    const { loop, slots } = services;
    this.life = new Lifecycle(state.id);
    this.journal = new Journal(state, storage, services, this.life, (error) => this.break(error));
    this.broadcaster = new StateBroadcaster(this.journal, services);
    this.agentRuntime = createAgentRuntime(this.journal, this.background, services);
    this.runs = new RunControl(this.agentRuntime, this.journal, this.broadcaster, slots);
    this.keys = new MessageKeys(this.journal);
    const { masker, usage, messages } = this.agentRuntime;
    const { journal, runs, background } = this;
    this.condensation = new ManualCondensation(journal, masker, usage, runs, loop, background);
    this.goal = new GoalLoop(journal, masker, usage, messages, runs, services, background);
    this.starter = new RunStarter(journal, runs, services, background, this.goal);
    const { agentRuntime, goal, starter } = this;
    this.approvals = new Approvals(journal, agentRuntime, runs, starter, this.keys);
    this.rewind = new Rewind(journal, agentRuntime, { runs, starter, goal, background });
    this.recovery = new Recovery(journal, agentRuntime, runs, goal);
  }

  get id(): string {
    return this.state.id;
  }

  /** How many events of the log are durable and published: the next live event has this seq. */
  get length(): number {
    return this.journal.length;
  }

  /** @throws ConversationClosedError, ConversationNotFoundError once it is being closed or deleted */
  assertOpen(): void {
    this.life.assertOpen();
  }

  /** Does work outside of runs. Meanwhile the conversation is not idle; its close aborts the signal. */
  trackBackground<T>(work: (closeSignal: AbortSignal) => Promise<T>): Promise<T> {
    return this.background.track(work(this.life.closeSignal));
  }

  get isRunning(): boolean {
    return this.runs.isRunning;
  }

  /** What the current run does; null without one, and after its final status. */
  get activity(): RunActivity | null {
    return this.runs.isBusy ? this.runs.activity : null;
  }

  /**
   * Whether a run waits or is active, or a goal, another call of a model or a question of an ACP agent is in
   * progress.
   */
  get isWorking(): boolean {
    return this.isRunning || this.starter.isWaiting || this.background.isBusy || this.approvals.isAwaited;
  }

  /** Whether a run is active and has no final status yet. */
  get isBusy(): boolean {
    return this.runs.isBusy;
  }

  /** Resolves when all events that the state reflects now are durable. */
  settled(): Promise<void> {
    return this.journal.settled();
  }

  readLines(fromSeq: number, limit: number): Promise<string[]> {
    return this.journal.readLines(fromSeq, limit);
  }

  readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    return this.journal.readBytes(fromSeq, limit, bytes);
  }

  /** The number of the first event with this timestamp or a later one; without one, the length of the log. */
  firstSince(timestamp: string): Promise<number> {
    return this.journal.firstSince(timestamp);
  }

  /** For searches. Only events below `length` are durable and published. */
  get log(): OpenedStorage['log'] {
    return this.journal.log;
  }

  /** What the agent sees of the log. */
  view(): Promise<AgentView> {
    return this.journal.views.load();
  }

  fullState(): ConversationStateUpdateEvent {
    return this.broadcaster.fullState();
  }

  /** The last part of what each running action has printed, for a client that begins to watch. */
  recentOutputs(): OutputPiece[] {
    return this.agentRuntime.outputs.recent();
  }

  info(options: InfoOptions): JsonObject {
    return this.broadcaster.info(options);
  }

  /** Announces a change to webhooks; resolves when they have stored it. */
  publishChange(): Promise<void> {
    return this.broadcaster.publishChange();
  }

  /**
   * Appends a message of the user. With `run` the agent answers it, unless a client stops the conversation
   * before the message is durable.
   * @returns the place of its run in the queue, if it waits
   * @throws InvalidRequestError when the key came with another message before
   * @throws RunLimitError, MessageUnansweredError when the message is stored but no run can start;
   *   WorkspaceElsewhereError
   */
  async sendMessage(
    message: NewMessage,
    run: boolean,
    { releaseSlot, key, ...request }: SendOptions = {},
  ): Promise<QueuePlace | undefined> {
    this.life.assertOpen();
    // Its session and its run would work with the files.
    this.services.workspaces.assertHere(this.state);
    const { stops } = this;
    // The message ends the goal, also one that has not started.
    if (this.goal.isWaiting) await this.starter.leave();
    const append = (id?: string, after?: Promise<void>): Promise<void> =>
      this.agentRuntime.messages.append(message, { id, before: this.goal.interruption(), after });
    const keyed = key === undefined ? undefined : await this.keys.once(key, message, run, append);
    if (!keyed) await append();
    if (run) this.assertAnswers();
    if (!run || keyed?.answered || stops !== this.stops) {
      releaseSlot?.();
      this.journal.saveSoon(false);
      return this.starter.place;
    }
    const place = await this.starter.answerMessage(request, releaseSlot);
    if (keyed) keyed.answered = true;
    return place;
  }

  /**
   * The event of the message that came with an idempotency key, or is to be appended; undefined for an
   * unknown key.
   * @throws InvalidRequestError when the key came with another message before
   */
  messageOfKey(key: string, message?: NewMessage): string | undefined {
    return this.keys.eventOf(key, message);
  }

  /** A client that sends a message again which is stored would double it. */
  private assertAnswers(): void {
    try {
      this.life.assertOpen();
    } catch (error) {
      throw error instanceof ConversationClosedError ? new MessageUnansweredError() : error;
    }
  }

  /** Resolves when the run that waits, the current one and all that follow it directly have ended. */
  async runsEnded(): Promise<void> {
    await this.starter.left();
    await this.runs.ended();
  }

  /**
   * Starts a run, or has it wait for a free slot; does not wait for its end.
   * @returns its place in the queue, if it waits
   * @throws AlreadyRunningError, RunLimitError, QueueFullError, WorkspaceElsewhereError
   */
  async startRun(request: RunRequest = {}): Promise<QueuePlace | undefined> {
    return this.starter.start(request);
  }

  /**
   * Pauses the run after the current step, or at once while it waits for the model. Never waits for a tool.
   */
  async pause(): Promise<void> {
    this.life.assertOpen();
    this.stops += 1;
    await Promise.all([this.starter.leave(), this.stopGoal(), this.runs.pause()]);
    await this.broadcaster.publishFullState();
  }

  /** Stops the run at once, in the middle of a step. Without a run it is a pause. */
  async interrupt(): Promise<void> {
    this.life.assertOpen();
    this.stops += 1;
    const stopRun = async () => (await this.runs.interrupt()) || this.runs.pause();
    await Promise.all([this.starter.leave(), this.stopGoal(), stopRun()]);
    await this.broadcaster.publishFullState();
  }

  /** Takes the run or the goal that waits out of the queue. Returns whether one was waiting. */
  async cancelQueuedRun(): Promise<boolean> {
    this.life.assertOpen();
    const { goal, starter } = this;
    const drafts = [...(goal.isWaiting ? goal.interruption() : []), queuedRunCancelled()];
    const isKnown = starter.isWaiting;
    // In one step: a run that is requested from now on is another one.
    const [wasWaiting] = await Promise.all([starter.leave(), isKnown && this.commit(drafts)]);
    if (wasWaiting && !isKnown) await this.commit(drafts);
    // The status is the same: whoever waits for the run would not hear that it does not come.
    if (wasWaiting) await this.broadcaster.publishFullState();
    return wasWaiting;
  }

  /** Stops the goal. The current run continues. */
  async stopGoal(): Promise<void> {
    this.life.assertOpen();
    if (this.goal.isWaiting) await this.starter.leave();
    await this.commit(this.goal.interruption());
  }

  /** Changes title, tags and budget. */
  async update(change: ConversationChange): Promise<void> {
    this.life.assertOpen();
    if (change.title !== undefined) this.state.title = change.title;
    if (change.max_budget_per_run !== undefined)
      this.state.max_budget_per_run = change.max_budget_per_run ?? undefined;
    if (change.tags !== undefined && !isDeepStrictEqual(change.tags, this.state.tags)) {
      await this.commit([stateUpdate('tags', change.tags)]);
    }
    await this.journal.saveChange();
  }

  /**
   * Changes the state, saves a snapshot, then appends events; resolves when both are durable. The snapshot
   * comes first because secrets are masked in events, so that they alone would not restore the state.
   */
  async change(change: (state: ConversationState) => void, ...events: EventDraft[]): Promise<void> {
    this.life.assertOpen();
    change(this.state);
    await this.journal.saveChange();
    await this.commit(events);
  }

  /**
   * Condenses the history: now, or in the active run before its next step.
   * @throws CannotCondenseError, LlmError
   */
  async condense(): Promise<void> {
    this.life.assertOpen();
    await this.condensation.run();
    await this.journal.save();
  }

  /** Stores what the log does not say, such as the tokens of single answers, for readers of the storage. */
  save(): Promise<void> {
    return this.journal.save();
  }

  /**
   * Ends the run, closes the tools and the log, saves the state and releases the lease. From the call on
   * requests are rejected. Idempotent.
   * @param graceMs how long the current step may take to end by itself
   */
  close(graceMs: number): Promise<void> {
    const beforeClose = async (): Promise<void> => {
      await this.commit(this.goal.interruption()).catch((error: unknown) => this.report('close', error));
      await this.runs.stopWithin(graceMs);
      const interrupted = await this.runs.interrupt();
      await this.background.end();
      if (interrupted) await this.broadcaster.publishFullState();
      await this.journal.save();
    };
    return this.life.end('closed', () => this.end(beforeClose));
  }

  /**
   * Ends everything at once and removes what is stored. The workspace stays. Idempotent.
   * @param release releases what the conversation has elsewhere, such as its worktree; must not reject
   * @param lastEvents are appended if that is possible: they reach those who follow its events
   */
  destroy(release: () => Promise<void>, lastEvents: readonly EventDraft[] = []): Promise<void> {
    const beforeRemoval = async (): Promise<void> => {
      await this.broadcaster.publishChange('deleting');
      this.goal.interruption();
      const wasRunning = this.isRunning;
      // Before the background work is ended: a goal waits for its run.
      this.runs.abandon();
      const interrupted = wasRunning ? [...this.agentRuntime.interruptedActions(), ...pauseDrafts()] : [];
      if (interrupted.length + lastEvents.length > 0) await this.commit([...interrupted, ...lastEvents]);
      await this.background.end();
    };
    const remove = async (): Promise<void> => {
      // The stored conversation is removed last: after a crash in between it can be deleted again.
      await release();
      await this.services.queue.leave(this.id);
      await this.services.catalogue.remove(this.id);
    };
    return this.life.end('deleted', () => this.end(beforeRemoval, remove));
  }

  /** Closes everything and releases the lease, also after failures. @param remove removes what is stored */
  private async end(before: () => Promise<void>, remove?: () => Promise<void>): Promise<void> {
    try {
      await before().catch((error: unknown) => this.report('close', error));
      const { session } = this.agentRuntime;
      await session.end().catch((error: unknown) => this.report('the end of the session', error));
      this.life.seal();
      this.runs.abandon();
      await this.agentRuntime.close();
      await this.runs.drained();
      await this.journal.stopSaving();
      // Renews an overdue lease unless another server has it, which then delivers to webhooks.
      const owned = await this.storage.fence.confirm().catch(() => false);
      const removed = remove !== undefined && owned;
      await this.broadcaster.publishEnd(removed, owned);
      await this.storage.log.close(removed ? 'removed' : 'kept');
      if (remove && !owned) throw new LeaseLostError(this.id);
      await remove?.();
    } finally {
      await this.services.leases.release(this.storage.fence);
    }
  }

  /** Appends events; resolves when they are durable and published. */
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    return this.journal.commit(drafts);
  }

  private break(error: Error): void {
    this.report('append', error);
    const wasRunning = this.isRunning;
    this.runs.abandon();
    this.onBroken(this, error, wasRunning);
  }

  private report(what: string, error: unknown): void {
    this.journal.report(what, error);
  }
}
