import {
  RunOverError,
  type AgentSession,
  type ItemStream,
  type AgentSpec,
  AgentView,
  isBranchEvent,
  type Hooks,
  type AgentType,
} from '../../agent/index.js';
import {
  createEvent,
  type ActionEvent,
  EXECUTION_STATUSES,
  type DurableEvent,
  type EventDraft,
  type ExecutionStatus,
} from '../../events/index.js';
import type { LlmResponse } from '../../llm/index.js';
import type { Span } from '../../telemetry/index.js';
import type { CheckpointRecorder } from '../../checkpoints/index.js';
import type { Tool, ToolResource } from '../../tools/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { stepOf } from '../checkpoints/step-of.js';
import type { EventSink } from '../journal/event-sink.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import { BUDGET_WARNING, type UsageMeter } from '../state/usage-meter.js';
import { SILENT_STREAM } from '../agent-runtime/item-stream.js';
import { recordRunEnd, RunUsage } from '../tracing/conversation-spans.js';
import { statusUpdate } from '../state/state-updates.js';

/** The agent, tools and log of one task. */
export interface TaskSessionOptions {
  agent: AgentSpec;
  type: AgentType;
  tools: ReadonlyMap<string, Tool>;
  hooks: Hooks;
  signal: AbortSignal;
  /** Records what its tools change; undefined: nobody does. */
  recorder?: CheckpointRecorder;
  /** Appends events to the log of the task. */
  write: (events: readonly DurableEvent[]) => Promise<void>;
}

/** Confirmation policies, from the most permissive to the strictest. */
const STRICTNESS = ['NeverConfirm', 'ConfirmRisky', 'AlwaysConfirm'];

/** The task has spent its budget. */
class MaxBudgetReached extends Error {
  override readonly name = 'MaxBudgetReached';
}

/**
 * One run of a sub-agent. It has its own history, and shares the statistics and secrets of the conversation.
 * It ends with the tool call that started it.
 */
export class TaskSession implements AgentSession {
  readonly view = new AgentView();
  status: ExecutionStatus = 'idle';
  blockedActions: Readonly<Record<string, string>> = {};
  readonly blockedMessages = {};
  readonly stuckDetection = true;
  readonly pauseRequested = false;
  readonly hasNewUserMessage = false;
  readonly agentState = {};
  lastUserMessageId: string | null = null;
  /** The error that ended the run, if any. */
  failure: string | undefined;
  private head: string | undefined;
  private readonly runUsage = new RunUsage();
  private steps = 0;

  constructor(
    private readonly sink: EventSink,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly options: TaskSessionOptions,
    earlier: readonly DurableEvent[],
  ) {
    for (const event of earlier) this.apply(event);
  }

  get conversationId(): string {
    return this.sink.state.id;
  }
  get agent(): AgentSpec {
    return this.options.agent;
  }
  get hooks(): Hooks {
    return this.options.hooks;
  }
  get signal(): AbortSignal {
    return this.options.signal;
  }
  get maxIterations(): number {
    return this.options.type.maxIterations;
  }
  settleBudget(): Promise<void> {
    return this.usage.settle();
  }
  /** The budget of the conversation also limits its tasks. */
  get budgetExceeded(): string | undefined {
    return this.usage.exceeded;
  }
  budgetWarnings(): EventDraft[] {
    return this.usage.warnings();
  }
  get confirmationPolicy(): JsonObject & { kind: string } {
    const { confirmation_policy: inherited } = this.sink.state;
    const { confirmationPolicy: own = inherited, isFromProject } = this.options.type;
    // A definition in the project must not relax the policy of the conversation.
    return isFromProject && STRICTNESS.indexOf(own.kind) < STRICTNESS.indexOf(inherited.kind)
      ? inherited
      : own;
  }
  get securityAnalyzer(): (JsonObject & { kind: string }) | null {
    return this.sink.state.security_analyzer;
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.options.tools;
  }

  maskDraft(draft: EventDraft): EventDraft {
    return this.masker.maskEvent(draft);
  }

  async append(...drafts: EventDraft[]): Promise<DurableEvent[]> {
    if (this.signal.aborted) throw new RunOverError();
    const maskedDrafts = drafts.map((draft) => this.maskDraft(draft));
    const ownDrafts = maskedDrafts.filter((draft) => !isOfConversation(draft));
    const events = ownDrafts.map((draft): DurableEvent => {
      const event = { ...createEvent(draft), parent_id: this.head };
      this.apply(event);
      return event;
    });
    // Statistics and warnings of budgets are written to the conversation's log, where clients see them.
    const stats = maskedDrafts.filter(isOfConversation);
    await Promise.all([this.options.write(events), stats.length > 0 ? this.sink.commit(stats) : undefined]);
    return events;
  }

  report(): void {
    // For its conversation a task is one tool call, which is reported already.
  }

  keepResult(): void {
    // A task ends with its tool call: results are not needed after an interrupt.
  }

  appendResult(draft: EventDraft): Promise<DurableEvent[]> {
    return this.append(draft);
  }

  async setStatus(status: ExecutionStatus, ...consequences: EventDraft[]): Promise<void> {
    await this.append(...(status === this.status ? [] : [statusUpdate(status)]), ...consequences);
  }

  beginStep(): void {
    this.steps += 1;
    const { maxBudget } = this.options.type;
    const spent = this.sink.state.stats.usage_to_metrics[this.agent.llm.usage_id]?.accumulated_cost ?? 0;
    if (maxBudget === undefined || spent < maxBudget) return;
    throw new MaxBudgetReached(`The task has reached its budget ($${maxBudget}): it has cost $${spent}.`);
  }

  /** Adds how the run has ended to its span. */
  recordEnd(span: Span): void {
    const { status, steps, runUsage: usage, failure, signal } = this;
    const isInterrupted = signal.aborted;
    recordRunEnd(span, {
      status: isInterrupted ? 'interrupted' : status,
      steps,
      usage,
      failure: isInterrupted || status !== 'error' ? undefined : failure,
    });
  }

  async finish(): Promise<void> {
    await this.setStatus('finished');
  }

  async pause(): Promise<void> {
    await this.setStatus('paused');
  }

  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    this.runUsage.add(response);
    const usage = this.usage.count(usageId, model, response);
    if (!this.signal.aborted) return usage;
    // The answer came together with the interrupt: it is dropped, and paid for.
    this.sink.commit([usage]).catch(() => undefined);
    throw new RunOverError();
  }

  /** Only critics need this, and sub-agents have none. */
  workspaceChanged(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async beforeChanges(action: ActionEvent, changes: readonly ToolResource[] | 'any'): Promise<void> {
    await this.options.recorder?.begin(stepOf(action, changes));
  }

  afterChanges(action: ActionEvent): void {
    void this.options.recorder?.end(action.id);
  }

  stream(): ItemStream {
    return SILENT_STREAM;
  }

  /** The actions of a task are not in the log of the conversation that clients watch. */
  output(): undefined {
    return undefined;
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

function isOfConversation(draft: EventDraft): boolean {
  return draft.kind === 'ConversationStateUpdateEvent' && ['stats', BUDGET_WARNING].includes(draft.key);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
}
