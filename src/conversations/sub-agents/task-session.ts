import { RunOverError, type AgentSession, type ItemStream } from '../../agent/agent-session.js';
import type { AgentSpec } from '../../agent/agent-spec.js';
import { AgentView, isBranchEvent } from '../../agent/agent-view.js';
import type { Hooks } from '../../agent/hooks/index.js';
import type { AgentType } from '../../agent/sub-agents/index.js';
import {
  createEvent,
  EXECUTION_STATUSES,
  type DurableEvent,
  type EventDraft,
  type ExecutionStatus,
} from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Tool } from '../../tools/tool.js';
import type { JsonObject } from '../../json/index.js';
import { overspent } from '../state/budget.js';
import type { ConversationState } from '../state/conversation-state.js';
import { SILENT_STREAM } from '../agent-runtime/item-stream.js';
import { statusUpdate } from '../runs/run.js';

/** What a task needs of the conversation that it is done for. */
export interface TaskHost {
  readonly state: Readonly<ConversationState>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  masked(draft: EventDraft): EventDraft;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** What is special about one task. */
export interface TaskSessionOptions {
  agent: AgentSpec;
  type: AgentType;
  tools: ReadonlyMap<string, Tool>;
  hooks: Hooks;
  signal: AbortSignal;
  /** Writes events into the log of the task. */
  write: (events: readonly DurableEvent[]) => Promise<void>;
}

/** Confirmation policies, by how much they ask. */
const STRICTNESS = ['NeverConfirm', 'ConfirmRisky', 'AlwaysConfirm'];

/** The models of a task have cost more than they may. */
class MaxBudgetReached extends Error {
  override readonly name = 'MaxBudgetReached';
}

/**
 * One run of a sub-agent. Its history is its own; its spend and the secrets are those of the conversation. It
 * ends with the call that it is the result of.
 */
export class TaskSession implements AgentSession {
  readonly view = new AgentView();
  status: ExecutionStatus = 'idle';
  blockedActions: Readonly<Record<string, string>> = {};
  readonly blockedMessages = {};
  readonly stuckDetection = true;
  readonly pauseRequested = false;
  readonly userSpoke = false;
  readonly agentState = {};
  lastUserMessageId: string | null = null;
  /** Why it failed, once it has. */
  failure: string | undefined;
  private head: string | undefined;

  constructor(
    private readonly host: TaskHost,
    private readonly parts: TaskSessionOptions,
    earlier: readonly DurableEvent[],
  ) {
    for (const event of earlier) this.apply(event);
  }

  get conversationId(): string {
    return this.host.state.id;
  }
  get agent(): AgentSpec {
    return this.parts.agent;
  }
  get hooks(): Hooks {
    return this.parts.hooks;
  }
  get signal(): AbortSignal {
    return this.parts.signal;
  }
  get maxIterations(): number {
    return this.parts.type.maxIterations;
  }
  /** The spend of the conversation counts: a task is no way around its budget. */
  get overspent(): string | undefined {
    return overspent(this.host.state);
  }
  get confirmationPolicy(): JsonObject & { kind: string } {
    const { confirmation_policy: usual } = this.host.state;
    const { confirmationPolicy: own = usual, ofProject } = this.parts.type;
    return ofProject && STRICTNESS.indexOf(own.kind) < STRICTNESS.indexOf(usual.kind) ? usual : own;
  }
  get securityAnalyzer(): (JsonObject & { kind: string }) | null {
    return this.host.state.security_analyzer;
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.parts.tools;
  }

  masked(draft: EventDraft): EventDraft {
    return this.host.masked(draft);
  }

  async append(...drafts: EventDraft[]): Promise<DurableEvent[]> {
    if (this.signal.aborted) throw new RunOverError();
    const shown = drafts.map((draft) => this.masked(draft));
    const ours = shown.filter((draft) => !isStats(draft));
    const events = ours.map((draft): DurableEvent => {
      const event = { ...createEvent(draft), parent_id: this.head };
      this.apply(event);
      return event;
    });
    // What models cost is told where clients see it.
    const spent = shown.filter(isStats);
    await Promise.all([this.parts.write(events), spent.length > 0 ? this.host.commit(spent) : undefined]);
    return events;
  }

  keepResult(): void {
    // A task ends with the call that it is the result of: nobody looks at what it was about to say.
  }

  appendResult(draft: EventDraft): Promise<DurableEvent[]> {
    return this.append(draft);
  }

  async setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void> {
    await this.append(...(status === this.status ? [] : [statusUpdate(status)]), ...consequences);
  }

  beginStep(): void {
    const { maxBudget } = this.parts.type;
    const spent = this.host.state.stats.usage_to_metrics[this.agent.llm.usage_id]?.accumulated_cost ?? 0;
    if (maxBudget === undefined || spent < maxBudget) return;
    throw new MaxBudgetReached(`The task has reached its budget ($${maxBudget}): it has cost $${spent}.`);
  }

  async finish(): Promise<void> {
    await this.setStatus('finished');
  }

  async pause(): Promise<void> {
    await this.setStatus('paused');
  }

  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    this.signal.throwIfAborted();
    return this.host.countUsage(usageId, model, response);
  }

  /** Sub-agents have no critic who would want to know. */
  workspaceChanged(): Promise<boolean> {
    return Promise.resolve(false);
  }

  stream(): ItemStream {
    return SILENT_STREAM;
  }

  private apply(event: DurableEvent): void {
    if (isBranchEvent(event)) {
      this.head = event.id;
      this.view.push(event);
      if (event.kind === 'MessageEvent' && event.source === 'user') this.lastUserMessageId = event.id;
      this.failure = event.kind === 'ConversationErrorEvent' ? event.detail : undefined;
      return;
    }
    const { key, value } = event;
    if (key === 'execution_status')
      this.status = EXECUTION_STATUSES.find((status) => status === value) ?? this.status;
    if (key === 'blocked_actions' && isTexts(value)) this.blockedActions = value;
  }
}

function isStats(draft: EventDraft): boolean {
  return draft.kind === 'ConversationStateUpdateEvent' && draft.key === 'stats';
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}
