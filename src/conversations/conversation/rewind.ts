import type { RestoreResult, RestoreScope } from '../../checkpoints/index.js';
import { utcFromLocal } from '../../events/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { treeEvent } from '../branches/branch-path.js';
import { AlreadyRunningError, CheckpointsOffError } from '../conversation-errors.js';
import type { GoalLoop } from '../goal/goal-loop.js';
import type { Journal } from '../journal/journal.js';
import type { RunControl } from '../runs/run-control.js';
import type { RunStarter } from '../runs/run-starter.js';
import type { Background } from './background.js';

/** What must not be in progress meanwhile. */
interface Work {
  readonly runs: RunControl;
  readonly starter: RunStarter;
  readonly goal: GoalLoop;
  readonly background: Background;
}

/** Takes a conversation back to an earlier event, and its files to what they were. */
export class Rewind {
  constructor(
    private readonly journal: Journal,
    private readonly runtime: AgentRuntime,
    private readonly work: Work,
  ) {}

  /**
   * Makes another event the head, or none: the next event begins a branch. The log gets no event for it.
   * @param files puts the files back as they were then; that is told on the branch that is left
   * @throws UnknownEventError, AlreadyRunningError; as `restoreFiles`
   */
  async navigate(eventId: string | null, files?: { force: boolean }): Promise<void> {
    const { journal } = this;
    journal.life.assertOpen();
    await journal.settled();
    const head = eventId === null ? null : await treeEvent(journal.log, journal.length, eventId);
    await this.work.runs.idle();
    // Checked after the await: a goal or a run may have started meanwhile.
    this.assertIdle();
    if (files) await this.restoreSince(eventId, files.force);
    this.assertIdle();
    await journal.moveHead(head);
  }

  /**
   * Puts files back as they were before a step, and tells the agent.
   * @throws AlreadyRunningError, CheckpointsOffError, UnknownCheckpointError, RestoreConflictError
   */
  async restoreFiles(scope: RestoreScope, force: boolean): Promise<RestoreResult> {
    this.journal.life.assertOpen();
    const { checkpoints } = this.runtime;
    if (!checkpoints) throw new CheckpointsOffError();
    await this.work.runs.idle();
    return this.work.background.track(checkpoints.restore(scope, force, () => this.assertIdle()));
  }

  /**
   * Puts files back as they were at an event; null: in the beginning.
   * @param checksOnly throws only what stands in the way
   */
  async restoreSince(eventId: string | null, force: boolean, checksOnly = false): Promise<void> {
    const { log } = this.journal;
    const { checkpoints } = this.runtime;
    if (!checkpoints) throw new CheckpointsOffError();
    const seq = eventId === null ? undefined : await log.seqOf(eventId);
    const event = seq === undefined ? null : { seq, moment: utcFromLocal((await log.entry(seq)).timestamp) };
    const step = await checkpoints.stepAfter(event);
    if (step === undefined) return;
    const scope = { step, mode: 'since' as const, paths: null };
    if (checksOnly) await checkpoints.check(scope, force);
    else await this.restoreFiles(scope, force);
  }

  private assertIdle(): void {
    const { goal, runs, starter } = this.work;
    this.journal.life.assertOpen();
    if (goal.active || runs.isRunning || starter.isWaiting) throw new AlreadyRunningError();
  }
}
