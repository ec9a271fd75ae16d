import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { UnusedConversations } from '../conversations/index.js';
import { DomainError, errorMessage } from '../errors/index.js';
import { MAX_TIMER_MS, SerialQueue } from '../flow/index.js';
import {
  Catalogue,
  ConversationFolders,
  LeaseStore,
  ReservedConversations,
  ServerTurns,
} from '../storage/index.js';
import type { RetentionPlan } from './plan/retention-plan.js';
import { RetentionPlanner } from './plan/retention-planner.js';
import { type RetentionRules, type RuleChanges, rulesOf } from './plan/retention-rules.js';
import { ClockWatch } from './sweep/clock-watch.js';
import { RetentionSweeper } from './sweep/retention-sweeper.js';
import { isWorthTelling, lineOf, type SweepReport } from './sweep/sweep-report.js';

/** The name of the turn that one server of a database takes. */
const TURN = 'retention';
/** As often as the original removes old bash events: half their life, but not more often (seconds). */
const MIN_BASH_SECONDS = 60;
/** Plans that are made or waited for. */
const MAX_PLANS = 8;

/** Somebody sweeps already: this server, or another one of its database. */
class SweepRunningError extends DomainError {
  override readonly name = 'SweepRunningError';
  readonly kind = 'conflict';
  constructor(who: string) {
    super(`${who} sweeps at the moment; try again when it has ended`);
  }
}

/** Others wait for plans already: each may look at all conversations. */
class TooManyPlansError extends DomainError {
  override readonly name = 'TooManyPlansError';
  readonly kind = 'limit-reached';
  constructor() {
    super('Too many plans of other rules are being made; try again');
  }
}

/** What the retention does and did. */
export interface RetentionStatus {
  rules: RetentionRules;
  /** Seconds between two sweeps; null: none is made by itself, because there is no rule. */
  sweep_seconds: number | null;
  is_sweeping: boolean;
  /** Of this server; null: none since its start. */
  last_sweep: SweepReport | null;
}

/** Sweeps again and again, and when it is asked to. */
@Injectable()
export class RetentionService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Retention');
  private readonly planner: RetentionPlanner;
  private readonly clock = new ClockWatch();
  private readonly planning = new SerialQueue();
  /** Plans that are being made, or wait for that, by their rules. */
  private readonly plans = new Map<string, Promise<RetentionPlan>>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private current: Promise<unknown> | undefined;
  private last: SweepReport | null = null;
  /** The last failure, which is logged once. */
  private failure: string | undefined;

  constructor(
    private readonly sweeper: RetentionSweeper,
    private readonly config: AppConfig,
    private readonly turns: ServerTurns,
    conversations: UnusedConversations,
    catalogue: Catalogue,
    folders: ConversationFolders,
    leases: LeaseStore,
    reserved: ReservedConversations,
  ) {
    const useOf = conversations.useOf.bind(conversations);
    this.planner = new RetentionPlanner({ catalogue, folders, leases, reserved, config, useOf });
  }

  onApplicationBootstrap(): void {
    this.wait();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.current?.catch(() => undefined);
  }

  /** The rules and the last sweep. */
  get status(): RetentionStatus {
    return {
      rules: rulesOf(this.config),
      sweep_seconds: this.sweepSeconds,
      is_sweeping: this.current !== undefined,
      last_sweep: this.last,
    };
  }

  /**
   * What a sweep would remove now. One plan is made at a time; who asks for the same one shares it.
   * @throws TooManyPlansError
   */
  plan(changes: RuleChanges): Promise<RetentionPlan> {
    const rules = rulesOf(this.config, changes);
    const key = JSON.stringify(rules);
    const known = this.plans.get(key);
    if (known) return known;
    if (this.plans.size >= MAX_PLANS) throw new TooManyPlansError();
    const plan = this.planning
      .run(() => this.planner.plan(rules, this.stopping.signal))
      .finally(() => this.plans.delete(key));
    this.plans.set(key, plan);
    return plan;
  }

  /**
   * Sweeps now. Whoever asks knows what time it is: ages count also after the clock was set forward.
   * @throws SweepRunningError
   */
  async sweep(changes: RuleChanges): Promise<SweepReport> {
    if (this.current) throw new SweepRunningError('This server');
    const report = await this.begin(rulesOf(this.config, changes), undefined);
    if (!report) throw new SweepRunningError('Another server');
    return report;
  }

  /** Null: there is nothing to do by itself. */
  private get sweepSeconds(): number | null {
    const { conversation_storage_sweep_seconds: interval, bash_events_retention_seconds: bash } = this.config;
    const { retention_days: days, disk_budget: budget } = rulesOf(this.config);
    const forBash = bash === null ? Infinity : Math.max(MIN_BASH_SECONDS, bash / 2);
    const seconds = Math.min(days === null && budget === null ? Infinity : interval, forBash);
    return seconds === Infinity ? null : seconds;
  }

  private wait(): void {
    const seconds = this.sweepSeconds;
    if (seconds === null || this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => void this.sweepByItself(), Math.min(MAX_TIMER_MS, seconds * 1000)).unref();
  }

  private async sweepByItself(): Promise<void> {
    try {
      const rules = rulesOf(this.config);
      if (!this.current) await this.begin(rules, this.clock.problem(rules.retention_days));
      this.failure = undefined;
    } catch (error) {
      const failure = errorMessage(error);
      if (!this.stopping.signal.aborted && failure !== this.failure)
        this.logger.error(`the sweep has failed: ${failure}`);
      this.failure = failure;
    } finally {
      this.wait();
    }
  }

  /**
   * @param clock why no conversation may be removed for its age; undefined: it may
   * @returns undefined if another server sweeps
   */
  private begin(rules: RetentionRules, clock: string | undefined): Promise<SweepReport | undefined> {
    const work = this.turns
      .tryTake(TURN, async (lost) => {
        const signal = AbortSignal.any([lost, this.stopping.signal]);
        const plannedAt = performance.now();
        const plan = await this.planner.plan(rules, signal, clock);
        return this.sweeper.sweep(plan, plannedAt, signal);
      })
      .then((turn) => {
        if (!turn.taken) return undefined;
        this.tell(turn.result);
        return turn.result;
      })
      .finally(() => (this.current = undefined));
    this.current = work;
    return work;
  }

  private tell(report: SweepReport): void {
    const before = this.last;
    this.last = report;
    if (!isWorthTelling(report)) return;
    const line = lineOf(report);
    const isQuiet = Object.values(report.removed).every((count) => count === 0);
    // What cannot be changed now is not repeated every few minutes.
    if (isQuiet && before && isSame(before, report)) return;
    if (report.failures.length > 0 || !report.within_budget) this.logger.warn(line);
    else this.logger.log(line);
  }
}

function isSame(one: SweepReport, other: SweepReport): boolean {
  return one.failures.join() === other.failures.join() && one.within_budget === other.within_budget;
}
