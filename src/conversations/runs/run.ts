import {
  RunOverError,
  type AgentSession,
  type ItemStream,
  type OutputStream,
  type AgentSpec,
  type AgentView,
  errorReason,
  type Hooks,
  type RunActivity,
} from '../../agent/index.js';
import {
  utcTimestamp,
  type ActionEvent,
  type DurableEvent,
  type EventDraft,
  type ExecutionStatus,
} from '../../events/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { stepOf } from '../checkpoints/step-of.js';
import type { LlmResponse } from '../../llm/index.js';
import type { Tool, ToolResource } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import type { ConversationState } from '../state/conversation-state.js';
import { pauseDrafts, statusUpdate } from '../state/state-updates.js';
import { RunUsage } from '../tracing/conversation-spans.js';

/**
 * One execution of the agent. All of its effects on the conversation go through it, so once it is
 * interrupted, nothing that still runs on its behalf can write.
 */
export class Run implements AgentSession {
  private readonly abort = new AbortController();
  private stopAfterStep = false;
  /** Set by the first step: before that the view is not loaded. */
  private prepared = false;
  /** The last message of the user when the current step began. */
  private messageAtStep: string | null = null;
  /** Results of this step that are not in the log yet, by the id of the action. */
  private readonly results = new Map<string, { draft: EventDraft; files: readonly string[] }>();
  /** Whether another run follows: always, or if a message was left unanswered. */
  successor: 'none' | 'if unanswered' | 'always' = 'none';
  private reason: string | undefined;
  private steps = 0;
  /** Tokens and cost of its calls of models. */
  readonly usage = new RunUsage();
  private current: RunActivity = { kind: 'starting', tool: null, step: 0, since: utcTimestamp() };

  private readonly state: Readonly<ConversationState>;

  constructor(private readonly runtime: AgentRuntime) {
    this.state = runtime.journal.state;
  }

  get view(): AgentView {
    return this.runtime.journal.views.current;
  }

  get conversationId(): string {
    return this.state.id;
  }
  get agent(): AgentSpec {
    return this.state.agent;
  }
  get status(): ExecutionStatus {
    return this.state.execution_status;
  }
  get maxIterations(): number {
    return this.state.max_iterations;
  }
  get stuckDetection(): boolean {
    return this.state.stuck_detection;
  }
  settleBudget(): Promise<void> {
    return this.runtime.usage.settle();
  }
  get budgetExceeded(): string | undefined {
    return this.runtime.usage.exceeded;
  }
  budgetWarnings(): EventDraft[] {
    return this.runtime.usage.warnings();
  }
  get confirmationPolicy(): JsonObject & { kind: string } {
    return this.state.confirmation_policy;
  }
  get securityAnalyzer(): (JsonObject & { kind: string }) | null {
    return this.state.security_analyzer;
  }
  get hooks(): Hooks {
    return this.runtime.hooks;
  }
  get blockedActions(): Readonly<Record<string, string>> {
    return this.state.blocked_actions;
  }
  get blockedMessages(): Readonly<Record<string, string>> {
    return this.state.blocked_messages;
  }
  get lastUserMessageId(): string | null {
    return this.state.last_user_message_id;
  }
  get hasNewUserMessage(): boolean {
    return this.state.last_user_message_id !== this.messageAtStep;
  }
  get agentState(): JsonObject {
    return this.state.agent_state;
  }
  /** Why the run failed, masked and in one line. */
  get failure(): string | undefined {
    return this.reason;
  }
  /** What the run does at the moment. */
  get activity(): RunActivity {
    return this.current;
  }
  get signal(): AbortSignal {
    return this.abort.signal;
  }
  /** Resolves when the run is interrupted. */
  get interrupted(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  get pauseRequested(): boolean {
    return this.stopAfterStep;
  }

  /** Whether it executes actions, or is about to. */
  get hasOpenActions(): boolean {
    return this.prepared && this.view.pendingActions().length > 0;
  }

  /** Ends the run after the current step; no other run follows. */
  requestPause(): void {
    this.stopAfterStep = true;
    this.successor = 'none';
  }

  /** Ends the run at once. */
  interrupt(): void {
    this.abort.abort(new RunOverError());
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.runtime.toolset.tools();
  }

  maskDraft(draft: EventDraft): EventDraft {
    return this.runtime.masker.maskEvent(draft);
  }

  append(...drafts: EventDraft[]): Promise<DurableEvent[]> {
    if (this.signal.aborted) return Promise.reject(new RunOverError());
    const masked = drafts.map((draft) => this.maskDraft(draft));
    for (const draft of masked) if (draft.kind === 'ConversationErrorEvent') this.reason = errorReason(draft);
    return this.runtime.journal.commit(masked);
  }

  keepResult(action: ActionEvent, draft: EventDraft, files: readonly string[]): void {
    this.results.set(action.id, { draft, files });
  }

  /** The result of an action that is done but not in the log yet, masked. */
  resultOf(action: ActionEvent): EventDraft | undefined {
    const result = this.results.get(action.id);
    return result && this.maskDraft(this.runtime.context.withRules(result.draft, result.files));
  }

  appendResult(draft: EventDraft, files: readonly string[]): Promise<DurableEvent[]> {
    return this.append(this.runtime.context.withRules(draft, files));
  }

  async setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void> {
    const change = this.status === status ? [] : [statusUpdate(status)];
    await this.append(...change, ...consequences);
  }

  report(kind: RunActivity['kind'], tool?: string): void {
    this.current = { kind, tool: tool ?? null, step: this.steps, since: utcTimestamp() };
    this.runtime.publishUpdate();
  }

  beginStep(): void {
    this.steps += 1;
    this.results.clear();
    this.prepared = true;
    this.messageAtStep = this.state.last_user_message_id;
  }

  async finish(): Promise<void> {
    await this.runtime.endRecording();
    await this.append(statusUpdate('finished'), ...(this.hasNewUserMessage ? [statusUpdate('running')] : []));
  }

  async pause(): Promise<void> {
    await this.runtime.endRecording();
    await this.append(...pauseDrafts());
  }

  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    this.usage.add(response);
    const usage = this.runtime.usage.count(usageId, model, response);
    if (!this.signal.aborted) return usage;
    // The answer came together with the interrupt: it is dropped, and paid for. The journal reports failures.
    this.runtime.journal.commit([usage]).catch(() => undefined);
    throw new RunOverError();
  }

  workspaceChanged(): Promise<boolean> {
    return this.runtime.toolset.workspaceChanged();
  }

  async beforeChanges(action: ActionEvent, changes: readonly ToolResource[] | 'any'): Promise<void> {
    await this.runtime.checkpoints?.recorder.begin(stepOf(action, changes));
  }

  afterChanges(action: ActionEvent): void {
    void this.runtime.checkpoints?.recorder.end(action.id);
  }

  stream(itemId: string): ItemStream {
    return this.runtime.stream(itemId);
  }

  output(actionId: string): OutputStream {
    return this.runtime.outputs.open(actionId, this.signal);
  }
}
