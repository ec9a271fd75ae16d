import { rejectionDraft } from '../../agent/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import type { Journal } from '../journal/journal.js';
import type { QueuePlace, RunRequest } from '../runs/queue/queued-run.js';
import type { RunControl } from '../runs/run-control.js';
import type { RunStarter } from '../runs/run-starter.js';
import { statusUpdate } from '../state/state-updates.js';
import type { MessageKeys } from './message-keys.js';

/** A person's answers to what waits for confirmation in one conversation. */
export class Approvals {
  constructor(
    private readonly journal: Journal,
    private readonly runtime: AgentRuntime,
    private readonly runs: RunControl,
    private readonly starter: RunStarter,
    private readonly keys: MessageKeys,
  ) {}

  /** Whether an ACP agent waits for the answer to its question. */
  get isAwaited(): boolean {
    return this.runtime.acpAgent?.isAwaitingDecision === true;
  }

  /**
   * Accepts the actions that wait, by starting a run, or rejects them. An ACP agent is told with the next
   * run. With a `key` it does so once: a repeated response must not concern the actions that wait next.
   * @returns the place of the run in the queue, if it waits
   * @throws AlreadyRunningError, RunLimitError, QueueFullError, WorkspaceElsewhereError
   */
  async respond(
    accept: boolean,
    reason: string,
    { key, ...request }: RunRequest & { key?: string } = {},
  ): Promise<QueuePlace | undefined> {
    this.journal.life.assertOpen();
    if (key === undefined) return this.carryOut(accept, reason, request);
    if (!(await this.keys.take(key, [accept, reason]))) return this.starter.place;
    try {
      return await this.carryOut(accept, reason, request);
    } catch (error) {
      this.keys.giveBack(key);
      throw error;
    }
  }

  private async carryOut(
    accept: boolean,
    reason: string,
    request: RunRequest,
  ): Promise<QueuePlace | undefined> {
    const { acpAgent } = this.runtime;
    // A run first waits for earlier ones, so that the decision is in time for it. If the server ends before a
    // run that waits has started, the agent's question has ended with it, and the run is a usual one.
    if (acpAgent && this.isAwaited) return this.starter.start(request, () => acpAgent.decide(accept, reason));
    if (accept) return this.starter.start(request);
    await this.starter.leave();
    await this.reject(reason);
    return undefined;
  }

  private async reject(reason: string): Promise<void> {
    const { journal, runs } = this;
    const view = await journal.views.load();
    // Checked after the await: another response may have arrived meanwhile.
    if (journal.state.execution_status !== 'waiting_for_confirmation' || runs.isRunning) return;
    const rejections = view.pendingActions().map((action) => rejectionDraft(action, reason));
    await journal.commit([statusUpdate('idle'), ...rejections]);
  }
}
