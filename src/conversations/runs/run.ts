import { RunOverError, type AgentSession, type ItemStream } from '../../agent/agent-session.js';
import type { AgentSpec } from '../../agent/agent-spec.js';
import type { AgentView } from '../../agent/agent-view.js';
import { errorReason } from '../../agent/drafts.js';
import type { Hooks } from '../../agent/hooks/index.js';
import type { ActionEvent, DurableEvent, EventDraft, ExecutionStatus } from '../../events/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Tool } from '../../tools/tool.js';
import type { JsonObject } from '../../json/index.js';
import { overspent } from '../state/budget.js';
import type { ConversationState } from '../state/conversation-state.js';
import { pauseDrafts, statusUpdate } from '../state/state-updates.js';

/**
 * One execution of the agent loop, from its start to its end. Whatever it does to the conversation goes
 * through it, so once it is interrupted nothing that still runs on its behalf can write.
 */
export class Run implements AgentSession {
  private readonly abort = new AbortController();
  private stopAfterStep = false;
  /** False until the first step: before that there is no view to look at. */
  private prepared = false;
  /** The last message of the user when the current step began. */
  private messageAtStep: string | null = null;
  /** What tools have done in this step, by the id of the action. */
  private readonly kept = new Map<string, { draft: EventDraft; files: readonly string[] }>();
  /** What follows when it ends: another run if a message is left without an answer, or in any case. */
  successor: 'none' | 'if unanswered' | 'always' = 'none';
  private reason: string | undefined;

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
  get overspent(): string | undefined {
    return overspent(this.state);
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
  get userSpoke(): boolean {
    return this.state.last_user_message_id !== this.messageAtStep;
  }
  get agentState(): JsonObject {
    return this.state.agent_state;
  }
  /** Why it failed, masked and in one line. */
  get failure(): string | undefined {
    return this.reason;
  }
  get signal(): AbortSignal {
    return this.abort.signal;
  }
  /** Resolves when it is interrupted. */
  get interrupted(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  get pauseRequested(): boolean {
    return this.stopAfterStep;
  }

  /** It executes actions right now, or is about to. */
  get hasOpenActions(): boolean {
    return this.prepared && this.view.unmatched().length > 0;
  }

  /** Lets the step that is going on end, and then stops. What was to follow does not. */
  requestPause(): void {
    this.stopAfterStep = true;
    this.successor = 'none';
  }

  /** Ends the run here and now. */
  interrupt(): void {
    this.abort.abort(new RunOverError());
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.runtime.toolset.tools();
  }

  masked(draft: EventDraft): EventDraft {
    return this.runtime.masker.maskEvent(draft);
  }

  append(...drafts: EventDraft[]): Promise<DurableEvent[]> {
    if (this.signal.aborted) return Promise.reject(new RunOverError());
    const masked = drafts.map((draft) => this.masked(draft));
    for (const draft of masked) if (draft.kind === 'ConversationErrorEvent') this.reason = errorReason(draft);
    return this.runtime.journal.commit(masked);
  }

  keepResult(action: ActionEvent, draft: EventDraft, files: readonly string[]): void {
    this.kept.set(action.id, { draft, files });
  }

  /** The result of an action that is done but not in the log yet, ready for it. */
  resultOf(action: ActionEvent): EventDraft | undefined {
    const kept = this.kept.get(action.id);
    return kept && this.masked(this.runtime.context.withRules(kept.draft, kept.files));
  }

  appendResult(draft: EventDraft, files: readonly string[]): Promise<DurableEvent[]> {
    return this.append(this.runtime.context.withRules(draft, files));
  }

  async setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void> {
    const change = this.status === status ? [] : [statusUpdate(status)];
    await this.append(...change, ...consequences);
  }

  beginStep(): void {
    this.kept.clear();
    this.prepared = true;
    this.messageAtStep = this.state.last_user_message_id;
  }

  async finish(): Promise<void> {
    await this.append(statusUpdate('finished'), ...(this.userSpoke ? [statusUpdate('running')] : []));
  }

  async pause(): Promise<void> {
    await this.append(...pauseDrafts());
  }

  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    this.signal.throwIfAborted();
    return this.runtime.usage.count(usageId, model, response);
  }

  workspaceChanged(): Promise<boolean> {
    return this.runtime.toolset.workspaceChanged();
  }

  stream(itemId: string): ItemStream {
    return this.runtime.stream(itemId);
  }
}
