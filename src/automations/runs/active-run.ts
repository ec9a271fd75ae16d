import { errorMessage } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { Automation } from '../definitions/automation.js';
import type { AutomationRun, PhaseCode } from './automation-run.js';
import {
  HeldElsewhereError,
  type LaunchedRun,
  LaunchError,
  type LaunchNote,
  NoRoomError,
  type RunLauncher,
} from './run-launcher.js';
import { cancelled, failure, type RunOutcome } from './run-outcome.js';

/** How often a conversation is looked for that another process works on (ms). */
const LOOK_MS = 2_000;
/** How often it is looked for to be stopped; and if nobody waits for the answer. */
const MAX_LOOKS_TO_CANCEL = 5;
const MAX_LOOKS_TO_STOP = 30;

/** What an active run reports to. */
export interface RunWork {
  readonly clock: Clock;
  /** How long a run may take (ms). */
  timeLimit(automation: Automation): number;
  /**
   * Says that this process still works on the run, and what it does.
   * @returns false if it is over
   */
  beat(run: AutomationRun, progress?: RunProgress): Promise<boolean>;
  /** Stores what has become of the run. */
  end(run: AutomationRun, outcome: RunOutcome): Promise<void>;
  putBack(run: AutomationRun): Promise<void>;
  /** Something has failed that is no outcome: another process takes the run over. */
  report(run: AutomationRun, error: unknown): void;
  /** The run needs this process no longer. */
  over(run: AutomationRun): void;
}

/** What is noted of a run that goes on. */
export interface RunProgress {
  phase?: PhaseCode;
  /** When it is stopped (ms since the epoch); null: not as long as it waits for a slot. */
  timeoutAt?: number | null;
  launch?: LaunchNote;
}

/** A run that this process works on, from its start to its end. */
export class ActiveRun {
  /** Resolves when nothing of it works any more. */
  readonly left: Promise<void>;
  private readonly abort = new AbortController();
  private readonly timers = new Set<() => void>();
  private launched: LaunchedRun | undefined;
  /** What it comes to, if somebody has stopped it. */
  private stoppedAs: RunOutcome | undefined;
  /** Keeps it from being stopped by its time limit. */
  private stopTimeLimit: () => void = () => undefined;
  private isLeft = false;
  /** What it comes to is being stored. */
  private isEnding = false;
  private resolveLeft: () => void = () => undefined;

  constructor(
    private readonly automation: Automation,
    /** As it was when this process began to work on it. */
    readonly run: AutomationRun,
    /** Whether another process worked on it before. */
    private readonly isTakenOver: boolean,
    private readonly launcher: RunLauncher,
    private readonly work: RunWork,
    private readonly beatMs: number,
  ) {
    this.left = new Promise((resolve) => (this.resolveLeft = resolve));
  }

  /** Begins, or goes on with what another process has left. */
  start(): void {
    void this.follow()
      .catch((error: unknown) => this.report(error))
      .finally(() => {
        for (const stop of this.timers) stop();
        this.timers.clear();
        this.resolveLeft();
        this.work.over(this.run);
      });
  }

  /** Stops the agent, and has the run come to an outcome. Resolves when that is stored. */
  async interrupt(outcome: RunOutcome): Promise<void> {
    this.stoppedAs ??= outcome;
    this.abort.abort();
    await this.launched?.interrupt();
    await this.left;
  }

  /** Stops the agent of a run that has ended elsewhere: somebody has cancelled it at another server. */
  async endedElsewhere(): Promise<void> {
    if (this.isEnding || this.stoppedAs) return;
    await this.interrupt(cancelled('The run has ended elsewhere'));
  }

  /** Works on it no longer, without an outcome. */
  leave(): void {
    this.isLeft = true;
    this.abort.abort();
    this.resolveLeft();
  }

  private async follow(): Promise<void> {
    this.beatAgain();
    const { timeout_at: timeout } = this.run;
    if (timeout !== null) this.limitTime(Date.parse(timeout));
    const outcome = await this.outcome();
    if (this.isLeft || outcome === undefined) return;
    this.isEnding = true;
    await this.work.end(this.run, this.stoppedAs ? stopped(this.stoppedAs, outcome) : outcome);
  }

  private async outcome(): Promise<RunOutcome | undefined> {
    try {
      for (;;) {
        const found = await this.found();
        if (found === undefined || 'status' in found) return found;
        const ended = await this.followed(found);
        if (ended !== 'moved') return ended;
        // Its server was stopped, or has lost it: whoever has it now tells what becomes of it.
        this.launched = undefined;
        await this.pause(LOOK_MS);
        if (this.isLeft) return undefined;
      }
    } catch (error) {
      if (error instanceof NoRoomError && !this.stoppedAs) {
        await this.work.putBack(this.run);
        return undefined;
      }
      if (this.stoppedAs) return this.stoppedAs;
      if (error instanceof LaunchError) return error.outcome;
      return failure('unknown', `The run could not be started: ${errorMessage(error)}`);
    }
  }

  private async followed(launched: LaunchedRun): Promise<RunOutcome | 'moved'> {
    this.launched = launched;
    // Stopped while it was being started.
    if (this.stoppedAs) await launched.interrupt();
    else if (launched.isWaiting) await this.waitForSlot(launched);
    await this.work.beat(this.run, { phase: 'running_agent' });
    return launched.ended;
  }

  /** The time limit is for the work of the agent. */
  private async waitForSlot({ begun }: LaunchedRun): Promise<void> {
    this.stopTimeLimit();
    await this.work.beat(this.run, { phase: 'queued', timeoutAt: null });
    await begun;
    if (this.isLeft || this.stoppedAs) return;
    const end = this.work.clock.now() + this.work.timeLimit(this.automation);
    await this.work.beat(this.run, { timeoutAt: end });
    this.limitTime(end);
  }

  /** The conversation, or what it has come to: it may have been started before a crash. */
  private async found(): Promise<LaunchedRun | RunOutcome | undefined> {
    for (let looks = 0; ;) {
      const found = await this.launcher.find(this.automation, this.run);
      if (found.state === 'here') return found.launched;
      if (found.state === 'ended') return found.outcome;
      if (found.state === 'missing') {
        const launched = this.stoppedAs ?? (await this.launch());
        if (launched) return launched;
      }
      // One that is to be stopped may go on where another process resumes it.
      if (this.stoppedAs && (looks += 1) >= looksToStop(this.stoppedAs)) return this.stoppedAs;
      await this.pause(LOOK_MS);
      if (this.isLeft) return undefined;
    }
  }

  /** Undefined if another server was faster: two may take a run over, as after a jump of the clock. */
  private async launch(): Promise<LaunchedRun | undefined> {
    const note = async (launch: LaunchNote): Promise<void> => {
      await this.work.beat(this.run, { launch });
    };
    try {
      return await this.launcher.launch(this.automation, this.run, note, this.abort.signal);
    } catch (error) {
      if (!(error instanceof HeldElsewhereError)) throw error;
      // Nobody else works on it: the server that has the conversation starts it.
      if (!this.isTakenOver) throw new NoRoomError(error.message);
      return undefined;
    }
  }

  /** @param end when it is stopped (ms since the epoch) */
  private limitTime(end: number): void {
    const seconds = Math.round(this.work.timeLimit(this.automation) / 1000);
    const timeout = failure('timeout', `Timed out: the run took longer than its limit of ${seconds} seconds`);
    this.stopTimeLimit = this.later(Math.max(0, end - this.work.clock.now()), () => {
      void this.interrupt(timeout).catch((error: unknown) => this.report(error));
    });
  }

  private beatAgain(): void {
    this.later(this.beatMs, () => {
      void this.beat().catch((error: unknown) => this.report(error));
    });
  }

  private async beat(): Promise<void> {
    const isMine = await this.work.beat(this.run).catch(() => true);
    if (isMine) this.beatAgain();
    else await this.endedElsewhere();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.later(ms, resolve);
      this.abort.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** @returns what keeps it from being called */
  private later(ms: number, call: () => void): () => void {
    if (this.isLeft) return () => undefined;
    const stop = this.work.clock.after(ms, () => {
      this.timers.delete(stop);
      call();
    });
    this.timers.add(stop);
    return () => {
      this.timers.delete(stop);
      stop();
    };
  }

  private report(error: unknown): void {
    this.work.report(this.run, error);
  }
}

function looksToStop({ status }: RunOutcome): number {
  return status === 'CANCELLED' ? MAX_LOOKS_TO_CANCEL : MAX_LOOKS_TO_STOP;
}

/**
 * The outcome of a run that was being stopped. Work that was completed stays completed when the time limit is
 * over: a crash may have kept the end of the run from being stored, and other automations may have been
 * started after it already. What was spent counts in any case.
 */
function stopped(as: RunOutcome, outcome: RunOutcome): RunOutcome {
  if (as.kind === 'timeout' && outcome.status === 'COMPLETED') return outcome;
  return { ...as, cost: as.cost ?? outcome.cost };
}
