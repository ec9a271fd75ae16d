import { Logger } from '@nestjs/common';
import { runErrorDraft } from '../../agent/drafts.js';
import { errorMessage, errorName } from '../../errors/index.js';
import { turnToWork, withTimeout } from '../../flow/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { AlreadyRunningError } from '../conversation-errors.js';
import type { Journal } from '../journal/journal.js';
import type { StateBroadcaster } from '../state/state-broadcaster.js';
import { pauseDrafts, statusUpdate } from '../state/state-updates.js';
import { Run } from './run.js';
import type { RunSlots } from './run-slots.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('Runs');

/** How long a new run waits for what an interrupted one left behind to end (ms). */
const DRAIN_LIMIT_MS = 5_000;

/** The runs of one conversation: at most one at a time, and what follows when it ends. */
export class RunControl {
  private run: Run | undefined;
  /** Gives the slot of that run back; more than once does no harm. */
  private release: () => void = () => undefined;
  /** Resolves when the run that was started last has ended, whatever it left. */
  private lastEnd: Promise<void> = Promise.resolve();

  constructor(
    private readonly runtime: AgentRuntime,
    private readonly journal: Journal,
    private readonly broadcaster: StateBroadcaster,
    private readonly slots: RunSlots,
  ) {}

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  /**
   * Starts a run; it goes on after the answer. One that is being paused is followed by another.
   * @param slot taken already by who calls
   * @throws AlreadyRunningError, RunLimitError
   */
  start(slot?: () => void): void {
    if (this.run?.pauseRequested) {
      this.run.successor = 'always';
      return;
    }
    if (this.run) throw new AlreadyRunningError();
    this.begin(slot ?? this.slots.take());
  }

  /** A message wants an answer: the run that goes on gives it, or a new one. */
  answerMessage(slot?: () => void): void {
    if (this.run && !this.run.pauseRequested) this.run.successor = 'if unanswered';
    else this.start(slot);
  }

  /** Stops after the step that is going on; at once while the model is thinking. Never waits for a tool. */
  async pause(): Promise<void> {
    const { run } = this;
    const inTool = run?.hasOpenActions ?? false;
    run?.requestPause();
    if (inTool || !['idle', 'running'].includes(this.journal.state.execution_status)) return;
    await this.journal.commit(pauseDrafts());
  }

  /** Stops at once, in the middle of a step; false when there is nothing to stop. */
  async interrupt(): Promise<boolean> {
    const { run } = this;
    if (!run) return false;
    this.drop();
    // `idle`: it was still preparing itself.
    const stopped = ['idle', 'running'].includes(this.journal.state.execution_status);
    await this.journal.commit([
      ...this.runtime.interruptedActions((action) => run.resultOf(action)),
      ...(stopped ? [statusUpdate('paused')] : []),
      { source: 'user', kind: 'InterruptEvent' },
    ]);
    return true;
  }

  /** Ends a run without a word in the log; whatever it still does reaches nobody. */
  drop(): void {
    this.run?.interrupt();
    this.run = undefined;
    // Not when its last tool has died: a conversation that is interrupted often must not take the slots of
    // others.
    this.release();
  }

  /** Asks the run to stop and waits for its end, but not longer than `ms`. */
  async stopWithin(ms: number): Promise<void> {
    if (!this.run) return;
    this.run.requestPause();
    await withTimeout(this.lastEnd, ms);
  }

  /** A run goes on that has not said its last word. */
  get isBusy(): boolean {
    return this.isRunning && ['idle', 'running'].includes(this.journal.state.execution_status);
  }

  /**
   * Resolves when there is no run, whatever follows the one that goes on. What an interrupted one leaves is
   * no run.
   */
  async over(): Promise<void> {
    for (let { run } = this; run; { run } = this) await Promise.race([this.lastEnd, run.interrupted]);
  }

  /**
   * Resolves when there is no run. Waits for a run that has its final status or is being paused.
   * @throws AlreadyRunningError for an active run
   */
  async idle(): Promise<void> {
    this.journal.life.assertOpen();
    while (this.run) {
      if (this.isBusy) throw new AlreadyRunningError();
      await this.drained();
    }
    this.journal.life.assertOpen();
  }

  /** Waits until nothing of a run is left, but not for ever. */
  drained(): Promise<void> {
    return withTimeout(this.lastEnd, DRAIN_LIMIT_MS);
  }

  /** @param release gives the run's slot back */
  private begin(release: () => void): void {
    // The run is there from this moment on, so that nobody starts a second one while it prepares itself.
    const run = new Run(this.runtime);
    this.run = run;
    this.release = release;
    this.lastEnd = this.execute(run, this.drained(), release).catch((error: unknown) => {
      this.journal.report('run', error);
    });
  }

  private async execute(run: Run, drained: Promise<void>, release: () => void): Promise<void> {
    const started = performance.now();
    this.log('started');
    try {
      await drained;
      await this.work(run);
    } finally {
      this.logEnd(run, performance.now() - started);
      this.end(run, release);
    }
    await this.publishAndSave();
  }

  private async publishAndSave(): Promise<void> {
    if (this.journal.life.sealed) return;
    await this.broadcaster.publishFullState();
    await this.journal.save().catch((error: unknown) => this.journal.report('save', error));
  }

  private logEnd(run: Run, took: number): void {
    const status = run.signal.aborted ? 'interrupted' : this.journal.state.execution_status;
    const reason = status === 'error' ? run.failure : undefined;
    const outcome = reason === undefined ? status : `${status}: ${reason}`;
    this.log(`ended after ${(took / 1000).toFixed(1)} s: ${outcome}`, {
      status,
      ...(reason !== undefined && { reason }),
      duration_ms: Math.round(took),
    });
  }

  private log(what: string, fields: object = {}): void {
    logger.log({ message: `run of conversation ${this.journal.state.id} ${what}`, ...fields });
  }

  private async work(run: Run): Promise<void> {
    try {
      await turnToWork();
      // It may have been interrupted meanwhile.
      if (run.signal.aborted) return;
      await this.runtime.prepareRun();
      await this.runtime.driver.run(run);
    } catch (error) {
      if (run.signal.aborted) return;
      this.journal.report('run', error);
      const failed = runErrorDraft(errorName(error), errorMessage(error));
      await run.append(failed, statusUpdate('error'));
    }
  }

  /**
   * The run is over: its slot goes on to the one that follows, or back. In one step, so that who sees the end
   * in the log can start the next, and nobody else comes between.
   */
  private end(run: Run, release: () => void): void {
    // Who interrupted it has said all there is to say, and has given the slot back.
    if (this.run !== run) return;
    this.run = undefined;
    // A message that came after the run's last look at the log has reset the status: its sender wants an
    // answer.
    const unanswered = run.successor === 'if unanswered' && this.journal.state.execution_status === 'idle';
    if (run.successor === 'always' || unanswered) this.begin(release);
    else release();
  }
}
