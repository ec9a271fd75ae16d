import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { yieldForChunk } from '../../flow/index.js';
import { meters } from '../../meters/index.js';
import { AutomationStore, type AutomationView } from '../../storage/index.js';
import { Clock } from '../clock.js';
import { type Automation, handledUntil } from '../definitions/automation.js';
import { toAutomation, toState } from '../definitions/stored-automation.js';
import type { CronTrigger } from '../definitions/trigger.js';
import { AutomationChanges } from '../runs/automation-changes.js';
import { type AutomationRun, newRun, runIdFor, skipped } from '../runs/automation-run.js';
import { disable } from '../runs/run-outcome.js';
import { MAX_WAITING } from '../runs/run-requests.js';
import { parseSchedule, ScheduleError } from './cron-schedule.js';
import { type DueOccurrences, dueOccurrences, type Missed } from './due-occurrences.js';

/** How often schedules are looked at although nothing is due (ms): the clock may have been set. */
const MAX_SLEEP_MS = 30_000;
/** Changes of automations are waited for so long, so that many of them are one look (ms). */
const SETTLE_MS = 50;

/** The next instant of an automation, as long as nothing about it has changed. */
interface Planned {
  /** What the plan was made from. */
  basis: string;
  /** Milliseconds since the epoch; undefined: never. */
  next: number | undefined;
}

/**
 * Finds the instants at which automations are due, and has each start one run: whoever of all servers stores
 * the run first has claimed the instant. All servers look; none has to be the one that does.
 */
@Injectable()
export class Scheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Automations');
  private readonly planned = new Map<string, Planned>();
  private readonly stopListening: () => void;
  private stopTimer: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private isStopped = false;
  private failure: string | undefined;
  /** When it looked last (ms since the epoch). */
  private lookedAt = 0;

  constructor(
    private readonly store: AutomationStore,
    private readonly changes: AutomationChanges,
    private readonly clock: Clock,
  ) {
    this.stopListening = changes.listen(() => this.wake(SETTLE_MS));
  }

  onApplicationBootstrap(): void {
    this.wake(0);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.stopListening();
    this.stopTimer?.();
    await this.looking;
  }

  /** The next instant at which an automation is due (ms since the epoch); undefined: not by a schedule. */
  nextOf(automation: Automation): number | undefined {
    const { id, trigger, enabled } = automation;
    if (trigger.type !== 'cron' || !enabled) return undefined;
    const known = this.planned.get(id);
    const isCurrent = known?.basis === basisOf(trigger, handledUntil(automation));
    // What is known needs no look at the schedule, which takes tens of milliseconds for some.
    if (isCurrent && (known.next ?? Infinity) > this.clock.now()) return known.next;
    return parseSchedule(trigger.schedule, trigger.timezone).next(
      Math.max(this.clock.now(), handledUntil(automation)),
    );
  }

  private wake(ms: number): void {
    if (this.isStopped) return;
    if (this.looking) {
      this.lookAgain = true;
      return;
    }
    this.stopTimer?.();
    this.stopTimer = this.clock.after(ms, () => {
      this.looking = this.look().finally(() => {
        this.looking = undefined;
        this.wake(this.lookAgain ? SETTLE_MS : this.sleepMs());
        this.lookAgain = false;
      });
    });
  }

  private sleepMs(): number {
    let next = Infinity;
    for (const { next: one = Infinity } of this.planned.values()) next = Math.min(next, one);
    return Math.min(MAX_SLEEP_MS, Math.max(1, next - this.clock.now()));
  }

  private async look(): Promise<void> {
    try {
      const all = (await this.store.list()).map(toAutomation);
      const ids = new Set(all.map(({ id }) => id));
      // The clock was set back: what is due next may come earlier.
      if (this.clock.now() < this.lookedAt) this.planned.clear();
      this.lookedAt = this.clock.now();
      for (const id of this.planned.keys()) if (!ids.has(id)) this.planned.delete(id);
      for (const automation of all) {
        if (this.isStopped) return;
        await this.lookAt(automation);
      }
      this.failure = undefined;
    } catch (error) {
      const failure = errorMessage(error);
      if (failure !== this.failure) this.logger.error(`schedules cannot be looked at: ${failure}`);
      this.failure = failure;
    }
  }

  private async lookAt(automation: Automation): Promise<void> {
    const { id, trigger, enabled } = automation;
    if (trigger.type !== 'cron' || !enabled) {
      this.planned.delete(id);
      return;
    }
    const basis = basisOf(trigger, handledUntil(automation));
    const known = this.planned.get(id);
    const now = this.clock.now();
    const isQuiet = known?.basis === basis && (known.next === undefined || known.next > now);
    if (isQuiet) return;
    // Requests of others go between two schedules.
    await yieldForChunk();
    try {
      const found = occurrences(automation, trigger, now);
      if (found.due.length > 0 || found.missed) await this.claim(automation, trigger, found);
      const until = Math.max(found.handledUntil, handledUntil(automation));
      this.planned.set(id, { basis: basisOf(trigger, until), next: found.next });
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      await this.disable(id, trigger, error.message);
    }
  }

  /** Stores the runs of instants, unless somebody else has: by their ids. */
  private async claim(automation: Automation, trigger: CronTrigger, found: DueOccurrences): Promise<void> {
    const { id } = automation;
    const ids = found.due.map((instant) => cronRunId(id, instant));
    const missedId = found.missed === null ? undefined : missedRunId(id, found.missed);
    const asked = missedId === undefined ? ids : [...ids, missedId];
    const claimed = await this.store.change(id, asked, (view) => {
      const current = toAutomation(view);
      // Changed meanwhile: by a person, or by another server that has claimed the instants.
      const isSame = JSON.stringify(current.trigger) === JSON.stringify(trigger) && current.enabled;
      if (view.is_deleted || !isSame || handledUntil(current) !== handledUntil(automation))
        return { result: [] };
      const runs = this.runsOf(view, current, found, missedId);
      const { last_triggered_at } = current.state;
      const newest = found.due.at(-1);
      const state = {
        ...toState(view.state),
        handled_until: found.handledUntil,
        last_triggered_at:
          newest === undefined ? last_triggered_at : new Date(this.clock.now()).toISOString(),
      };
      return { change: { runs, state: { ...state } }, result: runs };
    });
    if (claimed === undefined || claimed.length === 0) return;
    for (const { status } of claimed) if (status === 'SKIPPED') meters.automationRunsEnded.SKIPPED.add();
    this.changes.tell(id);
  }

  private runsOf(
    view: AutomationView,
    automation: Automation,
    { due, missed }: DueOccurrences,
    missedId: string | undefined,
  ): AutomationRun[] {
    const now = this.clock.now();
    const { id, overlap, catch_up: catchUp } = automation;
    const runs: AutomationRun[] = [];
    if (missed && missedId !== undefined && !view.runs.has(missedId)) {
      const run = newRun(missedId, id, now, {
        trigger_source: 'cron',
        scheduled_at: new Date(missed.newest).toISOString(),
      });
      runs.push(skipped(run, missedText(missed), 'environment_unavailable', now));
    }
    let isBusy = view.open.length > 0;
    for (const instant of due) {
      const runId = cronRunId(id, instant);
      if (view.runs.has(runId)) continue;
      // What is caught up one after the other waits for its turn.
      const waits = catchUp === 'all' && due.length > 1;
      const run = newRun(runId, id, now, {
        trigger_source: 'cron',
        scheduled_at: new Date(instant).toISOString(),
        waits,
      });
      const skips = (overlap ?? 'skip') === 'skip' && !waits && isBusy;
      const isFull = view.open.length >= MAX_WAITING;
      const reason = skips
        ? 'The previous run was still active'
        : isFull
          ? 'Too many runs wait already'
          : undefined;
      runs.push(reason === undefined ? run : skipped(run, reason, 'concurrency_limit', now));
      isBusy = true;
    }
    return runs;
  }

  /** A schedule that cannot be evaluated any more, such as one of a zone that was removed. */
  private async disable(id: string, trigger: CronTrigger, problem: string): Promise<void> {
    const text = `Switched off because its schedule cannot be used: ${problem}`;
    await this.store.change(id, [], (view) => {
      // Meanwhile somebody may have changed or deleted it.
      const isSame = JSON.stringify(toAutomation(view).trigger) === JSON.stringify(trigger);
      if (view.is_deleted || !isSame) return { result: undefined };
      const detail = { reason: text, source: 'automatic', rule: 'schedule' };
      return { change: disable(view, { text }, this.clock.now(), detail), result: undefined };
    });
    this.changes.tell(id);
    this.logger.warn(`automation ${id}: ${text}`);
  }
}

function basisOf(trigger: CronTrigger, handledUntil: number): string {
  return JSON.stringify([trigger, handledUntil]);
}

function occurrences(automation: Automation, trigger: CronTrigger, now: number): DueOccurrences {
  return dueOccurrences({
    schedule: parseSchedule(trigger.schedule, trigger.timezone),
    handledUntil: handledUntil(automation),
    now,
    catchUp: automation.catch_up,
    catchUpLimit: automation.catch_up_limit,
  });
}

function cronRunId(automationId: string, instant: number): string {
  return runIdFor(automationId, `cron ${new Date(instant).toISOString()}`);
}

function missedRunId(automationId: string, { newest }: Missed): string {
  return runIdFor(automationId, `missed ${new Date(newest).toISOString()}`);
}

function missedText({ count, isAtLeast, newest }: Missed): string {
  const last = new Date(newest).toISOString().slice(0, 16).replace('T', ' ');
  const times =
    count === 1 && !isAtLeast ? 'One time was' : `${isAtLeast ? 'At least ' : ''}${count} times were`;
  return `${times} missed while the server was down, the last one at ${last} UTC`;
}
