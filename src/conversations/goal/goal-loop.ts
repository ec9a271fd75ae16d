import { runErrorDraft } from '../../agent/index.js';
import { errorMessage, errorName } from '../../errors/index.js';
import { textContent, type EventDraft, stateUpdate } from '../../events/index.js';
import { LlmError } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { UserMessages } from '../conversation/user-messages.js';
import type { Journal } from '../journal/journal.js';
import type { QueuePlace, RunRequest } from '../runs/queue/queued-run.js';
import type { RunControl } from '../runs/run-control.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import { operationSpan } from '../tracing/conversation-spans.js';
import { AlreadyRunningError, GoalBusyError, GoalRefusedError } from '../conversation-errors.js';
import type { GoalState, GoalVerdict } from '../state/conversation-state.js';
import { auditRequest, followUp, resumeMessage, parseVerdict } from './audit.js';

const NO_JUDGE = 'A goal needs a model that judges the work, and an ACP agent has none of ours.';

/**
 * Pursues a goal: sends the objective to the agent and, after each run, has a model audit the work. What the
 * audit finds missing is the next message. Ends when the goal is complete, after the maximum number of
 * audits, or when a client takes over.
 */
export class GoalLoop {
  /** The active work. Work that is no longer this one stops; its model call is aborted. */
  private current: AbortController | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly messages: UserMessages,
    private readonly runs: RunControl,
    private readonly services: Pick<ConversationServices, 'llm' | 'queue' | 'workspaces'>,
    private readonly background: Background,
  ) {}

  get active(): boolean {
    return this.current !== undefined;
  }

  /** Whether it waits for a free slot. */
  get isWaiting(): boolean {
    const { id, goal } = this.journal.state;
    return goal?.status === 'queued' && this.services.queue.has(id);
  }

  /**
   * Starts a goal, or has it wait for a free slot. Resolves when it has started; the work continues in the
   * background.
   * @returns its place in the queue, if it waits
   * @throws GoalBusyError, GoalRefusedError for an empty objective, RunLimitError, QueueFullError
   */
  async start(
    objective: string,
    maxIterations: number,
    request: RunRequest = {},
  ): Promise<QueuePlace | undefined> {
    if (objective.trim() === '') throw new GoalRefusedError('Goal objective must not be empty.');
    const goal = { iteration: 0, max_iterations: maxIterations, objective, verdict: null };
    return this.startOrWait(() => goal, objective, request);
  }

  /**
   * Resumes an interrupted goal, or has it wait for a free slot.
   * @returns its place in the queue, if it waits
   * @throws GoalBusyError, GoalRefusedError if there is none, RunLimitError, QueueFullError
   */
  async resume(request: RunRequest = {}): Promise<QueuePlace | undefined> {
    const interrupted = (): GoalState => {
      const { goal } = this.journal.state;
      // A queued one that does not wait: its server ended before that was stored.
      if (goal?.status !== 'interrupted' && goal?.status !== 'queued')
        throw new GoalRefusedError('no_resumable_goal');
      return goal;
    };
    const text = resumeMessage(this.journal.state.goal?.objective ?? '');
    return this.startOrWait(interrupted, text, request);
  }

  /** Starts the goal that has waited. @param releaseSlot of the slot that was taken for it */
  async startWaiting(releaseSlot: () => void): Promise<void> {
    const { goal } = this.journal.state;
    if (goal?.status !== 'queued') return releaseSlot();
    const isNew = goal.iteration === 0 && goal.verdict === null;
    await this.begin(goal, isNew ? goal.objective : resumeMessage(goal.objective), releaseSlot);
  }

  /** Stops the goal but not an active run. Returns the events to append. */
  interruption(): EventDraft[] {
    this.current?.abort();
    this.current = undefined;
    const { goal } = this.journal.state;
    if (!goal?.active && goal?.status !== 'queued') return [];
    return [goalUpdate({ ...goal, active: false, status: 'interrupted' })];
  }

  private async startOrWait(
    getGoal: () => UnstartedGoal,
    text: string,
    request: RunRequest,
  ): Promise<QueuePlace | undefined> {
    const { queue, workspaces } = this.services;
    const { id, owner_key } = this.journal.state;
    workspaces.assertHere(this.journal.state);
    await this.runs.idle().catch((error: unknown) => {
      throw error instanceof AlreadyRunningError ? new GoalBusyError() : error;
    });
    if (this.active || this.isWaiting) throw new GoalBusyError();
    if (this.journal.state.agent.kind === 'ACPAgent') throw new GoalRefusedError(NO_JUDGE);
    const goal = getGoal();
    const release = queue.takeSlot(owner_key, request);
    if (!release) return this.wait(goal, request);
    await this.begin(goal, text, release);
    // The goal answers the message of a run that was waiting.
    await queue.leave(id);
    return undefined;
  }

  private async wait(goal: UnstartedGoal, request: RunRequest): Promise<QueuePlace | undefined> {
    const { queue } = this.services;
    const { id, owner_key } = this.journal.state;
    const releasePlace = queue.has(id) ? undefined : queue.reserve(owner_key);
    try {
      await this.journal.commit([goalUpdate({ ...goal, active: false, status: 'queued' })]);
      const run = { conversation_id: id, owner_key, log_length: this.journal.length };
      await queue.add(run, { ...request, ...(releasePlace && { releasePlace }) });
    } catch (error) {
      await this.journal.commit(this.interruption());
      throw error;
    } finally {
      releasePlace?.();
    }
    return queue.place(id);
  }

  /** @param release of its slot: one for all runs, so that it is not lost to others between two of them */
  private async begin(goal: UnstartedGoal, text: string, release: () => void): Promise<void> {
    const work = new AbortController();
    this.current = work;
    try {
      await this.journal.commit([goalUpdate({ ...goal, active: true, status: 'running' })]);
    } catch (error) {
      this.current = undefined;
      release();
      throw error;
    }
    const done = this.pursue(work, text).finally(() => {
      if (this.current === work) this.current = undefined;
      release();
    });
    this.background.track(done).catch((error: unknown) => this.journal.report('goal', error));
  }

  private async pursue(work: AbortController, first: string): Promise<void> {
    try {
      let text: string | undefined = first;
      while (text !== undefined && this.current === work) {
        await this.sendAsUser(text);
        if (this.current !== work) return;
        await this.answer();
        text = this.current === work ? await this.audit(work) : undefined;
      }
    } catch (error) {
      if (this.current !== work) return;
      const code = error instanceof LlmError ? error.code : errorName(error);
      await this.commitMasked(runErrorDraft(code, errorMessage(error)), ...this.interruption());
    }
  }

  private sendAsUser(text: string): Promise<void> {
    this.journal.life.assertOpen();
    return this.messages.append({ role: 'user', content: [textContent(text)] });
  }

  /** Runs the agent in the slot of the goal; resolves when the run has ended. */
  private async answer(): Promise<void> {
    this.journal.life.assertOpen();
    this.runs.start(() => undefined);
    await this.runs.ended();
  }

  /** Audits the work. Returns the next message to the agent; undefined when the goal has ended. */
  private async audit(work: AbortController): Promise<string | undefined> {
    const { state } = this.journal;
    if (state.execution_status !== 'finished' || !state.goal) {
      await this.journal.commit(this.interruption());
      return undefined;
    }
    await this.usage.assertAffordable();
    const { objective } = state.goal;
    const { verdict, usage } = await traced(
      'judge_goal',
      () => operationSpan(state, this.masker),
      () => this.judge(objective, work.signal),
    );
    if (this.current !== work) {
      await this.journal.commit([usage]);
      return undefined;
    }
    const iteration = state.goal.iteration + 1;
    const status = verdict.complete
      ? 'complete'
      : iteration >= state.goal.max_iterations
        ? 'capped'
        : 'running';
    const active = status === 'running';
    if (!active) this.current = undefined;
    await this.commitMasked(usage, goalUpdate({ ...state.goal, active, status, iteration, verdict }));
    return active ? followUp(iteration, verdict) : undefined;
  }

  private async commitMasked(...drafts: EventDraft[]): Promise<void> {
    await this.journal.commit(drafts.map((draft) => this.masker.maskEvent(draft)));
  }

  private async judge(
    objective: string,
    signal: AbortSignal,
  ): Promise<{ verdict: GoalVerdict; usage: EventDraft }> {
    const view = await this.journal.views.load();
    const { id, agent } = this.journal.state;
    const response = await this.services.llm.complete({
      config: { ...agent.llm, stream: false },
      messages: auditRequest(objective, view.events),
      tools: [],
      conversationId: id,
      signal,
    });
    const usage = this.usage.count(agent.llm.usage_id, agent.llm.model, response);
    return { verdict: parseVerdict(response.message), usage };
  }
}

type UnstartedGoal = Omit<GoalState, 'active' | 'status'>;

/** The state update of a goal. The order of the keys is the order on the wire. */
function goalUpdate(goal: GoalState): EventDraft {
  const { active, status, iteration, max_iterations, objective, verdict } = goal;
  return stateUpdate('goal', { active, status, iteration, max_iterations, objective, verdict });
}
