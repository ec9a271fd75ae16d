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

/** What a goal needs of its conversation. */
export interface GoalHost {
  readonly state: Readonly<ConversationState>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** Without the secrets that are in it. */
  masked(draft: EventDraft): EventDraft;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  currentView(): Promise<AgentView>;
  report(what: string, error: unknown): void;
}

/** How a goal has the agent work. */
export interface AgentTurns {
  /** Resolves when there is no run. @throws AlreadyRunningError for one that goes on */
  atRest(): Promise<void>;
  /** Says something as the user. */
  sendAsUser(text: string): Promise<void>;
  /** Resolves when the agent has answered, however its run ended. It takes no slot. */
  answer(): Promise<void>;
}

/**
 * Works for a goal: the agent is told the objective, and after each of its runs a model audits what is left
 * to do, which is what it is told next. Ends when the goal is complete, after so many audits, or when anybody
 * else takes over.
 */
export class GoalLoop {
  /** The work that goes on now. Whoever is no longer it stops; its call of the model is aborted. */
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
   * Starts to work for a goal; the work goes on after the answer.
   * @throws GoalBusyError, GoalRefusedError for an empty one, RunLimitError
   */
  async start(objective: string, maxIterations: number): Promise<void> {
    if (objective.trim() === '') throw new GoalRefusedError('Goal objective must not be empty.');
    const goal = { iteration: 0, max_iterations: maxIterations, objective, verdict: null };
    await this.begin(() => goal, objective);
  }

  /**
   * Goes on with a goal that was interrupted.
   * @throws GoalBusyError, GoalRefusedError when there is none, RunLimitError
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

  /** The work for the goal stops here; a run that goes on is not stopped. What the log says of it. */
  interruption(): EventDraft[] {
    this.current?.abort();
    this.current = undefined;
    const { goal } = this.host.state;
    return goal?.active ? [goalUpdate({ ...goal, active: false, status: 'interrupted' })] : [];
  }

  private async begin(which: () => Omit<GoalState, 'active' | 'status'>, text: string): Promise<void> {
    await this.turns.atRest().catch((error: unknown) => {
      throw error instanceof AlreadyRunningError ? new GoalBusyError() : error;
    });
    if (this.active) throw new GoalBusyError();
    if (this.host.state.agent.kind === 'ACPAgent') throw new GoalRefusedError(NO_JUDGE);
    const goal = which();
    // One place for all runs of the goal: it must not lose it to others between two of them.
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

  /** Finds out what is left to do; answers what the agent is told next, nothing when the work is over. */
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

/** The event of how a goal stands, keys in the wire's order. */
function goalUpdate(goal: GoalState): EventDraft {
  const { active, status, iteration, max_iterations, objective, verdict } = goal;
  return stateUpdate('goal', { active, status, iteration, max_iterations, objective, verdict });
}
