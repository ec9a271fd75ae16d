import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { ItemStream } from '../agent/agent-session.js';
import { isBranchEvent, type AgentView } from '../agent/agent-view.js';
import { rejectionDraft, toolErrorDraft } from '../agent/drafts.js';
import { AGENT_MISTAKE } from '../agent/error-classification.js';
import { addUsage, summarise } from '../agent/metrics.js';
import {
  createEvent,
  ROOT_PARENT,
  textContent,
  type ConversationStateUpdateEvent,
  type DurableEvent,
  type EventDraft,
} from '../events/index.js';
import { errorStack } from '../errors/index.js';
import type { LlmResponse } from '../llm/llm.js';
import type { Tool } from '../tools/tool.js';
import type { JsonObject } from '../storage/index.js';
import { Announcements } from './announcements.js';
import { Background } from './background.js';
import { treeEvent } from './branches/branch-path.js';
import { AlreadyRunningError } from './conversation-errors.js';
import { ConversationContext } from './context/conversation-context.js';
import type { ConversationServices, OpenedStorage } from './conversation-parts.js';
import { foldEvent, type ConversationState } from './conversation-state.js';
import type { InfoOptions } from './conversation-views.js';
import { cutOffDrafts, type CutOff } from './cut-off.js';
import { GoalLoop, type GoalHost } from './goal/goal-loop.js';
import { PublishedItemStream, SILENT_STREAM } from './item-stream.js';
import { Lifecycle } from './lifecycle.js';
import { LogWriter } from './log-writer.js';
import { ManualCondensation, type CondensationHost } from './manual-condensation.js';
import { MessageInbox, type SendOptions } from './message-inbox.js';
import { MessageKeys } from './message-keys.js';
import { MetadataWriter } from './metadata-writer.js';
import { pauseDrafts, stateUpdate, statusUpdate } from './run.js';
import { RunControl, type RunControlHost } from './run-control.js';
import type { IncomingMessage } from './start-request.js';
import { explainMissingKey } from './secrets/missing-key.js';
import { SecretVault } from './secrets/secret-vault.js';
import { TitleWriter, type TitleHost } from './titles/title-writer.js';
import { Toolset } from './toolset.js';
import { UserMessages } from './user-messages.js';
import { ViewCache } from './view-cache.js';

const INTERRUPTED = 'Tool call interrupted before completion. The conversation was paused.';

/**
 * One open conversation: its state, its log and its current run, and the only writer of all three. Changes happen in
 * the order in which they are asked for; nothing here waits for a running tool.
 */
export class Conversation implements RunControlHost, GoalHost, TitleHost, CondensationHost {
  private readonly logger = new Logger(Conversation.name);
  private readonly writer: LogWriter;
  private readonly metadata: MetadataWriter;
  private readonly toolset: Toolset;
  private readonly vault: SecretVault;
  private readonly runs: RunControl;
  private readonly views: ViewCache;
  private readonly announcements: Announcements;
  private readonly inbox: MessageInbox;
  private readonly context: ConversationContext;
  private readonly background = new Background();
  private readonly messages: UserMessages;
  private readonly condensation: ManualCondensation;
  /** The goal that is worked for, if there is one. */
  readonly goal: GoalLoop;
  private readonly life: Lifecycle;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    /** Told when the log takes nothing more, and whether that has cut off a run. */
    private readonly onBroken: (conversation: Conversation, error: Error, wasRunning: boolean) => void,
  ) {
    const { log, fence } = storage;
    this.life = new Lifecycle(state.id);
    this.writer = new LogWriter(state.id, log, fence, services.bus, (error) => this.break(error));
    this.announcements = new Announcements(state, storage, this.writer, services);
    this.metadata = new MetadataWriter(state, this.writer, fence, services);
    this.vault = new SecretVault(state);
    this.toolset = new Toolset(state, services, this.vault);
    this.views = new ViewCache(log, this.writer, () => state.leaf_event_id);
    this.runs = new RunControl(this, services);
    const titles = new TitleWriter(this, services.llm, this.background);
    this.context = new ConversationContext(
      { state, workingDir: this.toolset.workingDir, save: () => this.metadata.save() },
      services,
    );
    this.messages = new UserMessages(this, log, this.toolset, this.vault, titles, this.context);
    this.condensation = new ManualCondensation(this, services.loop, this.background);
    this.goal = new GoalLoop(this, services, this.background);
    this.inbox = this.openInbox();
  }

  private openInbox(): MessageInbox {
    const keys = new MessageKeys({
      state: this.state,
      has: (eventId) => this.storage.log.seqOf(eventId) !== undefined,
      save: () => this.metadata.save(),
    });
    const host = {
      assertOpen: () => this.life.assertOpen(),
      append: (message: IncomingMessage, id?: string) =>
        this.messages.append(message, { id, before: this.goal.interruption() }),
      answer: (slot?: () => void) => this.runs.answerMessage(slot),
      saveSoon: () => this.metadata.saveSoon((error) => this.report('save', error)),
    };
    return new MessageInbox(host, keys);
  }

  get id(): string {
    return this.state.id;
  }

  /** How many events of the log are durable and published: the next live event has this seq. */
  get length(): number {
    return this.writer.length;
  }

  /** Aborted when it is being closed: what is done beside the runs ends, too. */
  get leaving(): AbortSignal {
    return this.life.leaving;
  }

  get isRunning(): boolean {
    return this.runs.isRunning;
  }

  /** Resolves when all that the state tells of now is durable: who saw a status finds its events. */
  settled(): Promise<void> {
    return this.writer.settled();
  }

  readLines(fromSeq: number, limit: number): Promise<string[]> {
    return this.storage.log.read(fromSeq, Math.min(limit, this.length - fromSeq));
  }

  timestampOf(seq: number): string {
    return this.storage.log.entry(seq).timestamp;
  }

  /** The log itself, for searches. Only what is below `length` counts. */
  get log(): OpenedStorage['log'] {
    return this.storage.log;
  }

  fullState(): ConversationStateUpdateEvent {
    return this.announcements.fullState();
  }

  info(options: InfoOptions): JsonObject {
    return this.announcements.info(options);
  }

  /** Appends events: parent, state and view follow at once, the answer when they are durable and published. */
  async commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    this.life.assertWritable();
    // Nothing in memory may tell of what the log does not take.
    this.writer.assertWorking();
    const statusBefore = this.state.execution_status;
    const { handedIn } = this.writer;
    const events = drafts.map((draft, index) => this.take(draft, handedIn + index));
    const written = this.writer.write(events);
    this.services.catalogue.touch(this.state);
    // Before a run does anything the snapshot says that it runs: by that a restart finds what a crash cut off.
    const starts = this.state.execution_status === 'running' && statusBefore !== 'running';
    const saved = starts ? this.metadata.save() : Promise.resolve();
    saved.catch((error: unknown) => this.report('save', error));
    await written;
    await saved;
    return events;
  }

  /** Only the very first event has no parent; a later one that no branch leads to says that it is a root. */
  private take(draft: EventDraft, seq: number): DurableEvent {
    const parent = this.state.leaf_event_id ?? (seq > 0 ? ROOT_PARENT : undefined);
    const event: DurableEvent = { ...createEvent(draft), parent_id: parent };
    foldEvent(this.state, event);
    if (isBranchEvent(event)) this.views.push(event);
    return event;
  }

  /**
   * Appends a message of the user; with `run` an answer is wanted too.
   * @throws InvalidRequestError, RunLimitError when the message is kept but no run could be started
   */
  sendMessage(message: IncomingMessage, run: boolean, options: SendOptions = {}): Promise<void> {
    return this.inbox.send(message, run, options);
  }

  /** For the goal loop: says something as the user and resolves when the agent has answered. */
  async converse(text: string): Promise<void> {
    this.life.assertOpen();
    await this.messages.append({ role: 'user', content: [textContent(text)] });
    this.runs.start(() => undefined);
    await this.runs.over();
  }

  currentView(): Promise<AgentView> {
    return this.views.load();
  }

  /** Resolves when there is no run. @throws AlreadyRunningError for one that goes on */
  async atRest(): Promise<void> {
    this.life.assertOpen();
    await this.runs.atRest();
    this.life.assertOpen();
  }

  titled(): void {
    this.metadata.bump();
    this.metadata.saveSoon((error) => this.report('save', error));
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

  async prepareRun(): Promise<void> {
    await Promise.all([this.prepareView(), this.toolset.prepareWorkspace()]);
  }

  /** The view that a model is asked with: it begins with the system prompt. */
  async prepareView(): Promise<AgentView> {
    await this.messages.prepareContext();
    await this.commit(this.messages.opening());
    return this.views.load();
  }

  withRules(draft: EventDraft, files: readonly string[]): EventDraft {
    return this.context.withRules(draft, files);
  }

  masked(draft: EventDraft): EventDraft {
    return explainMissingKey(this.vault.maskDraft(draft), this.state, this.services.secrets);
  }

  /** A text as everybody may see it. */
  maskSecrets(text: string): string {
    return this.vault.mask(text);
  }

  async runEnded(): Promise<void> {
    if (this.life.sealed) return;
    await this.publishFullState();
    await this.metadata.save().catch((error: unknown) => this.report('save', error));
  }

  /** Stops after the step that is going on; at once while the model is thinking. Never waits for a tool. */
  async pause(): Promise<void> {
    this.life.assertOpen();
    await Promise.all([this.stopGoal(), this.runs.pause()]);
    await this.publishFullState();
  }

  /** Stops at once, in the middle of a step. Without a run it is a pause. */
  async interrupt(): Promise<void> {
    this.life.assertOpen();
    await Promise.all([this.stopGoal(), this.stopRun()]);
    await this.publishFullState();
  }

  private async stopRun(): Promise<void> {
    if (!(await this.runs.interrupt())) await this.runs.pause();
  }

  /** Agrees to what waits for confirmation (by going on), or refuses it. */
  async respondToConfirmation(accept: boolean, reason: string): Promise<void> {
    this.life.assertOpen();
    if (accept) {
      this.runs.start();
      return;
    }
    const view = await this.views.load();
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

  /** Changes what people call the conversation. */
  async update(change: { title?: string; tags?: Record<string, string> }): Promise<void> {
    this.life.assertOpen();
    if (change.title !== undefined) this.state.title = change.title.trim();
    if (change.tags !== undefined && !isDeepStrictEqual(change.tags, this.state.tags)) {
      await this.commit([stateUpdate('tags', change.tags)]);
    }
    this.metadata.bump();
    await this.metadata.save();
  }

  /**
   * Changes how the conversation goes on. The snapshot comes before the event where the event does not tell all (its
   * secrets are masked); resolves when both are durable.
   */
  async change(change: (state: ConversationState) => void, ...events: EventDraft[]): Promise<void> {
    this.life.assertOpen();
    change(this.state);
    this.metadata.bump();
    await this.metadata.save();
    await this.commit(events);
  }

  /**
   * Makes another event the head, or none: what comes next is a branch of its own. No event tells of it.
   * @throws UnknownEventError, AlreadyRunningError
   */
  async navigate(eventId: string | null): Promise<void> {
    this.life.assertOpen();
    await this.writer.settled();
    const head = eventId === null ? null : await treeEvent(this.storage.log, this.length, eventId);
    if (this.goal.active) throw new AlreadyRunningError();
    await this.atRest();
    this.state.leaf_event_id = head;
    this.state.head_is_empty = head === null && this.length > 0;
    this.views.drop();
    this.metadata.bump();
    await this.metadata.save();
  }

  /**
   * Has the history condensed: now, or by the run that goes on, before its next step.
   * @throws CannotCondenseError, ModelFailedError
   */
  async condense(): Promise<void> {
    this.life.assertOpen();
    await this.condensation.run();
    await this.metadata.save();
  }

  isCurrent(view: AgentView): boolean {
    return this.views.loaded === view;
  }

  get isBusy(): boolean {
    return this.runs.isBusy;
  }

  /** What a run that was cut off left behind: says so in the log, for the agent and for people. */
  async recover(cutOff: CutOff): Promise<void> {
    const view = await this.views.load();
    await this.commit([...this.goal.interruption(), ...cutOffDrafts(cutOff, view.unmatched())]);
    await this.metadata.save();
  }

  /**
   * Goes on with a run that was cut off, unless somebody has stopped or started it meanwhile.
   * @param slot for the run, taken already by who calls
   */
  goOn(slot: () => void): void {
    if (this.life.isEnding || this.isRunning || this.state.execution_status !== 'running') slot();
    else this.runs.start(slot);
  }

  interruptedActions(): EventDraft[] {
    const open = this.views.loaded?.unmatched() ?? [];
    return open.map((action) => toolErrorDraft(action, INTERRUPTED, AGENT_MISTAKE));
  }

  /** Counts an answer of a model. The answer is the event that tells of it. */
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    return stateUpdate('stats', summarise(this.state.stats));
  }

  stream(itemId: string): ItemStream {
    if (!this.state.agent.llm.stream) return SILENT_STREAM;
    const anchor = (): number => this.length - 1;
    return new PublishedItemStream(this.id, itemId, this.services.bus, anchor, () => this.vault.stream());
  }

  /**
   * Ends the run (a step gets `graceMs` to end by itself), closes tools and log, saves the state, gives the lease back.
   * From the call on nothing more is taken. Idempotent.
   */
  close(graceMs: number): Promise<void> {
    const goodbye = async (): Promise<void> => {
      await this.commit(this.goal.interruption()).catch((error: unknown) => this.report('close', error));
      await this.runs.stopWithin(graceMs);
      await this.background.end();
      if (await this.runs.interrupt()) await this.publishFullState();
      await this.metadata.save();
    };
    return this.life.end('closed', () => this.end(goodbye));
  }

  /** Ends everything at once and removes what is stored. The workspace stays. Idempotent. */
  destroy(): Promise<void> {
    const goodbye = async (): Promise<void> => {
      await this.publishChange('deleting');
      this.goal.interruption();
      await this.background.end();
      if (!this.isRunning) return;
      this.runs.drop();
      await this.commit([...this.interruptedActions(), ...pauseDrafts()]);
    };
    return this.life.end('removed', () => this.end(goodbye, () => this.services.catalogue.remove(this.id)));
  }

  /** Says goodbye, lets go of everything, and gives the lease back whatever went wrong on the way. */
  private async end(goodbye: () => Promise<void>, afterwards?: () => Promise<void>): Promise<void> {
    try {
      await goodbye().catch((error: unknown) => this.report('close', error));
      this.life.seal();
      this.runs.drop();
      await this.toolset.close();
      await this.runs.drained();
      await this.metadata.stop();
      await this.announcements.publishEnd(afterwards !== undefined);
      await this.storage.log.close();
      await afterwards?.();
    } finally {
      await this.services.leases.release(this.storage.fence);
    }
  }

  /** Tells receivers of changes; resolves when they have written it down. */
  publishChange(status?: 'deleting'): Promise<void> {
    return this.announcements.publishChange(status);
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.toolset.tools();
  }

  view(): AgentView {
    const view = this.views.loaded;
    if (!view) throw new Error('the view is not loaded');
    return view;
  }

  private async publishFullState(): Promise<void> {
    await this.writer.settled();
    if (!this.life.sealed) this.announcements.publishFullState();
  }

  private break(error: Error): void {
    this.report('append', error);
    const wasRunning = this.isRunning;
    this.runs.drop();
    this.onBroken(this, error, wasRunning);
  }

  report(what: string, error: unknown): void {
    this.logger.error(`conversation ${this.id}: ${what} failed`, errorStack(error));
  }
}
