import { Logger } from '@nestjs/common';
import { runErrorDraft, type RunActivity } from '../../agent/index.js';
import { errorMessage, errorName } from '../../errors/index.js';
import { settlesWithin, turnToWork } from '../../flow/index.js';
import type { AgentRuntime } from '../agent-runtime/agent-runtime.js';
import { AlreadyRunningError } from '../conversation-errors.js';
import type { Journal } from '../journal/journal.js';
import { traced, type Span } from '../../telemetry/index.js';
import type { StateBroadcaster } from '../state/state-broadcaster.js';
import { pauseDrafts, statusUpdate } from '../state/state-updates.js';
import { recordRunEnd, runSpan, runSpanName } from '../tracing/conversation-spans.js';
import { Run } from './run.js';
import type { RunSlots } from './run-slots.js';

/** Shared: a logger per open conversation would cost memory. */
const logger = new Logger('Runs');

/** How long a new run waits for the tools of an interrupted one to end (ms). */
const DRAIN_LIMIT_MS = 5_000;

/** The runs of one conversation: at most one at a time, and what follows when it ends. */
export class RunControl {
  private run: Run | undefined;
  /** Releases the slot of that run. Idempotent. */
  private releaseSlot: () => void = () => undefined;
  /** Resolves when all work of the last run has ended, also after an interrupt. */
  private lastEnd: Promise<void> = Promise.resolve();

  constructor(
    private readonly runtime: AgentRuntime,
    private readonly journal: Journal,
    private readonly broadcaster: StateBroadcaster,
    private readonly slots: RunSlots,
  ) {}

  /** What the current run does; null without one. */
  get activity(): RunActivity | null {
    return this.run?.activity ?? null;
  }

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  /**
   * Starts a run and returns at once. If the current run is being paused, the new one follows it.
   * @param releaseSlot releases the slot of the run, if the caller has taken one
   * @throws AlreadyRunningError, RunLimitError
   */
  start(releaseSlot?: () => void): void {
    if (this.run?.pauseRequested) {
      this.run.successor = 'always';
      return;
    }
    if (this.run) throw new AlreadyRunningError();
    this.begin(releaseSlot ?? this.slots.take(this.journal.state.owner_key));
  }

  /** Has the current run, or a new one, answer a message. */
  answerMessage(releaseSlot?: () => void): void {
    if (this.run && !this.run.pauseRequested) this.run.successor = 'if unanswered';
    else this.start(releaseSlot);
  }

  /** Pauses after the current step, or at once while the run waits for the model. Never waits for a tool. */
  async pause(): Promise<void> {
    const { run } = this;
    const inTool = run?.hasOpenActions ?? false;
    run?.requestPause();
    if (inTool || !['idle', 'running'].includes(this.journal.state.execution_status)) return;
    await this.journal.commit(pauseDrafts());
  }

  /** Stops at once, in the middle of a step. Returns false if there is no run. */
  async interrupt(): Promise<boolean> {
    const { run } = this;
    if (!run) return false;
    this.abandon();
    // `idle`: the run was still being prepared.
    const stopped = ['idle', 'running'].includes(this.journal.state.execution_status);
    await this.journal.commit([
      // What the run has paid for and not said.
      ...this.runtime.usage.takeUnlogged(),
      ...this.runtime.interruptedActions((action) => run.resultOf(action)),
      ...(stopped ? [statusUpdate('paused')] : []),
      { source: 'user', kind: 'InterruptEvent' },
    ]);
    return true;
  }

  /** Interrupts the run without an event. Its later effects are discarded. */
  abandon(): void {
    this.run?.interrupt();
    this.run = undefined;
    // Not only when its last tool has ended: frequent interrupts must not use up the slots of others.
    this.releaseSlot();
  }

  /** Pauses the run and waits at most `ms` for its end. */
  async stopWithin(ms: number): Promise<void> {
    if (!this.run) return;
    this.run.requestPause();
    await settlesWithin(this.lastEnd, ms);
  }

  /** Whether a run is active and has no final status yet. */
  get isBusy(): boolean {
    return this.isRunning && ['idle', 'running'].includes(this.journal.state.execution_status);
  }

  /** Resolves when the current run and all runs that follow it directly have ended or were interrupted. */
  async ended(): Promise<void> {
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

  /** Waits a few seconds for all work of the last run to end. */
  async drained(): Promise<void> {
    await settlesWithin(this.lastEnd, DRAIN_LIMIT_MS);
  }

  private begin(releaseSlot: () => void): void {
    // Set before the preparation, so that no second run starts meanwhile.
    const run = new Run(this.runtime);
    this.run = run;
    this.releaseSlot = releaseSlot;
    this.lastEnd = this.execute(run, this.drained(), releaseSlot).catch((error: unknown) => {
      this.journal.report('run', error);
    });
  }

  private async execute(run: Run, drained: Promise<void>, releaseSlot: () => void): Promise<void> {
    const started = performance.now();
    this.log('started');
    try {
      await drained;
      const { state } = this.journal;
      await traced(
        runSpanName(state),
        () => runSpan(state, this.runtime.masker),
        (span) => this.work(run).finally(() => this.recordEnd(span, run)),
      );
    } finally {
      this.logEnd(run, performance.now() - started);
      void this.runtime.checkpoints?.recorder.settle();
      this.end(run, releaseSlot);
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

  private recordEnd(span: Span, run: Run): void {
    const { execution_status } = this.journal.state;
    recordRunEnd(span, {
      status: run.signal.aborted ? 'interrupted' : execution_status,
      steps: run.activity.step,
      usage: run.usage,
      failure: run.signal.aborted || execution_status !== 'error' ? undefined : run.failure,
    });
  }

  private log(what: string, fields: object = {}): void {
    logger.log({ message: `run of conversation ${this.journal.state.id} ${what}`, ...fields });
  }

  private async work(run: Run): Promise<void> {
    try {
      await turnToWork();
      if (run.signal.aborted) return;
      await this.runtime.prepareRun();
      await this.runtime.beginRecording();
      await this.runtime.driver.run(run);
    } catch (error) {
      if (run.signal.aborted) return;
      this.journal.report('run', error);
      const failed = runErrorDraft(errorName(error), errorMessage(error));
      await run.append(failed, statusUpdate('error'));
    }
  }

  /**
   * Passes the slot of an ended run to the one that follows, or releases it. Synchronous: no other run can
   * start in between.
   */
  private end(run: Run, releaseSlot: () => void): void {
    // After an interrupt: the slot is released already.
    if (this.run !== run) return;
    this.run = undefined;
    // A message that arrived after the last step has reset the status to `idle` and needs an answer.
    const unanswered = run.successor === 'if unanswered' && this.journal.state.execution_status === 'idle';
    if (run.successor === 'always' || unanswered) this.begin(releaseSlot);
    else releaseSlot();
  }
}
