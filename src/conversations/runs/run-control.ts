import { Logger } from '@nestjs/common';
import type { AgentDriver } from '../../agent/agent-driver.js';
import type { AgentView } from '../../agent/agent-view.js';
import { runErrorDraft } from '../../agent/drafts.js';
import { errorMessage, errorName } from '../../errors/index.js';
import type { ActionEvent, EventDraft } from '../../events/index.js';
import { settlesWithin, turnToWork } from '../../flow/index.js';
import type { Tool } from '../../tools/tool.js';
import { AlreadyRunningError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { pauseDrafts, Run, statusUpdate, type RunHost } from './run.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('Runs');

/** How long a new run waits for what an interrupted one left behind to end (ms). */
const DRAIN_LIMIT_MS = 5_000;

/** What runs need of their conversation besides what one run needs. */
export interface RunControlHost extends RunHost {
  /** What works in the conversation. */
  readonly driver: AgentDriver;
  /** Everything that a run needs is there: system prompt, view, workspace. */
  prepareRun(): Promise<void>;
  view(): AgentView;
  tools(): ReadonlyMap<string, Tool>;
  /**
   * What becomes of the actions that have no result in the log: the result that there is meanwhile, or an
   * error.
   * @param resultOf of the run that is interrupted
   */
  interruptedActions(resultOf?: (action: ActionEvent) => EventDraft | undefined): EventDraft[];
  /** Tells watchers how it stands, and saves it. */
  runEnded(): Promise<void>;
  report(what: string, error: unknown): void;
}

/** The runs of one conversation: at most one at a time, and what follows when it ends. */
export class RunControl {
  private run: Run | undefined;
  /** Gives the slot of that run back; more than once does no harm. */
  private release: () => void = () => undefined;
  /** Resolves when the run that was started last has ended, whatever it left. */
  private lastEnd: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: RunControlHost,
    private readonly services: Pick<ConversationServices, 'slots'>,
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
    this.begin(slot ?? this.services.slots.take());
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
    if (inTool || !['idle', 'running'].includes(this.host.state.execution_status)) return;
    await this.host.commit(pauseDrafts());
  }

  /** Stops at once, in the middle of a step; false when there is nothing to stop. */
  async interrupt(): Promise<boolean> {
    const { run } = this;
    if (!run) return false;
    this.drop();
    // `idle`: it was still preparing itself.
    const stopped = ['idle', 'running'].includes(this.host.state.execution_status);
    await this.host.commit([
      ...this.host.interruptedActions((action) => run.resultOf(action)),
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
    await settlesWithin(this.lastEnd, ms);
  }

  /** A run goes on that has not said its last word. */
  get isBusy(): boolean {
    return this.isRunning && ['idle', 'running'].includes(this.host.state.execution_status);
  }

  /**
   * Resolves when there is no run, whatever follows the one that goes on. What an interrupted one leaves is
   * no run.
   */
  async over(): Promise<void> {
    for (let { run } = this; run; { run } = this) await Promise.race([this.lastEnd, run.interrupted]);
  }

  /**
   * Resolves when there is no run. One that has said its last word, or was told to pause, is waited for.
   * @throws AlreadyRunningError for one that goes on
   */
  async atRest(): Promise<void> {
    while (this.run) {
      if (this.isBusy) throw new AlreadyRunningError();
      await this.drained();
    }
  }

  /** Waits until nothing of a run is left, but not for ever. */
  async drained(): Promise<void> {
    await settlesWithin(this.lastEnd, DRAIN_LIMIT_MS);
  }

  /** @param release gives the run's slot back */
  private begin(release: () => void): void {
    // The run is there from this moment on, so that nobody starts a second one while it prepares itself.
    const run = new Run(
      this.host,
      () => this.host.view(),
      () => this.host.tools(),
    );
    this.run = run;
    this.release = release;
    this.lastEnd = this.execute(run, this.drained(), release).catch((error: unknown) => {
      this.host.report('run', error);
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
    await this.host.runEnded();
  }

  private logEnd(run: Run, took: number): void {
    const status = run.signal.aborted ? 'interrupted' : this.host.state.execution_status;
    const reason = status === 'error' ? run.failure : undefined;
    const outcome = reason === undefined ? status : `${status}: ${reason}`;
    this.log(`ended after ${(took / 1000).toFixed(1)} s: ${outcome}`, {
      status,
      ...(reason !== undefined && { reason }),
      duration_ms: Math.round(took),
    });
  }

  private log(what: string, fields: object = {}): void {
    logger.log({ message: `run of conversation ${this.host.state.id} ${what}`, ...fields });
  }

  private async work(run: Run): Promise<void> {
    try {
      await turnToWork();
      // It may have been interrupted meanwhile.
      if (run.signal.aborted) return;
      await this.host.prepareRun();
      await this.host.driver.run(run);
    } catch (error) {
      if (run.signal.aborted) return;
      this.host.report('run', error);
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
    const unanswered = run.successor === 'if unanswered' && this.host.state.execution_status === 'idle';
    if (run.successor === 'always' || unanswered) this.begin(release);
    else release();
  }
}
