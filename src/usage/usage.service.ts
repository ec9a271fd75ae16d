import { Injectable } from '@nestjs/common';
import { NamedKeys, type Principal, SESSION } from '../auth/index.js';
import { DomainError } from '../errors/index.js';
import { SerialQueue } from '../flow/index.js';
import {
  SLOT_MS,
  TOKEN_KINDS,
  usageName,
  type UsageGroupName,
  type UsageQuery,
  type UsageReport,
  type UsageTotals,
} from '../storage/index.js';
import { DATE, dayAfter, dayIn, startOfDay } from './usage-days.js';
import { groupNames, type UsageQueryDto } from './usage-query.dto.js';
import { UsageRecorder } from './usage-recorder.js';

/** Days of a query that does not say from when. */
const DEFAULT_DAYS = 30;

/** Reports that are made or waited for. */
const MAX_REPORTS = 8;

/** Others wait for reports already: each may look at years. */
class TooManyReportsError extends DomainError {
  override readonly name = 'TooManyReportsError';
  readonly kind = 'limit-reached';
  constructor() {
    super('Too many reports of usage are being made; try again');
  }
}

/** Sums on the wire. */
export interface UsageSums extends Record<(typeof TOKEN_KINDS)[number], number> {
  calls: number;
  errors: number;
  unpriced_calls: number;
  cost: number;
  latency_seconds: number;
}

/** A group on the wire: what it is of, and its sums. */
export type UsageItem = UsageSums & Record<string, string | number | null>;

/** The answer of `GET /api/usage`. */
export interface UsageAnswer {
  group_by: string[];
  time_zone: string;
  from: string;
  to: string;
  items: UsageItem[];
  total: UsageSums;
  truncated: boolean;
}

/** Answers what models have cost, as far as a key may know. */
@Injectable()
export class UsageService {
  private active = 0;
  /** Runs that have a budget ask the same ledger: they wait for one report at most. */
  private readonly reports = new SerialQueue();

  constructor(
    private readonly recorder: UsageRecorder,
    private readonly keys: NamedKeys,
  ) {}

  /** A key of the reach `own` sees what its own conversations have cost. */
  async report(dto: UsageQueryDto, principal: Principal): Promise<UsageAnswer> {
    const names = groupNames(dto.group_by);
    const { id, reach } = principal;
    const isForeign = reach === 'own' && dto.key !== null && dto.key !== id;
    let period = { from: 0, before: 0 };
    const { groups, total, isTruncated } = await this.read((end) => {
      const query = toQuery(dto, names, end);
      period = query;
      const own = reach === 'own' ? { ...query, keyId: id } : query;
      // Somebody else's conversations do not exist for it.
      return isForeign ? { ...own, before: 0 } : own;
    });
    // Names of keys that were not asked for since the start are read once.
    const keyId = groups
      .map(({ values }) => values[names.indexOf('key')] ?? '')
      .find((value) => value !== '');
    if (keyId !== undefined) await this.keys.isValid(keyId).catch(() => undefined);
    const items = groups.map(({ values, ...sums }) => {
      const named = names.map((name, index) => this.nameOf(name, values[index] ?? null));
      return { ...Object.fromEntries(named.flat()), ...sumsOf(sums) };
    });
    return {
      group_by: names,
      time_zone: dto.time_zone,
      from: new Date(period.from).toISOString(),
      to: new Date(period.before).toISOString(),
      items: names.includes('day') ? byDay(items) : items,
      total: sumsOf(total),
      truncated: isTruncated,
    };
  }

  /** @param toQuery makes the query, when all calls end before a time (ms since the epoch) */
  private async read(toQuery: (end: number) => UsageQuery): Promise<UsageReport> {
    if (this.active >= MAX_REPORTS) throw new TooManyReportsError();
    this.active += 1;
    try {
      // What this server has counted a moment ago is among it.
      await this.recorder.settled();
      return await this.reports.run(() =>
        this.recorder.read(async (ledger) => ledger.report(toQuery(endOf(await ledger.newest())))),
      );
    } finally {
      this.active -= 1;
    }
  }

  /** The fields that say what a group is of. */
  private nameOf(name: string, value: string | null): [string, string | null][] {
    if (name !== 'key') return [[name === 'conversation' ? 'conversation_id' : name, value]];
    if (value === null)
      return [
        ['key', SESSION.id],
        ['key_name', SESSION.name],
      ];
    return [
      ['key', value],
      ['key_name', this.keys.known(value)?.name ?? null],
    ];
  }
}

/** Now, or after the newest call: the clock may have been ahead when that was recorded. */
function endOf(newest = 0): number {
  const now = Date.now();
  return newest > now ? newest + SLOT_MS : now;
}

/** @param end where a query ends that does not say until when (ms since the epoch) */
function toQuery(
  dto: UsageQueryDto,
  names: readonly string[],
  end: number,
): UsageQuery & { from: number; before: number } {
  const { time_zone: timeZone, from, to, key } = dto;
  const now = Date.now();
  const before = to === null ? end : DATE.test(to) ? startOfDay(dayAfter(to), timeZone) : Date.parse(to);
  const first = from ?? dayAfter(dayIn(timeZone, Math.min(now, before - 1)), 1 - DEFAULT_DAYS);
  const tagName = names.find((name) => name.startsWith('tag:'))?.slice('tag:'.length);
  return {
    by: names.map((name) => (name.startsWith('tag:') ? 'tag' : (name as UsageGroupName))),
    timeZone,
    from: DATE.test(first) ? startOfDay(first, timeZone) : Date.parse(first),
    before,
    ...(tagName !== undefined && { tag: usageName(tagName) }),
    ...(key !== null && { keyId: key === SESSION.id ? null : usageName(key) }),
    ...(dto.conversation_id !== null && { conversationId: dto.conversation_id }),
    ...(dto.model !== null && { model: usageName(dto.model) }),
    ...(dto.provider !== null && { provider: usageName(dto.provider) }),
    ...(dto.usage_id !== null && { usageId: usageName(dto.usage_id) }),
    limit: dto.limit,
  };
}

/** The groups that cost most within a day come first. */
function byDay(items: readonly UsageItem[]): UsageItem[] {
  return [...items].sort((one, other) => {
    const [a, b] = [String(one['day']), String(other['day'])];
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

function sumsOf({ calls, errors, unpriced, cost, latency, ...sums }: UsageTotals): UsageSums {
  const tokens = Object.fromEntries(TOKEN_KINDS.map((kind) => [kind, sums[kind]]));
  return {
    calls,
    errors,
    unpriced_calls: unpriced,
    ...(tokens as Record<(typeof TOKEN_KINDS)[number], number>),
    cost: rounded(cost),
    latency_seconds: rounded(latency),
  };
}

/** Sums of floating-point numbers end in digits that mean nothing. */
function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
