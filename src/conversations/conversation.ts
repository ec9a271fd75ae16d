import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { ItemStream } from '../agent/agent-session.js';
import { isBranchEvent, type AgentView } from '../agent/agent-view.js';
import { classifyError } from '../agent/error-classification.js';
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
import type { LlmResponse } from '../llm/llm.js';
import type { JsonObject } from '../storage/index.js';
import { AlreadyRunningError, ConversationClosedError, InvalidRequestError } from './conversation-errors.js';
import type { ConversationServices, OpenedStorage } from './conversation-parts.js';
import { foldEvent, type ConversationState } from './conversation-state.js';
import { conversationInfo, fullStateEvent } from './conversation-views.js';
import { PublishedItemStream, SILENT_STREAM } from './item-stream.js';
import { LogWriter } from './log-writer.js';
import { MetadataWriter } from './metadata-writer.js';
import { pauseDrafts, Run, stateUpdate, statusUpdate, type RunHost } from './run.js';
import type { IncomingMessage } from './start-request.js';
import { Toolset } from './toolset.js';
import { loadView } from './view-loader.js';

const INTERRUPTED = 'Tool call interrupted before completion. The conversation was paused.';

/** How long a new run waits for what an interrupted one left behind to end (ms). */
const DRAIN_LIMIT_MS = 5_000;

/**
 * One open conversation: its state, its log and its current run, and the only writer of all three. Changes happen in
 * the order in which they are asked for; nothing here waits for a running tool.
 */
export class Conversation implements RunHost {
  private readonly logger = new Logger(Conversation.name);
  private readonly writer: LogWriter;
  private readonly metadata: MetadataWriter;
  private readonly toolset: Toolset;
  private view: AgentView | undefined;
  private viewLoading: Promise<AgentView> | undefined;
  /** Whether the log has a system prompt; looked up when it is first asked for. */
  private prompted: boolean | undefined;
  private run: Run | undefined;
  /** Resolves when the run that is going on has ended. */
  private runEnd: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    private readonly onBroken: (conversation: Conversation) => void,
  ) {
    const { log, fence } = storage;
    this.writer = new LogWriter(state.id, log, fence, services.bus, (error) => this.break(error));
    this.metadata = new MetadataWriter(state, this.writer, fence, services);
    this.toolset = new Toolset(state, services);
  }

  get id(): string {
    return this.state.id;
  }

  /** How many events of the log are durable and published: the next live event has this seq. */
  get length(): number {
    return this.writer.length;
  }

  get isRunning(): boolean {
    return this.run !== undefined;
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

  info(options: { includeSkills: boolean; runtimeInfo: boolean }): JsonObject {
    return conversationInfo(this.state, this.services.shownRoot, this.services.secrets, options);
  }

  /** Appends events: parent, state and view follow at once, the answer when they are durable and published. */
  async commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    this.assertOpen();
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
    if (isBranchEvent(event)) this.view?.push(event);
    if (event.kind === 'SystemPromptEvent') this.prompted = true;
    return event;
  }

  /**
   * Appends a message of the user; with `run` an answer is wanted too.
   * @throws RunLimitError when the message is kept but no run could be started
   */
  async sendMessage(message: IncomingMessage, run: boolean): Promise<void> {
    if (message.role !== 'user') {
      throw new InvalidRequestError(
        ['body', 'role'],
        'Only user messages are allowed to be sent to the agent.',
        message.role,
      );
    }
    await this.commitMessage(message);
    if (!run) return;
    // A run that goes on takes the message in; one that was asked to stop is followed by another.
    if (this.run && !this.run.pauseRequested) this.run.wanted = true;
    else this.startRun();
  }

  private async commitMessage(message: IncomingMessage): Promise<void> {
    const reset = ['finished', 'stuck'].includes(this.state.execution_status) ? [statusUpdate('idle')] : [];
    const event = createEvent({
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
    this.prompted ??= hasSystemPrompt(this.storage.log);
    if (this.prompted) return [];
    const secrets = Object.entries(this.state.secrets).map(([name, source]) => ({
      name,
      description: typeof source['description'] === 'string' ? source['description'] : null,
    }));
    return [systemPromptDraft(this.state.agent, this.toolset.definitions(), secrets, new Date())];
  }

  /**
   * Starts a run; it goes on after the answer.
   * @throws AlreadyRunningError, RunLimitError
   */
  startRun(): void {
    this.assertOpen();
    if (this.run?.pauseRequested) {
      this.run.followed = true;
      return;
    }
    if (this.run) throw new AlreadyRunningError();
    const release = this.services.slots.take();
    // The run is there from this moment on, so that nobody starts a second one while it prepares itself.
    const run = new Run(
      this,
      () => this.requireView(),
      () => this.toolset.tools(),
    );
    this.run = run;
    this.runEnd = this.execute(run, this.runEnd, release).catch((error: unknown) =>
      this.report('run', error),
    );
  }

  private async execute(run: Run, previous: Promise<void>, release: () => void): Promise<void> {
    try {
      await within(previous, DRAIN_LIMIT_MS);
      await this.commit(this.opening());
      await Promise.all([this.loadView(), this.toolset.prepareWorkspace()]);
      await this.services.loop.run(run);
    } catch (error) {
      await this.failBeforeLoop(run, error);
    } finally {
      release();
    }
    await this.endRun(run);
  }

  private async failBeforeLoop(run: Run, error: unknown): Promise<void> {
    if (run.signal.aborted || this.closed) return;
    const code = error instanceof Error ? error.name : 'Error';
    const detail = error instanceof Error ? error.message : String(error);
    this.report('run', error);
    await this.commit([
      {
        source: 'environment',
        code,
        detail,
        classification: classifyError(code, detail),
        kind: 'ConversationErrorEvent',
      },
      statusUpdate('error'),
    ]);
  }

  private async endRun(run: Run): Promise<void> {
    if (this.run === run) this.run = undefined;
    if (this.closed) return;
    await this.publishFullState();
    await this.metadata.save();
    // A message that came after the run's last look at the log has reset the status: its sender wants an answer.
    const unanswered = run.wanted && this.state.execution_status === 'idle';
    if ((run.followed || unanswered) && !this.run) this.startRun();
  }

  /** Stops after the step that is going on; at once while the model is thinking. Never waits for a tool. */
  async pause(): Promise<void> {
    this.assertOpen();
    const { run } = this;
    const inTool = run !== undefined && (this.view?.unmatched().length ?? 0) > 0;
    run?.requestPause();
    if (!inTool && ['idle', 'running'].includes(this.state.execution_status))
      await this.commit(pauseDrafts());
    await this.publishFullState();
  }

  /** Stops at once, in the middle of a step. Without a run it is a pause. */
  async interrupt(): Promise<void> {
    this.assertOpen();
    const { run } = this;
    if (!run) return this.pause();
    run.interrupt();
    this.run = undefined;
    const running = this.state.execution_status === 'running';
    await this.commit([
      ...this.unmatchedErrors(INTERRUPTED),
      ...(running ? [statusUpdate('paused')] : []),
      { source: 'user', kind: 'InterruptEvent' },
    ]);
    await this.publishFullState();
  }

  /** Agrees to what waits for confirmation (by going on), or refuses it. */
  async respondToConfirmation(accept: boolean, reason: string): Promise<void> {
    this.assertOpen();
    if (accept) {
      this.startRun();
      return;
    }
    if (this.state.execution_status !== 'waiting_for_confirmation') return;
    const view = await this.loadView();
    const rejections = view.unmatched().map((action): EventDraft => ({
      source: 'environment',
      tool_name: action.tool_name,
      tool_call_id: action.tool_call_id,
      rejection_reason: reason,
      rejection_source: 'user',
      action_id: action.id,
      kind: 'UserRejectObservation',
    }));
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

  /** What a server that died while running left behind: says so in the log, for the agent and for people. */
  async recover(explanation: string): Promise<void> {
    await this.loadView();
    const errors = this.unmatchedErrors(explanation, {
      kind: 'internal',
      retryable: false,
      user_action: 'none',
    });
    await this.commit([statusUpdate('error'), ...errors]);
    await this.metadata.save();
  }

  private unmatchedErrors(
    error: string,
    classification: {
      kind: 'agent_action' | 'internal';
      retryable: boolean;
      user_action: 'retry' | 'none';
    } = {
      kind: 'agent_action',
      retryable: true,
      user_action: 'retry',
    },
  ): EventDraft[] {
    return (this.view?.unmatched() ?? []).map((action) => ({
      source: 'agent',
      tool_name: action.tool_name,
      tool_call_id: action.tool_call_id,
      error,
      classification,
      kind: 'AgentErrorEvent',
    }));
  }

  /** Counts an answer of a model. The answer is the event that tells of it. */
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    return stateUpdate('stats', summarise(this.state.stats));
  }

  stream(itemId: string): ItemStream {
    if (!this.state.agent.llm.stream) return SILENT_STREAM;
    return new PublishedItemStream(this.id, itemId, this.services.bus, () => this.length - 1);
  }

  /**
   * Ends the run (a step gets `graceMs` to end by itself), closes tools and log, saves the state, gives the lease back.
   * The conversation takes nothing more. Idempotent.
   */
  async close(graceMs: number): Promise<void> {
    if (this.closed) return;
    try {
      if (this.run) {
        this.run.requestPause();
        await within(this.runEnd, graceMs);
      }
      if (this.run) await this.interrupt();
      await this.metadata.save();
    } catch (error) {
      this.report('close', error);
    }
    await this.release();
  }

  /** Ends everything at once and removes what is stored. The workspace stays. */
  async destroy(): Promise<void> {
    if (this.closed) return;
    if (this.run) {
      this.run.interrupt();
      this.run = undefined;
      await this.commit([...this.unmatchedErrors(INTERRUPTED), ...pauseDrafts()]).catch(() => undefined);
    }
    await this.release(() => this.services.catalogue.remove(this.id));
  }

  private async release(beforeLease: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    this.closed = true;
    await this.toolset.close();
    await within(this.runEnd, DRAIN_LIMIT_MS);
    await this.metadata.settled();
    await this.storage.log.close();
    await beforeLease();
    await this.services.leases.release(this.storage.fence);
  }

  private loadView(): Promise<AgentView> {
    if (this.view) return Promise.resolve(this.view);
    this.viewLoading ??= this.readView().finally(() => (this.viewLoading = undefined));
    return this.viewLoading;
  }

  private async readView(): Promise<AgentView> {
    // Events may be appended while the log is read: read until nothing came in between.
    for (;;) {
      await this.writer.settled();
      const { length } = this;
      const view = await loadView(
        (from, limit) => this.readLines(from, limit),
        length,
        this.state.leaf_event_id,
      );
      if (this.writer.handedIn === length) return (this.view = view);
    }
  }

  private requireView(): AgentView {
    if (!this.view) throw new Error('the view is not loaded');
    return this.view;
  }

  /** Behind all events that the snapshot tells of. */
  private async publishFullState(): Promise<void> {
    await this.writer.settled();
    if (this.closed) return;
    const event = this.fullState();
    this.services.bus.publish({ conversationId: this.id, event, line: serialiseEvent(event) });
  }

  private break(error: Error): void {
    this.report('append', error);
    this.run?.interrupt();
    this.onBroken(this);
  }

  private assertOpen(): void {
    if (this.closed) throw new ConversationClosedError();
  }

  private report(what: string, error: unknown): void {
    this.logger.error(
      `conversation ${this.id}: ${what} failed`,
      error instanceof Error ? error.stack : String(error),
    );
  }
}

/** It stands near the start, if there is one. */
function hasSystemPrompt(log: OpenedStorage['log']): boolean {
  for (let seq = 0; seq < log.length; seq++) {
    if (log.entry(seq).kind === 'SystemPromptEvent') return true;
  }
  return false;
}

/** Waits for a promise, but not longer than `ms`; a failure of it is not this waiter's business. */
async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.catch(() => undefined), limit]).finally(() => clearTimeout(timer));
}
