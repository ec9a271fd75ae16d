import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { ItemStream } from '../agent/agent-session.js';
import { isBranchEvent, type AgentView } from '../agent/agent-view.js';
import { rejectionDraft, toolErrorDraft } from '../agent/drafts.js';
import { AGENT_MISTAKE } from '../agent/error-classification.js';
import { addUsage, summarise } from '../agent/metrics.js';
import { systemPromptDraft } from '../agent/prompt/system-prompt.js';
import {
  createEvent,
  ROOT_PARENT,
  serialiseEvent,
  type ConversationStateUpdateEvent,
  type DurableEvent,
  type EventDraft,
} from '../events/index.js';
import { errorStack } from '../errors/index.js';
import type { LlmResponse } from '../llm/llm.js';
import type { Tool } from '../tools/tool.js';
import type { JsonObject } from '../storage/index.js';
import { systemPromptSeq, treeEvent } from './branches/branch-path.js';
import {
  ConversationClosedError,
  ConversationNotFoundError,
  InvalidRequestError,
} from './conversation-errors.js';
import type { ConversationServices, OpenedStorage } from './conversation-parts.js';
import { foldEvent, type ConversationState } from './conversation-state.js';
import { conversationInfo, fullStateEvent, type InfoOptions } from './conversation-views.js';
import { cutOffDrafts, type CutOff } from './cut-off.js';
import { PublishedItemStream, SILENT_STREAM } from './item-stream.js';
import { LogWriter } from './log-writer.js';
import { MessageKeys } from './message-keys.js';
import { MetadataWriter } from './metadata-writer.js';
import { pauseDrafts, stateUpdate, statusUpdate } from './run.js';
import { RunControl, type RunControlHost } from './run-control.js';
import type { IncomingMessage } from './start-request.js';
import { SecretVault } from './secrets/secret-vault.js';
import { Toolset } from './toolset.js';
import { ViewCache } from './view-cache.js';

const INTERRUPTED = 'Tool call interrupted before completion. The conversation was paused.';

/**
 * One open conversation: its state, its log and its current run, and the only writer of all three. Changes happen in
 * the order in which they are asked for; nothing here waits for a running tool.
 */
export class Conversation implements RunControlHost {
  private readonly logger = new Logger(Conversation.name);
  private readonly writer: LogWriter;
  private readonly metadata: MetadataWriter;
  private readonly toolset: Toolset;
  private readonly vault: SecretVault;
  private readonly runs: RunControl;
  private readonly views: ViewCache;
  private readonly keys: MessageKeys;
  /** Whether the log has a system prompt; looked up when it is first asked for. */
  private prompted: boolean | undefined;
  /** Set when it is closed or destroyed: from then on nobody's request is taken. */
  private ending: Promise<void> | undefined;
  private readonly left = new AbortController();
  /** The log takes nothing more. */
  private closed = false;
  /** It is not only closed, it is no more. */
  private destroyed = false;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    /** Told when the log takes nothing more, and whether that has cut off a run. */
    private readonly onBroken: (conversation: Conversation, error: Error, wasRunning: boolean) => void,
  ) {
    const { log, fence } = storage;
    this.writer = new LogWriter(state.id, log, fence, services.bus, (error) => this.break(error));
    this.metadata = new MetadataWriter(state, this.writer, fence, services);
    this.vault = new SecretVault(state);
    this.toolset = new Toolset(state, services, this.vault);
    this.views = new ViewCache(log, this.writer, () => state.leaf_event_id);
    this.runs = new RunControl(this, services);
    this.keys = new MessageKeys({
      state,
      has: (eventId) => log.seqOf(eventId) !== undefined,
      save: () => this.metadata.save(),
    });
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
    return this.left.signal;
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
    return fullStateEvent(this.state, this.services.shownRoot, this.services.secrets);
  }

  info(options: InfoOptions): JsonObject {
    return conversationInfo(this.state, this.services.shownRoot, this.services.secrets, options);
  }

  /** Appends events: parent, state and view follow at once, the answer when they are durable and published. */
  async commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    if (this.closed) throw this.gone();
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
    if (event.kind === 'SystemPromptEvent') this.prompted = true;
    return event;
  }

  /**
   * Appends a message of the user; with `run` an answer is wanted too.
   * @param slot for the run, taken already by who calls
   * @param key the same key twice is one message
   * @throws RunLimitError when the message is kept but no run could be started
   */
  async sendMessage(
    message: IncomingMessage,
    run: boolean,
    { slot, key }: { slot?: () => void; key?: string } = {},
  ): Promise<void> {
    this.assertOpen();
    if (message.role !== 'user') {
      throw new InvalidRequestError(
        ['body', 'role'],
        'Only user messages are allowed to be sent to the agent.',
        message.role,
      );
    }
    const append = (id?: string): Promise<void> => this.commitMessage(message, id);
    const keyed = key === undefined ? undefined : await this.keys.once(key, message, run, append);
    if (!keyed) await append();
    if (!run) {
      this.metadata.saveSoon((error) => this.report('save', error));
      return;
    }
    this.assertOpen();
    if (keyed?.answered) return;
    this.runs.answerMessage(slot);
    if (keyed) keyed.answered = true;
  }

  private async commitMessage(message: IncomingMessage, id?: string): Promise<void> {
    const reset = ['finished', 'stuck'].includes(this.state.execution_status) ? [statusUpdate('idle')] : [];
    const event = createEvent({
      id,
      source: 'user',
      llm_message: { role: message.role, content: message.content, thinking_blocks: [] },
      activated_skills: [],
      extended_content: [],
      kind: 'MessageEvent',
    });
    await this.commit([...reset, ...this.opening(), event, stateUpdate('last_user_message_id', event.id)]);
  }

  /** The system prompt, if the log has none yet: it stands before the first message or run. */
  private opening(): EventDraft[] {
    this.prompted ??= systemPromptSeq(this.storage.log, this.storage.log.length) !== undefined;
    if (this.prompted) return [];
    const { agent } = this.state;
    return [systemPromptDraft(agent, this.toolset.definitions(), this.vault.names(), new Date())];
  }

  /**
   * Starts a run; it goes on after the answer.
   * @throws AlreadyRunningError, RunLimitError
   */
  startRun(): void {
    this.assertOpen();
    this.runs.start();
  }

  async prepareRun(): Promise<void> {
    await Promise.all([this.prepareView(), this.toolset.prepareWorkspace()]);
  }

  /** The view that a model is asked with: it begins with the system prompt. */
  async prepareView(): Promise<AgentView> {
    await this.commit(this.opening());
    return this.views.load();
  }

  masked(draft: EventDraft): EventDraft {
    return this.vault.maskDraft(draft);
  }

  /** A text as everybody may see it. */
  maskSecrets(text: string): string {
    return this.vault.mask(text);
  }

  async runEnded(): Promise<void> {
    if (this.closed) return;
    await this.publishFullState();
    await this.metadata.save().catch((error: unknown) => this.report('save', error));
  }

  /** Stops after the step that is going on; at once while the model is thinking. Never waits for a tool. */
  async pause(): Promise<void> {
    this.assertOpen();
    await this.runs.pause();
    await this.publishFullState();
  }

  /** Stops at once, in the middle of a step. Without a run it is a pause. */
  async interrupt(): Promise<void> {
    this.assertOpen();
    if (!(await this.runs.interrupt())) await this.runs.pause();
    await this.publishFullState();
  }

  /** Agrees to what waits for confirmation (by going on), or refuses it. */
  async respondToConfirmation(accept: boolean, reason: string): Promise<void> {
    this.assertOpen();
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

  /** Changes what people call the conversation. */
  async update(change: { title?: string; tags?: Record<string, string> }): Promise<void> {
    this.assertOpen();
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
    this.assertOpen();
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
    this.assertOpen();
    await this.writer.settled();
    const head = eventId === null ? null : await treeEvent(this.storage.log, this.length, eventId);
    await this.runs.atRest();
    this.assertOpen();
    this.state.leaf_event_id = head;
    this.state.head_is_empty = head === null && this.length > 0;
    this.views.drop();
    this.metadata.bump();
    await this.metadata.save();
  }

  /** What a run that was cut off left behind: says so in the log, for the agent and for people. */
  async recover(cutOff: CutOff): Promise<void> {
    const view = await this.views.load();
    await this.commit(cutOffDrafts(cutOff, view.unmatched()));
    await this.metadata.save();
  }

  /**
   * Goes on with a run that was cut off, unless somebody has stopped or started it meanwhile.
   * @param slot for the run, taken already by who calls
   */
  goOn(slot: () => void): void {
    if (this.ending || this.isRunning || this.state.execution_status !== 'running') slot();
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
    this.ending ??= this.end(async () => {
      await this.runs.stopWithin(graceMs);
      if (await this.runs.interrupt()) await this.publishFullState();
      await this.metadata.save();
    });
    return this.ending;
  }

  /** Ends everything at once and removes what is stored. The workspace stays. Idempotent. */
  destroy(): Promise<void> {
    this.destroyed = true;
    this.ending ??= this.end(
      async () => {
        await this.publishChange('deleting');
        if (!this.isRunning) return;
        this.runs.drop();
        await this.commit([...this.interruptedActions(), ...pauseDrafts()]);
      },
      () => this.services.catalogue.remove(this.id),
    );
    return this.ending;
  }

  /** Says goodbye, lets go of everything, and gives the lease back whatever went wrong on the way. */
  private async end(goodbye: () => Promise<void>, afterwards?: () => Promise<void>): Promise<void> {
    this.left.abort(new ConversationClosedError());
    try {
      await goodbye().catch((error: unknown) => this.report('close', error));
      this.closed = true;
      this.runs.drop();
      await this.toolset.close();
      await this.runs.drained();
      await this.metadata.stop();
      await this.announceEnd(afterwards !== undefined);
      await this.storage.log.close();
      await afterwards?.();
    } finally {
      this.closed = true;
      await this.services.leases.release(this.storage.fence);
    }
  }

  private announceEnd(removed: boolean): Promise<void> {
    const owned = this.storage.fence.isValid();
    const read = (from: number, limit: number): Promise<string[]> => this.readLines(from, limit);
    return this.services.bus.closing({ conversationId: this.id, length: this.length, removed, owned, read });
  }

  /** Tells receivers of changes; resolves when they have written it down. */
  publishChange(status?: 'deleting'): Promise<void> {
    const info = (): JsonObject => ({
      ...this.info({ includeSkills: true, runtimeInfo: false }),
      ...(status && { execution_status: status }),
    });
    return this.services.bus.publishChange({ conversationId: this.id, info });
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
    if (this.closed) return;
    const event = this.fullState();
    this.services.bus.publish({ conversationId: this.id, event, line: serialiseEvent(event) });
  }

  private break(error: Error): void {
    this.report('append', error);
    const wasRunning = this.isRunning;
    this.runs.drop();
    this.onBroken(this, error, wasRunning);
  }

  /** @throws ConversationClosedError, ConversationNotFoundError once it is being closed or destroyed */
  private assertOpen(): void {
    if (this.ending) throw this.gone();
  }

  private gone(): Error {
    return this.destroyed ? new ConversationNotFoundError(this.id) : new ConversationClosedError();
  }

  report(what: string, error: unknown): void {
    this.logger.error(`conversation ${this.id}: ${what} failed`, errorStack(error));
  }
}
