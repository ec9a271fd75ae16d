import { runErrorDraft } from '../../agent/drafts.js';
import type { AgentView } from '../../agent/agent-view.js';
import { errorMessage, errorName } from '../../errors/index.js';
import type { DurableEvent, EventDraft } from '../../events/index.js';
import type { Llm, LlmResponse } from '../../llm/llm.js';
import { LlmError } from '../../llm/errors/llm-error.js';
import type { Background } from '../conversation/background.js';
import { assertAffordable } from '../state/budget.js';
import { AlreadyRunningError, GoalBusyError, GoalRefusedError } from '../conversation-errors.js';
import type { ConversationState, GoalState, GoalVerdict } from '../state/conversation-state.js';
import { stateUpdate } from '../runs/run.js';
import type { RunSlots } from '../runs/run-slots.js';
import { auditRequest, followUp, resumeMessage, parseVerdict } from './audit.js';

const NO_JUDGE = 'A goal needs a model that judges the work, and an ACP agent has none of ours.';

/** The parts of a conversation that `GoalLoop` uses. */
export interface GoalHost {
  readonly state: Readonly<ConversationState>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** Masks secrets. */
  masked(draft: EventDraft): EventDraft;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  currentView(): Promise<AgentView>;
  report(what: string, error: unknown): void;
}

/** Lets `GoalLoop` start runs of the agent. */
export interface AgentTurns {
  /** Resolves when no run is active. @throws AlreadyRunningError if one continues */
  atRest(): Promise<void>;
  /** Appends a user message. */
  sendAsUser(text: string): Promise<void>;
  /** Runs the agent without taking a run slot. Resolves when the run has ended, in whatever way. */
  answer(): Promise<void>;
}

/**
 * Pursues a goal: sends the objective to the agent and, after each run, has a model audit the work. What the
 * audit finds missing is the next message. Ends when the goal is complete, after the maximum number of
 * audits, or when a client takes over.
 */
export class GoalLoop {
  /** The active work. Work that is no longer this one stops; its model call is aborted. */
  private current: AbortController | undefined;

  constructor(
    private readonly host: GoalHost,
    private readonly turns: AgentTurns,
    private readonly services: { llm: Llm; slots: RunSlots },
    private readonly background: Background,
  ) {}

  get active(): boolean {
    return this.current !== undefined;
  }

  /**
   * Starts a goal. Resolves when it has started; the work continues in the background.
   * @throws GoalBusyError, GoalRefusedError for an empty objective, RunLimitError
   */
  async start(objective: string, maxIterations: number): Promise<void> {
    if (objective.trim() === '') throw new GoalRefusedError('Goal objective must not be empty.');
    const goal = { iteration: 0, max_iterations: maxIterations, objective, verdict: null };
    await this.begin(() => goal, objective);
  }

  /**
   * Resumes an interrupted goal.
   * @throws GoalBusyError, GoalRefusedError if there is none, RunLimitError
   */
  async resume(): Promise<void> {
    await this.begin(
      () => {
        const { goal } = this.host.state;
        if (goal?.status !== 'interrupted') throw new GoalRefusedError('no_resumable_goal');
        return goal;
      },
      resumeMessage(this.host.state.goal?.objective ?? ''),
    );
  }

  /** Stops the goal but not an active run. Returns the events to append. */
  interruption(): EventDraft[] {
    this.current?.abort();
    this.current = undefined;
    const { goal } = this.host.state;
    return goal?.active ? [goalUpdate({ ...goal, active: false, status: 'interrupted' })] : [];
  }

  private async begin(getGoal: () => Omit<GoalState, 'active' | 'status'>, text: string): Promise<void> {
    await this.turns.atRest().catch((error: unknown) => {
      throw error instanceof AlreadyRunningError ? new GoalBusyError() : error;
    });
    if (this.active) throw new GoalBusyError();
    if (this.host.state.agent.kind === 'ACPAgent') throw new GoalRefusedError(NO_JUDGE);
    const goal = getGoal();
    // One slot for all runs of the goal, so that it is not lost to other conversations between two runs.
    const release = this.services.slots.take();
    const work = new AbortController();
    this.current = work;
    try {
      await this.host.commit([goalUpdate({ ...goal, active: true, status: 'running' })]);
    } catch (error) {
      this.current = undefined;
      release();
      throw error;
    }
    const done = this.pursue(work, text).finally(() => {
      if (this.current === work) this.current = undefined;
      release();
    });
    this.background.track(done).catch((error: unknown) => this.host.report('goal', error));
  }

  private async pursue(work: AbortController, first: string): Promise<void> {
    try {
      let text: string | undefined = first;
      while (text !== undefined && this.current === work) {
        await this.turns.sendAsUser(text);
        if (this.current !== work) return;
        await this.turns.answer();
        text = this.current === work ? await this.audit(work) : undefined;
      }
    } catch (error) {
      if (this.current !== work) return;
      const code = error instanceof LlmError ? error.code : errorName(error);
      await this.commitMasked(runErrorDraft(code, errorMessage(error)), ...this.interruption());
    }
  }

  /** Audits the work. Returns the next message to the agent; undefined when the goal has ended. */
  private async audit(work: AbortController): Promise<string | undefined> {
    const { state } = this.host;
    if (state.execution_status !== 'finished' || !state.goal) {
      await this.host.commit(this.interruption());
      return undefined;
    }
    assertAffordable(state);
    const { verdict, usage } = await this.judge(state.goal.objective, work.signal);
    if (this.current !== work) {
      await this.host.commit([usage]);
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
    await this.host.commit(drafts.map((draft) => this.host.masked(draft)));
  }

  private async judge(
    objective: string,
    signal: AbortSignal,
  ): Promise<{ verdict: GoalVerdict; usage: EventDraft }> {
    const view = await this.host.currentView();
    const { id, agent } = this.host.state;
    const response = await this.services.llm.complete({
      config: { ...agent.llm, stream: false },
      messages: auditRequest(objective, view.events),
      tools: [],
      conversationId: id,
      signal,
    });
    const usage = this.host.countUsage(agent.llm.usage_id, agent.llm.model, response);
    return { verdict: parseVerdict(response.message), usage };
  }
}

/** The state update of a goal. The order of the keys is the order on the wire. */
function goalUpdate(goal: GoalState): EventDraft {
  const { active, status, iteration, max_iterations, objective, verdict } = goal;
  return stateUpdate('goal', { active, status, iteration, max_iterations, objective, verdict });
}
