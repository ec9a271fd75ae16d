import { RunOverError, type AgentSession, type ItemStream } from '../../agent/agent-session.js';
import type { AgentSpec } from '../../agent/agent-spec.js';
import type { AgentView } from '../../agent/agent-view.js';
import { errorReason } from '../../agent/event-drafts.js';
import type { Hooks } from '../../agent/hooks/index.js';
import type { ActionEvent, DurableEvent, EventDraft, ExecutionStatus } from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Tool } from '../../tools/tool.js';
import type { JsonObject } from '../../json/index.js';
import { overspent } from '../state/budget.js';
import type { ConversationState } from '../state/conversation-state.js';

/** What a run needs of its conversation. */
export interface RunHost {
  readonly state: Readonly<ConversationState>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** An observation with the rules for the files that were touched (absolute paths). */
  withRules(draft: EventDraft, files: readonly string[]): EventDraft;
  /** The event as everybody may see it: without secret values. */
  masked(draft: EventDraft): EventDraft;
  readonly hooks: Hooks;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** Whether files of the workspace have changed, or commits were made, since the conversation began. */
  workspaceChanged(): Promise<boolean>;
  stream(itemId: string): ItemStream;
}

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

  constructor(
    private readonly host: RunHost,
    private readonly currentView: () => AgentView,
    private readonly currentTools: () => ReadonlyMap<string, Tool>,
  ) {}

  get view(): AgentView {
    return this.currentView();
  }

  get conversationId(): string {
    return this.host.state.id;
  }
  get agent(): AgentSpec {
    return this.host.state.agent;
  }
  get status(): ExecutionStatus {
    return this.host.state.execution_status;
  }
  get maxIterations(): number {
    return this.host.state.max_iterations;
  }
  get stuckDetection(): boolean {
    return this.host.state.stuck_detection;
  }
  get budgetExceeded(): string | undefined {
    return overspent(this.host.state);
  }
  get confirmationPolicy(): JsonObject & { kind: string } {
    return this.host.state.confirmation_policy;
  }
  get securityAnalyzer(): (JsonObject & { kind: string }) | null {
    return this.host.state.security_analyzer;
  }
  get hooks(): Hooks {
    return this.host.hooks;
  }
  get blockedActions(): Readonly<Record<string, string>> {
    return this.host.state.blocked_actions;
  }
  get blockedMessages(): Readonly<Record<string, string>> {
    return this.host.state.blocked_messages;
  }
  get lastUserMessageId(): string | null {
    return this.host.state.last_user_message_id;
  }
  get hasNewUserMessage(): boolean {
    return this.host.state.last_user_message_id !== this.messageAtStep;
  }
  get agentState(): JsonObject {
    return this.host.state.agent_state;
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
    return this.prepared && this.view.pendingActions().length > 0;
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
    return this.currentTools();
  }

  maskDraft(draft: EventDraft): EventDraft {
    return this.host.masked(draft);
  }

  append(...drafts: EventDraft[]): Promise<DurableEvent[]> {
    if (this.signal.aborted) return Promise.reject(new RunOverError());
    const masked = drafts.map((draft) => this.host.masked(draft));
    for (const draft of masked) if (draft.kind === 'ConversationErrorEvent') this.reason = errorReason(draft);
    return this.host.commit(masked);
  }

  keepResult(action: ActionEvent, draft: EventDraft, files: readonly string[]): void {
    this.kept.set(action.id, { draft, files });
  }

  /** The result of an action that is done but not in the log yet, ready for it. */
  resultOf(action: ActionEvent): EventDraft | undefined {
    const kept = this.kept.get(action.id);
    return kept && this.host.masked(this.host.withRules(kept.draft, kept.files));
  }

  appendResult(draft: EventDraft, files: readonly string[]): Promise<DurableEvent[]> {
    return this.append(this.host.withRules(draft, files));
  }

  async setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void> {
    const change = this.status === status ? [] : [statusUpdate(status)];
    await this.append(...change, ...consequences);
  }

  beginStep(): void {
    this.kept.clear();
    this.prepared = true;
    this.messageAtStep = this.host.state.last_user_message_id;
  }

  async finish(): Promise<void> {
    await this.append(statusUpdate('finished'), ...(this.hasNewUserMessage ? [statusUpdate('running')] : []));
  }

  async pause(): Promise<void> {
    await this.append(...pauseDrafts());
  }

  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    this.signal.throwIfAborted();
    return this.host.countUsage(usageId, model, response);
  }

  workspaceChanged(): Promise<boolean> {
    return this.host.workspaceChanged();
  }

  stream(itemId: string): ItemStream {
    return this.host.stream(itemId);
  }
}

/** The event of a change of one state field. */
export function stateUpdate(key: string, value: unknown): EventDraft {
  return { source: 'environment', key, value, kind: 'ConversationStateUpdateEvent' };
}

/** The event of a change of status. */
export function statusUpdate(status: ExecutionStatus): EventDraft {
  return stateUpdate('execution_status', status);
}

/** What a pause looks like in the log. */
export function pauseDrafts(): EventDraft[] {
  return [statusUpdate('paused'), { source: 'user', kind: 'PauseEvent' }];
}
