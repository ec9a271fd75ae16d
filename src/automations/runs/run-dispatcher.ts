import { randomUUID } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { meters } from '../../meters/index.js';
import { hasProvablyEnded, ownProcess } from '../../processes/index.js';
import { type AutomationDecision, AutomationStore, type AutomationView } from '../../storage/index.js';
import { Clock } from '../clock.js';
import type { Automation } from '../definitions/automation.js';
import { toAutomation } from '../definitions/stored-automation.js';
import { AutomationChanges } from './automation-changes.js';
import { type AutomationRun, conversationIdOf, phase, skipped, toRun } from './automation-run.js';
import { ActiveRun, type RunProgress, type RunWork } from './active-run.js';
import { RunChains } from './run-chains.js';
import { cancelled, endOfRun, type RunOutcome } from './run-outcome.js';
import { RunLauncher } from './run-launcher.js';
import { variantOf } from './run-variant.js';

/** How often waiting runs, and those of processes that have ended, are looked for (ms); without any. */
const LOOK_MS = 5_000;
const QUIET_LOOK_MS = 10_000;
/** A run for which there is no room waits so long before it is tried again (ms). */
const NO_ROOM_MS = 2_000;
/** How long nobody else may work on a run after its process was heard of last (ms). */
const WORKER_MS = 90_000;
/** How often a process says that it still works on a run (ms). */
const BEAT_MS = 30_000;
/** A run that nobody works on is given up so long after its time limit (ms). */
const GRACE_MS = 120_000;

/**
 * Starts the runs that wait, oldest first and not more at the same time than the server may have, and takes
 * over those of processes that have ended. A run is worked on by one process; whoever else finds the same run
 * later finds its conversation, too.
 */
@Injectable()
export class RunDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown, RunWork {
  private readonly logger = new Logger('Automations');
  private readonly active = new Map<string, ActiveRun>();
  private readonly stopping = new AbortController();
  private readonly stopListening: () => void;
  private worker: string = randomUUID();
  private stopTimer: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private failure: string | undefined;

  constructor(
    private readonly store: AutomationStore,
    private readonly launcher: RunLauncher,
    private readonly changes: AutomationChanges,
    private readonly chains: RunChains,
    readonly clock: Clock,
    private readonly config: AppConfig,
  ) {
    this.stopListening = changes.listen(() => this.look());
  }

  async onApplicationBootstrap(): Promise<void> {
    this.worker = (await ownProcess()) ?? this.worker;
    this.look();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.stopListening();
    this.stopTimer?.();
    await this.looking;
    // Their conversations are closed like all others; the next start finds what has become of them.
    for (const run of this.active.values()) run.leave();
    await Promise.all([...this.active.values()].map((run) => run.left));
  }

  /** Runs that this server works on. */
  get running(): number {
    return this.active.size;
  }

  /** Interrupts a run that this process works on; undefined if it does not. */
  cancel(runId: string): Promise<void> | undefined {
    return this.active.get(runId)?.interrupt(cancelled('Cancelled by user'));
  }

  /** Looks for work, soon and once for all who ask. */
  look(): void {
    if (this.stopping.signal.aborted) return;
    this.lookAgain = true;
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
      if (this.lookAgain) this.look();
    });
  }

  async end(run: AutomationRun, outcome: RunOutcome): Promise<void> {
    const { id, automation_id: automationId } = run;
    // Before the run is over: what a crash interrupts here is found again with it.
    await this.chains.follow(run, outcome);
    const ended = await this.store.change(automationId, [id], (view) => {
      const stored = view.runs.get(id);
      if (!stored || toRun(stored).status !== 'RUNNING') return { result: undefined };
      const change = endOfRun(view, toRun(stored), outcome, this.clock.now());
      return { change, result: change };
    });
    if (!ended) return;
    meters.automationRunsEnded[outcome.status].add();
    const { error, status } = outcome;
    this.logger.log(
      `run ${id} of automation ${automationId}: ${status}${error === null ? '' : `: ${error}`}`,
    );
    if (ended.definition)
      this.logger.warn(`automation ${automationId}: ${String(ended.definition['disabled_reason'])}`);
    this.changes.tell(automationId);
  }

  /** Puts a run back that could not be started for lack of room; it is tried again a little later. */
  async putBack(run: AutomationRun): Promise<void> {
    await this.change(run, (stored, now) => ({
      ...stored,
      status: 'PENDING',
      started_at: null,
      worker: null,
      worker_until: null,
      not_before: utc(now + NO_ROOM_MS),
      ...phase('queued', now),
    }));
  }

  timeLimit({ timeout }: Automation): number {
    return (timeout ?? this.config.automation_timeout_seconds) * 1000;
  }

  async beat(run: AutomationRun, progress: RunProgress = {}): Promise<boolean> {
    const { phase: code, timeoutAt, launch } = progress;
    // Also if another process has taken it over meanwhile: the conversation is here.
    const written = await this.change(run, (stored, now) => ({
      ...stored,
      ...this.work(now),
      ...(code !== undefined && code !== stored.phase_code && phase(code, now)),
      ...(timeoutAt !== undefined && { timeout_at: timeoutAt === null ? null : utc(timeoutAt) }),
      ...(launch && { message: launch.message, wakes: launch.wakes, cost_before: launch.costBefore }),
    }));
    return written !== undefined;
  }

  report({ id }: AutomationRun, error: unknown): void {
    this.logger.error(`run ${id}: ${errorMessage(error)}`);
  }

  over(run: AutomationRun): void {
    this.active.delete(run.id);
    this.look();
  }

  /** Changes a run that this process works on; undefined if it is over. */
  private change(
    { id, automation_id }: AutomationRun,
    change: (stored: AutomationRun, now: number) => AutomationRun,
  ): Promise<AutomationRun | undefined> {
    return this.store.change(automation_id, [id], (view) => {
      const found = view.runs.get(id);
      const stored = found && toRun(found);
      if (stored?.status !== 'RUNNING') return { result: undefined };
      const changed = change(stored, this.clock.now());
      return { change: { runs: [changed] }, result: changed };
    });
  }

  private work(now: number): Pick<AutomationRun, 'worker' | 'worker_until'> {
    return { worker: this.worker, worker_until: utc(now + WORKER_MS) };
  }

  private async lookOnce(): Promise<void> {
    this.stopTimer?.();
    this.lookAgain = false;
    let again = QUIET_LOOK_MS;
    try {
      const open = (await this.store.openRuns()).map(toRun);
      again = nextLook(open, this.clock.now());
      this.stopEnded(open);
      await this.takeOver(open);
      await this.startWaiting(open);
      this.failure = undefined;
    } catch (error) {
      const failure = errorMessage(error);
      if (failure !== this.failure) this.logger.error(`automations cannot be run: ${failure}`);
      this.failure = failure;
    }
    if (this.stopping.signal.aborted) return;
    this.stopTimer = this.clock.after(again, () => this.look());
  }

  /** Stops what others have ended. */
  private stopEnded(open: readonly AutomationRun[]): void {
    const ids = new Set(open.filter(({ status }) => status === 'RUNNING').map(({ id }) => id));
    for (const [id, run] of this.active) {
      if (!ids.has(id)) run.endedElsewhere().catch((error: unknown) => this.report(run.run, error));
    }
  }

  private async startWaiting(open: readonly AutomationRun[]): Promise<void> {
    const now = this.clock.now();
    /** Automations of which no other run is to be started. */
    const busy = new Set<string>();
    for (const run of open) {
      if (this.active.size >= this.config.max_automation_runs || this.stopping.signal.aborted) return;
      if (run.status !== 'PENDING' || busy.has(run.automation_id)) continue;
      if (run.not_before !== null && Date.parse(run.not_before) > now) continue;
      if (!(await this.launcher.isForThisServer(run))) continue;
      if ((await this.startOne(run)) === 'busy') busy.add(run.automation_id);
    }
  }

  /** @returns `busy` if the automation has an active run, for whose end all others wait */
  private async startOne({ id, automation_id }: AutomationRun): Promise<'busy' | undefined> {
    const started = await this.store.change(automation_id, [id], (view) => this.decideStart(view, id));
    if (started === undefined || started === 'busy') return started;
    meters.automationRunsStarted.add();
    this.begin(started.automation, started.run, false);
    return undefined;
  }

  private decideStart(
    view: AutomationView,
    id: string,
  ): AutomationDecision<{ automation: Automation; run: AutomationRun } | 'busy' | undefined> {
    const now = this.clock.now();
    const found = view.runs.get(id);
    const stored = found && toRun(found);
    if (stored?.status !== 'PENDING') return { result: undefined };
    const automation = toAutomation(view);
    if (view.is_deleted || !automation.enabled) {
      const reason = view.is_deleted ? 'Automation deleted' : 'Automation disabled';
      return { change: { runs: [skipped(stored, reason, 'blocked', now)] }, result: undefined };
    }
    const conversationId = conversationIdOf(stored);
    const active = view.open.filter(({ status }) => status === 'RUNNING').map(toRun);
    if (active.length > 0 && automation.overlap !== 'parallel') return { result: 'busy' };
    // Runs of one subject follow each other in any case.
    if (active.some((other) => other.conversation_id === conversationId)) return { result: undefined };
    const variant = variantOf(automation, stored);
    const run: AutomationRun = {
      ...stored,
      status: 'RUNNING',
      conversation_id: conversationId,
      started_at: utc(now),
      timeout_at: utc(now + this.timeLimit(automation)),
      ...(variant && {
        variant: variant.name,
        run_metadata: { experiment_id: automation.experiment_id, variant: variant.name },
      }),
      ...this.work(now),
      ...phase('preparing', now),
    };
    return { change: { runs: [run] }, result: { automation, run } };
  }

  private begin(automation: Automation, run: AutomationRun, isTakenOver: boolean): void {
    const active = new ActiveRun(automation, run, isTakenOver, this.launcher, this, BEAT_MS);
    this.active.set(run.id, active);
    active.start();
  }

  /** Runs of processes that have ended: their conversations tell what has become of them. */
  private async takeOver(open: readonly AutomationRun[]): Promise<void> {
    for (const run of open) {
      if (run.status !== 'RUNNING' || this.active.has(run.id) || this.stopping.signal.aborted) continue;
      if (!(await this.isAbandoned(run))) continue;
      const taken = await this.store.change(run.automation_id, [run.id], (view) => {
        const found = view.runs.get(run.id);
        const stored = found && toRun(found);
        if (stored?.status !== 'RUNNING' || stored.worker_until !== run.worker_until)
          return { result: undefined };
        const mine = { ...stored, ...this.work(this.clock.now()) };
        return { change: { runs: [mine] }, result: { automation: toAutomation(view), run: mine } };
      });
      if (taken) this.begin(taken.automation, taken.run, true);
    }
  }

  private async isAbandoned({ worker, worker_until, timeout_at }: AutomationRun): Promise<boolean> {
    const now = this.clock.now();
    if (worker === null || worker_until === null || Date.parse(worker_until) < now) return true;
    if (timeout_at !== null && Date.parse(timeout_at) + GRACE_MS < now) return true;
    // This process has another identity, or has lost the run on the way.
    if (worker === this.worker) return true;
    return hasProvablyEnded(worker);
  }
}

/** How long until the open runs are looked at again (ms): also when the pause of one is over. */
function nextLook(open: readonly AutomationRun[], now: number): number {
  if (open.length === 0) return QUIET_LOOK_MS;
  const pauses = open.map(({ not_before: time }) => (time === null ? 0 : Date.parse(time) - now));
  return Math.min(LOOK_MS, ...pauses.filter((ms) => ms > 0));
}

function utc(ms: number): string {
  return new Date(ms).toISOString();
}
