import { isDeepStrictEqual } from 'node:util';
import { failedCalls, rejectionDraft } from '../../agent/drafts.js';
import {
  textContent,
  type ConversationStateUpdateEvent,
  type DurableEvent,
  type EventDraft,
} from '../../events/index.js';
import { LeaseLostError } from '../../storage/index.js';
import type { JsonObject } from '../../json/index.js';
import { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { StateBroadcaster } from '../state/state-broadcaster.js';
import { Background } from './background.js';
import { treeEvent } from '../branches/branch-path.js';
import { AlreadyRunningError } from '../conversation-errors.js';
import type { ConversationServices, OpenedStorage } from './conversation-services.js';
import type { ConversationChange, ConversationState } from '../state/conversation-state.js';
import type { InfoOptions } from '../state/conversation-info.js';
import { interruptedRunDrafts, type InterruptedRun } from '../runs/interrupted-run.js';
import { GoalLoop, type AgentTurns } from '../goal/goal-loop.js';
import { Journal } from '../journal/journal.js';
import { Lifecycle } from './lifecycle.js';
import { ManualCondensation, type CondensationRuns } from '../context/manual-condensation.js';
import { MessageInbox, type SendOptions } from './message-inbox.js';
import { MessageKeys } from './message-keys.js';
import { pauseDrafts, stateUpdate, statusUpdate } from '../runs/run.js';
import { RunControl } from '../runs/run-control.js';
import type { IncomingMessage } from '../state/start-request.js';

/**
 * One open conversation: the only writer of its journal, and what clients ask of it. Requests are taken in
 * the order in which they come; nothing here waits for a running tool.
 */
export class Conversation implements AgentTurns, CondensationRuns {
  private readonly life: Lifecycle;
  private readonly journal: Journal;
  private readonly announcements: StateBroadcaster;
  private readonly background = new Background();
  private readonly runs: RunControl;
  private readonly condensation: ManualCondensation;
  private readonly inbox: MessageInbox;
  /** What its agent, and every model that is asked about it, works with. */
  readonly agentRuntime: AgentRuntime;
  /** The goal that is worked for, if there is one. */
  readonly goal: GoalLoop;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    /** Told when the log takes nothing more, and whether that has cut off a run. */
    private readonly onBroken: (conversation: Conversation, error: Error, wasRunning: boolean) => void,
  ) {
    this.life = new Lifecycle(state.id);
    this.journal = new Journal(state, storage, services, this.life, (error) => this.break(error));
    this.announcements = new StateBroadcaster(this.journal, services);
    this.agentRuntime = new AgentRuntime(this.journal, this.announcements, services, this.background);
    this.runs = new RunControl(this.agentRuntime, services);
    this.condensation = new ManualCondensation(this.agentRuntime, this, services.loop, this.background);
    this.goal = new GoalLoop(this.agentRuntime, this, services, this.background);
    this.inbox = this.openInbox();
  }

  private openInbox(): MessageInbox {
    const { state, journal, agentRuntime: surroundings, goal } = this;
    const keys = new MessageKeys({
      state,
      has: (eventId) => journal.log.seqOf(eventId) !== undefined,
      save: () => journal.save(),
    });
    return new MessageInbox(
      {
        assertOpen: () => this.life.assertOpen(),
        append: (message, id) => surroundings.messages.append(message, { id, before: goal.interruption() }),
        answer: (slot) => this.runs.answerMessage(slot),
        saveSoon: () => journal.saveSoon(false),
      },
      keys,
    );
  }

  get id(): string {
    return this.state.id;
  }

  /** How many events of the log are durable and published: the next live event has this seq. */
  get length(): number {
    return this.journal.length;
  }

  /**
   * Does something beside the runs: meanwhile it is not idle, and when it is being closed the work is told to
   * end.
   */
  trackBackground<T>(work: (leaving: AbortSignal) => Promise<T>): Promise<T> {
    return this.background.track(work(this.life.closeSignal));
  }

  get isRunning(): boolean {
    return this.runs.isRunning;
  }

  /**
   * Something goes on that must not be cut off only because nobody asks: a run, a goal, a call of a model.
   */
  get isAtWork(): boolean {
    return this.isRunning || this.background.isBusy || this.agentRuntime.acpAgent?.isAsking === true;
  }

  /** A run goes on that has not said its last word. */
  get isBusy(): boolean {
    return this.runs.isBusy;
  }

  /** Resolves when all that the state tells of now is durable: who saw a status finds its events. */
  settled(): Promise<void> {
    return this.journal.settled();
  }

  readLines(fromSeq: number, limit: number): Promise<string[]> {
    return this.journal.readLines(fromSeq, limit);
  }

  readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    return this.journal.readBytes(fromSeq, limit, bytes);
  }

  timestampOf(seq: number): string {
    return this.log.entry(seq).timestamp;
  }

  /** The log itself, for searches. Only what is below `length` counts. */
  get log(): OpenedStorage['log'] {
    return this.journal.log;
  }

  fullState(): ConversationStateUpdateEvent {
    return this.announcements.fullState();
  }

  info(options: InfoOptions): JsonObject {
    return this.announcements.info(options);
  }

  /** Tells receivers of changes; resolves when they have written it down. */
  publishChange(): Promise<void> {
    return this.announcements.publishChange();
  }

  /**
   * Appends a message of the user; with `run` an answer is wanted too.
   * @throws InvalidRequestError, RunLimitError when the message is kept but no run could be started
   */
  sendMessage(message: IncomingMessage, run: boolean, options: SendOptions = {}): Promise<void> {
    return this.inbox.send(message, run, options);
  }

  /** For the goal loop: says something as the user. */
  async sendAsUser(text: string): Promise<void> {
    this.life.assertOpen();
    await this.agentRuntime.messages.append({ role: 'user', content: [textContent(text)] });
  }

  /** For the goal loop, which has a slot: has the agent answer, and resolves when it has. */
  async answer(): Promise<void> {
    this.life.assertOpen();
    this.runs.start(() => undefined);
    await this.runs.over();
  }

  /** Resolves when no run goes on any more, whatever follows the one that does now. */
  runOver(): Promise<void> {
    return this.runs.over();
  }

  /** Resolves when there is no run. @throws AlreadyRunningError for one that goes on */
  async atRest(): Promise<void> {
    this.life.assertOpen();
    await this.runs.atRest();
    this.life.assertOpen();
  }

  /**
   * Starts a run; it goes on after the answer.
   * @throws AlreadyRunningError, RunLimitError
   */
  startRun(): void {
    this.life.assertOpen();
    if (this.goal.active) throw new AlreadyRunningError();
    this.runs.start();
  }

  /** Stops after the step that is going on; at once while the model is thinking. Never waits for a tool. */
  async pause(): Promise<void> {
    this.life.assertOpen();
    this.inbox.stop();
    await Promise.all([this.stopGoal(), this.runs.pause()]);
    await this.announcements.publishFullState();
  }

  /** Stops at once, in the middle of a step. Without a run it is a pause. */
  async interrupt(): Promise<void> {
    this.life.assertOpen();
    this.inbox.stop();
    await Promise.all([this.stopGoal(), this.stopRun()]);
    await this.announcements.publishFullState();
  }

  private async stopRun(): Promise<void> {
    if (!(await this.runs.interrupt())) await this.runs.pause();
  }

  /** Agrees to what waits for confirmation (by going on), or refuses it. */
  async respondToConfirmation(accept: boolean, reason: string): Promise<void> {
    this.life.assertOpen();
    const { acpAgent: foreign } = this.agentRuntime;
    if (accept || foreign?.isAsking) {
      this.startRun();
      // Before the run looks: it first waits for what was before it.
      foreign?.decide(accept, reason);
      return;
    }
    const view = await this.agentRuntime.currentView();
    // Looked at after the last wait: another answer may have come meanwhile.
    if (this.state.execution_status !== 'waiting_for_confirmation' || this.isRunning) return;
    const rejections = view.unmatched().map((action) => rejectionDraft(action, reason));
    await this.commit([statusUpdate('idle'), ...rejections]);
  }

  /** The work for the goal ends; a run that goes on does not. */
  async stopGoal(): Promise<void> {
    this.life.assertOpen();
    await this.commit(this.goal.interruption());
  }

  /** Changes what people call the conversation, and what it may cost. */
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
   * Changes how the conversation goes on. The snapshot comes before the event where the event does not tell
   * all (its secrets are masked); resolves when both are durable.
   */
  async change(change: (state: ConversationState) => void, ...events: EventDraft[]): Promise<void> {
    this.life.assertOpen();
    change(this.state);
    await this.journal.saveChange();
    await this.commit(events);
  }

  /**
   * Makes another event the head, or none: what comes next is a branch of its own. No event tells of it.
   * @throws UnknownEventError, AlreadyRunningError
   */
  async navigate(eventId: string | null): Promise<void> {
    this.life.assertOpen();
    await this.settled();
    const head = eventId === null ? null : await treeEvent(this.log, this.length, eventId);
    await this.atRest();
    // Looked at after the last wait: somebody may have set to work meanwhile.
    if (this.goal.active || this.isRunning) throw new AlreadyRunningError();
    await this.journal.moveHead(head);
  }

  /**
   * Has the history condensed: now, or by the run that goes on, before its next step.
   * @throws CannotCondenseError, LlmError
   */
  async condense(): Promise<void> {
    this.life.assertOpen();
    await this.condensation.run();
    await this.journal.save();
  }

  /** Ends what an agent from elsewhere left behind when its server died. */
  async endLeftovers(): Promise<void> {
    await this.agentRuntime.acpAgent?.endLeftovers();
  }

  /** What a run that was cut off left behind: says so in the log, for the agent and for people. */
  async recover(cutOff: InterruptedRun): Promise<void> {
    const view = await this.agentRuntime.currentView();
    const calls = failedCalls(view.unendedCalls());
    await this.commit([
      ...this.goal.interruption(),
      ...calls,
      ...interruptedRunDrafts(cutOff, view.unmatched()),
    ]);
    await this.journal.save();
  }

  /**
   * Goes on with a run that was cut off, unless somebody has stopped or started it meanwhile.
   * @param slot for the run, taken already by who calls
   */
  goOn(slot: () => void): void {
    if (this.life.isEnding || this.isRunning || this.state.execution_status !== 'running') slot();
    else this.runs.start(slot);
  }

  /**
   * Ends the run (a step gets `graceMs` to end by itself), closes tools and log, saves the state, gives the
   * lease back. From the call on nothing more is taken. Idempotent.
   */
  close(graceMs: number): Promise<void> {
    const beforeClose = async (): Promise<void> => {
      await this.commit(this.goal.interruption()).catch((error: unknown) => this.report('close', error));
      await this.runs.stopWithin(graceMs);
      const interrupted = await this.runs.interrupt();
      await this.background.end();
      if (interrupted) await this.announcements.publishFullState();
      await this.journal.save();
    };
    return this.life.end('closed', () => this.end(beforeClose));
  }

  /**
   * Ends everything at once and removes what is stored. The workspace stays. Idempotent.
   * @param letGo lets go of what belongs to it elsewhere, when nothing of it works any more; never fails
   */
  destroy(letGo: () => Promise<void>): Promise<void> {
    const goodbye = async (): Promise<void> => {
      await this.announcements.publishChange('deleting');
      this.goal.interruption();
      const wasRunning = this.isRunning;
      // Before what is done beside it: a goal waits for its run.
      this.runs.drop();
      if (wasRunning) await this.commit([...this.agentRuntime.interruptedActions(), ...pauseDrafts()]);
      await this.background.end();
    };
    const remove = async (): Promise<void> => {
      // The stored conversation last: after a crash in between it can be deleted again.
      await letGo();
      await this.services.catalogue.remove(this.id);
    };
    return this.life.end('removed', () => this.end(goodbye, remove));
  }

  /** Says goodbye, lets go of everything, and gives the lease back whatever went wrong on the way. */
  private async end(goodbye: () => Promise<void>, afterwards?: () => Promise<void>): Promise<void> {
    try {
      await goodbye().catch((error: unknown) => this.report('close', error));
      if (this.agentRuntime.session.hasEnd) await this.agentRuntime.endSession();
      this.life.seal();
      this.runs.drop();
      await this.agentRuntime.close();
      await this.runs.drained();
      await this.journal.stopSaving();
      // An overdue lease is renewed, where nobody else has taken it: what waits for webhooks is ours to pass
      // on.
      const owned = await this.storage.fence.confirm().catch(() => false);
      const removes = afterwards !== undefined && owned;
      await this.announcements.publishEnd(removes, owned);
      await this.storage.log.close(removes ? 'removed' : 'kept');
      if (afterwards && !removes) throw new LeaseLostError(this.id);
      await afterwards?.();
    } finally {
      await this.services.leases.release(this.storage.fence);
    }
  }

  private commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    return this.journal.commit(drafts);
  }

  private break(error: Error): void {
    this.report('append', error);
    const wasRunning = this.isRunning;
    this.runs.drop();
    this.onBroken(this, error, wasRunning);
  }

  private report(what: string, error: unknown): void {
    this.journal.report(what, error);
  }
}
