import { failedAcpCallDrafts } from '../../agent/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import type { GoalLoop } from '../goal/goal-loop.js';
import type { Journal } from '../journal/journal.js';
import { interruptedRunDrafts, type InterruptedRun } from '../runs/interrupted-run.js';
import type { RunControl } from '../runs/run-control.js';

/** What has to be done for a conversation whose server has ended in the middle of its work. */
export class Recovery {
  constructor(
    private readonly journal: Journal,
    private readonly runtime: AgentRuntime,
    private readonly runs: RunControl,
    private readonly goal: GoalLoop,
  ) {}

  /** Ends processes of the ACP agent that survived a crash of their server. */
  async endOrphanedAgent(): Promise<void> {
    await this.runtime.acpAgent?.killLeftovers();
  }

  /** Records in the log that a run was interrupted, and ends what it left open. */
  async record(interrupted: InterruptedRun): Promise<void> {
    const { journal } = this;
    const view = await journal.views.load();
    const calls = failedAcpCallDrafts(view.pendingAcpCalls());
    await journal.commit([
      ...this.goal.interruption(),
      ...calls,
      ...interruptedRunDrafts(interrupted, view.pendingActions()),
    ]);
    await journal.save();
  }

  /**
   * Resumes an interrupted run, unless a client has stopped or started one meanwhile.
   * @param releaseSlot releases the slot of the run; called here if there is nothing to resume
   */
  resume(releaseSlot: () => void): void {
    const { life, state } = this.journal;
    if (life.isEnding || this.runs.isRunning || state.execution_status !== 'running') releaseSlot();
    else this.runs.start(releaseSlot);
  }
}
