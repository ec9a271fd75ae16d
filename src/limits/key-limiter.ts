import { Injectable } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { NamedKeys, type Principal } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { Counter } from '../meters/index.js';
import { nextOf, type Period, Spending, startOf } from '../usage/index.js';
import { type Budget, type BudgetWarning, isNearlySpent, BUDGET_PERIODS } from './budgets.js';
import { secondsToNextDay } from './day.js';
import { HeldByKey } from './held-by-key.js';
import {
  type KeyLimits,
  LIMIT_NAMES,
  LimitReachedError,
  type LimitName,
  limitsInForce,
} from './key-limits.js';
import { KeyUsage } from './key-usage.js';

const MINUTE_SECONDS = 60;
/** When to try again what ends by itself at an unknown time: a run, a socket. */
const SOON_SECONDS = 5;

/**
 * Holds keys to their limits. Requests, sockets and runs are counted by each server of a cluster; what is
 * counted by day is counted by all together. The session key has no limits.
 */
@Injectable()
export class KeyLimiter {
  private readonly requests = new RateLimiterMemory({ points: 1, duration: MINUTE_SECONDS });
  private readonly sockets = new HeldByKey();
  private readonly runs = new HeldByKey();
  /** How often each limit was reached since the start. */
  readonly refused: ReadonlyMap<LimitName, Counter> = new Map(
    LIMIT_NAMES.map((name) => [name, new Counter()]),
  );

  constructor(
    private readonly config: AppConfig,
    private readonly keys: NamedKeys,
    private readonly usage: KeyUsage,
    private readonly spending: Spending,
  ) {}

  /** The limits in force for a key. */
  limitsOf(key: Pick<Principal, 'id' | 'limits'> | undefined): KeyLimits {
    return limitsInForce(key, this.config.key_limits);
  }

  /** Counts a request, or a message on a socket. @throws LimitReachedError */
  async takeRequest(principal: Principal): Promise<void> {
    const { requests_per_minute: limit } = this.limitsOf(principal);
    if (limit === null) return;
    const { consumedPoints, msBeforeNext } = await this.requests.penalty(principal.id);
    if (consumedPoints <= limit) return;
    // The system clock may have been set back.
    const wait = Math.min(Math.max(1, Math.ceil(msBeforeNext / 1000)), MINUTE_SECONDS);
    throw this.reached('requests_per_minute', `This key may send ${limit} requests a minute`, wait);
  }

  /** Whether a key may open another socket. @throws LimitReachedError */
  assertSocketLeft(principal: Principal): void {
    const { sockets: limit } = this.limitsOf(principal);
    if (limit !== null && this.sockets.count(principal.id) >= limit) throw this.tooManySockets(limit);
  }

  /** Counts a socket until the returned function is called. @throws LimitReachedError */
  takeSocket(principal: Principal): () => void {
    const { sockets: limit } = this.limitsOf(principal);
    const release = this.sockets.take(principal.id, limit);
    if (release === undefined) throw this.tooManySockets(limit);
    return release;
  }

  /**
   * Counts a run of a conversation until the returned function is called.
   * @param keyId the key whose conversation it is; null for the administrator's
   * @throws LimitReachedError
   */
  takeRun(keyId: string | null): () => void {
    if (keyId === null) return () => undefined;
    const { concurrent_runs: limit } = this.limitsOf(this.keys.known(keyId));
    const release = this.runs.take(keyId, limit);
    if (release !== undefined) return release;
    const what = `Conversations of this key may have ${limit} run${limit === 1 ? '' : 's'} at the same time`;
    throw this.reached('concurrent_runs', what, SOON_SECONDS);
  }

  /** Whether a conversation of a key may run now. @param keyId null: the administrator's */
  mayRun(keyId: string | null): boolean {
    if (keyId === null) return true;
    const { concurrent_runs: limit } = this.limitsOf(this.keys.known(keyId));
    return limit === null || this.runs.count(keyId) < limit;
  }

  /**
   * Counts a run that goes on already, whatever the limit, until the returned function is called.
   * @param keyId null: the administrator's
   */
  holdRun(keyId: string | null): () => void {
    const release = keyId === null ? undefined : this.runs.take(keyId, null);
    return release ?? (() => undefined);
  }

  /**
   * Counts a conversation that is about to be created.
   * @param keyId the key that creates it; null for the administrator
   * @returns what takes that back, if it is not created
   * @throws LimitReachedError
   */
  async takeConversation(keyId: string | null): Promise<() => void> {
    if (keyId === null) return () => undefined;
    const { conversations_per_day: limit } = this.limitsOf(this.keys.known(keyId));
    if (limit !== null) await this.usage.refreshed();
    // Only now, together with the count: others were created meanwhile.
    if (limit !== null && this.usage.today(keyId).conversations >= limit) {
      const what = `This key may create ${limit} conversation${limit === 1 ? '' : 's'} a day`;
      throw this.reached('conversations_per_day', what, secondsToNextDay(Date.now()));
    }
    this.usage.add(keyId, { conversations: 1 });
    return () => this.usage.add(keyId, { conversations: -1 });
  }

  /** From which share of a budget on conversations are warned. */
  get warnPercent(): number {
    return this.config.budgets.warn_percent;
  }

  /**
   * Call before `overSpent`: what other servers have spent counts from now on. Without a budget nobody waits.
   * @param keyId null: the administrator's
   */
  async settleSpent(keyId: string | null): Promise<void> {
    if (this.budgetsOf(keyId).length > 0) await this.spending.settled();
  }

  /**
   * Why models may cost a key nothing more at the moment; undefined if they may.
   * @param keyId null: the administrator's
   */
  overSpent(keyId: string | null): string | undefined {
    const over = this.spentBudget(keyId);
    if (over && over.spent === undefined) return `${UNKNOWN[over.period]}.`;
    return over && `${this.isTold(over, keyId) ? messageOf(over) : UNTOLD[over.period]} ${NEXT[over.period]}`;
  }

  /** The budgets of a key that are nearly spent. */
  nearlySpent(keyId: string | null): BudgetWarning[] {
    return this.budgetsOf(keyId).flatMap((budget) => {
      const { name, period, spent, limit, start } = budget;
      if (spent === undefined || !isNearlySpent({ spent, limit }, this.warnPercent)) return [];
      if (!this.isTold(budget, keyId)) return [];
      const period_start = new Date(start).toISOString();
      return [{ budget: `${name}_${period}`, spent, limit, period_start, message: messageOf(budget) }];
    });
  }

  /** The budgets that hold for a key: its own, and those of the server. Those of the server come first. */
  budgetsOf(keyId: string | null): Budget[] {
    const ofServer = BUDGET_PERIODS.map((period): BudgetSource => [
      'server',
      period,
      this.config.budgets[`usd_per_${period}`],
      undefined,
    ]);
    const limits = keyId === null ? undefined : this.limitsOf(this.keys.known(keyId));
    const ofKey = BUDGET_PERIODS.map((period): BudgetSource => [
      'key',
      period,
      limits?.[`usd_per_${period}`] ?? null,
      keyId,
    ]);
    return [...ofServer, ...ofKey].flatMap(([name, period, limit, spender]) =>
      limit === null
        ? []
        : [
            {
              name,
              period,
              limit,
              spent: this.knownSpent(period, spender),
              start: startOf(period, Date.now()),
            },
          ],
    );
  }

  /**
   * @param keyId null: the administrator's
   * @throws LimitReachedError if models may cost a key nothing more at the moment
   */
  assertSolvent(keyId: string | null): void {
    const over = this.spentBudget(keyId);
    if (over === undefined) return;
    if (over.spent === undefined)
      throw this.reached(`usd_per_${over.period}`, UNKNOWN[over.period], SOON_SECONDS);
    const who = over.name === 'key' ? 'The conversations of this key' : 'All conversations together';
    const wait = Math.max(1, Math.ceil((nextOf(over.period, over.start) - Date.now()) / 1000));
    const what = this.isTold(over, keyId)
      ? `${who} may cost $${over.limit} a ${over.period}`
      : UNTOLD[over.period].slice(0, -1);
    throw this.reached(`usd_per_${over.period}`, what, wait);
  }

  /** What all conversations together cost is not for keys that see only their own. */
  private isTold({ name }: Budget, keyId: string | null): boolean {
    return name === 'key' || keyId === null || this.keys.known(keyId)?.reach === 'all';
  }

  private spentBudget(keyId: string | null): Budget | undefined {
    return this.budgetsOf(keyId).find(({ spent, limit }) => spent === undefined || spent >= limit);
  }

  private knownSpent(period: Period, spender: string | null | undefined): number | undefined {
    const spent = this.spending.spent(period, spender);
    return this.spending.isKnown(period) ? spent : undefined;
  }

  private tooManySockets(limit: number | null): LimitReachedError {
    const what = `This key may have ${limit} socket${limit === 1 ? '' : 's'} open`;
    return this.reached('sockets', what, SOON_SECONDS);
  }

  private reached(limit: LimitName, what: string, wait: number): LimitReachedError {
    this.refused.get(limit)?.add();
    return new LimitReachedError(limit, what, wait);
  }
}

type BudgetSource = [
  name: Budget['name'],
  period: Period,
  limit: number | null,
  keyId: string | null | undefined,
];

const NEXT: Readonly<Record<Period, string>> = {
  day: 'The next day begins at midnight UTC.',
  month: 'The next month begins at midnight UTC of its first day.',
};

const UNTOLD: Readonly<Record<Period, string>> = {
  day: 'The budget of this server for today is spent.',
  month: 'The budget of this server for this month is spent.',
};

/** Of a budget of which nobody can say that it is not spent. */
const UNKNOWN: Readonly<Record<Period, string>> = {
  day: 'The ledger of usage cannot be read, so that the budget for today cannot be checked',
  month: 'The ledger of usage cannot be read, so that the budget for this month cannot be checked',
};

function messageOf({ name, period, spent = 0, limit }: Budget): string {
  const who = name === 'key' ? 'The conversations of its key' : 'All conversations together';
  const when = period === 'day' ? 'today' : 'this month';
  const setting = name === 'key' ? `usd_per_${period}` : `budgets.usd_per_${period}`;
  return `${who} have cost $${spent.toFixed(4)} ${when}, and $${limit} are allowed (${setting}).`;
}
