import { runErrorDraft } from '../../agent/index.js';
import { errorMessage, errorName } from '../../errors/index.js';
import { textContent, type EventDraft, stateUpdate } from '../../events/index.js';
import { LlmError } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { UserMessages } from '../conversation/user-messages.js';
import type { Journal } from '../journal/journal.js';
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
    private readonly services: Pick<ConversationServices, 'llm' | 'slots' | 'workspaces'>,
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
        const { goal } = this.journal.state;
        if (goal?.status !== 'interrupted') throw new GoalRefusedError('no_resumable_goal');
        return goal;
      },
      resumeMessage(this.journal.state.goal?.objective ?? ''),
    );
  }

  /** Stops the goal but not an active run. Returns the events to append. */
  interruption(): EventDraft[] {
    this.current?.abort();
    this.current = undefined;
    const { goal } = this.journal.state;
    return goal?.active ? [goalUpdate({ ...goal, active: false, status: 'interrupted' })] : [];
  }

  private async begin(getGoal: () => Omit<GoalState, 'active' | 'status'>, text: string): Promise<void> {
    this.services.workspaces.assertHere(this.journal.state);
    await this.runs.idle().catch((error: unknown) => {
      throw error instanceof AlreadyRunningError ? new GoalBusyError() : error;
    });
    if (this.active) throw new GoalBusyError();
    if (this.journal.state.agent.kind === 'ACPAgent') throw new GoalRefusedError(NO_JUDGE);
    const goal = getGoal();
    // One slot for all runs of the goal, so that it is not lost to other conversations between two runs.
    const release = this.services.slots.take(this.journal.state.owner_key);
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

/** The state update of a goal. The order of the keys is the order on the wire. */
function goalUpdate(goal: GoalState): EventDraft {
  const { active, status, iteration, max_iterations, objective, verdict } = goal;
  return stateUpdate('goal', { active, status, iteration, max_iterations, objective, verdict });
}
