import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import type { UsageEntry } from '../storage/index.js';
import { UsageRecorder } from './usage-recorder.js';

/** What other servers have spent is read again after this time, if it is asked for (ms). */
const FRESH_MS = 2_000;
/** Keys of one period; more have not spent anything in it. */
const MAX_KEYS = 100_000;

/** What budgets are for. Days and months are those of UTC. */
export type Period = 'day' | 'month';

/** The amounts of a period (US dollars), by key; null: the administrator's. */
interface Amounts {
  /** Where the period begins (ms since the epoch). */
  start: number;
  /** Of all servers, as they were last read. */
  stored: Map<string | null, number>;
  /** What this server has written since. */
  since: Map<string | null, number>;
  /** Whether they were ever read: what cannot be read again counts as it was last. */
  isKnown: boolean;
  readAt: number;
  reading: Promise<void> | undefined;
}

/** What models have cost today and this month, by key and in all, on all servers of the storage. */
@Injectable()
export class Spending implements OnApplicationBootstrap {
  private readonly logger = new Logger('Usage');
  private readonly periods = { day: noAmounts(), month: noAmounts() };
  /** The last failure, which is logged once. */
  private failure: string | undefined;

  constructor(private readonly recorder: UsageRecorder) {
    recorder.listen((entry) => this.add(entry));
  }

  /** Before the first run: a restart gives no key a new budget. */
  async onApplicationBootstrap(): Promise<void> {
    await this.refreshed();
  }

  /**
   * What was spent in the current period (US dollars), as far as it is known. Looks for what other servers
   * have spent meanwhile.
   * @param keyId null: with the administrator's key; undefined: in all
   */
  spent(period: Period, keyId?: string | null): number {
    const amounts = this.current(period);
    if (performance.now() - amounts.readAt > FRESH_MS) void this.refresh(period);
    if (keyId === undefined) return total(amounts.stored) + total(amounts.since);
    return (amounts.stored.get(keyId) ?? 0) + (amounts.since.get(keyId) ?? 0);
  }

  /**
   * Whether the ledger was read since the current period has begun. Until then nobody can say that a budget
   * is not spent.
   */
  isKnown(period: Period): boolean {
    return this.current(period).isKnown;
  }

  /** Resolves when `spent` contains what all servers have spent up to now, and they know of this one. */
  async settled(): Promise<void> {
    await this.recorder.settled();
    // What is being read may have been asked for before.
    for (const period of PERIODS) await this.current(period).reading;
    await this.refreshed();
  }

  /** Resolves when `spent` contains what all servers had stored a moment ago. */
  async refreshed(): Promise<void> {
    await Promise.all([this.refresh('day'), this.refresh('month')]);
  }

  private add({ time, key_id: keyId, cost }: UsageEntry): void {
    if (cost === null || cost === 0) return;
    for (const period of PERIODS) {
      const { start, since } = this.current(period);
      if (Date.parse(time) >= start) since.set(keyId, (since.get(keyId) ?? 0) + cost);
    }
  }

  private current(period: Period): Amounts {
    const start = startOf(period, Date.now());
    if (this.periods[period].start !== start) this.periods[period] = { ...noAmounts(), start };
    return this.periods[period];
  }

  private refresh(period: Period): Promise<void> {
    const amounts = this.current(period);
    amounts.reading ??= this.read(amounts).finally(() => (amounts.reading = undefined));
    return amounts.reading;
  }

  private async read(amounts: Amounts): Promise<void> {
    try {
      await this.recorder.read(async (ledger) => {
        const query = { by: ['key'] as const, timeZone: 'UTC', from: amounts.start, limit: MAX_KEYS };
        const { groups } = await ledger.report(query);
        amounts.stored = new Map(groups.map(({ values: [key = null], cost }) => [key, cost]));
        amounts.since = new Map();
        // What was counted before and is not written yet.
        for (const { key_id: key, cost, time } of this.recorder.backlog)
          if (Date.parse(time) >= amounts.start)
            amounts.since.set(key, (amounts.since.get(key) ?? 0) + (cost ?? 0));
      });
      amounts.isKnown = true;
      this.failure = undefined;
    } catch (error) {
      const failure = errorMessage(error);
      // It is tried before each call of a model.
      if (failure !== this.failure) this.logger.error(`what models have cost cannot be read: ${failure}`);
      this.failure = failure;
    }
    // Also after a failure: it is not read again for each call.
    amounts.readAt = performance.now();
  }
}

const PERIODS: readonly Period[] = ['day', 'month'];

/** When the period that contains a time has begun (ms since the epoch). */
export function startOf(period: Period, now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), period === 'day' ? date.getUTCDate() : 1);
}

/** When the next period begins. @param start when this one has begun (ms since the epoch) */
export function nextOf(period: Period, start: number): number {
  const date = new Date(start);
  const [day, month] = period === 'day' ? [1, 0] : [0, 1];
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + month, date.getUTCDate() + day);
}

function noAmounts(): Amounts {
  return {
    start: NaN,
    stored: new Map(),
    since: new Map(),
    isKnown: false,
    readAt: -Infinity,
    reading: undefined,
  };
}

function total(amounts: ReadonlyMap<string | null, number>): number {
  let sum = 0;
  for (const amount of amounts.values()) sum += amount;
  return sum;
}
