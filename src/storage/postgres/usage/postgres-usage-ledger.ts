import {
  noUsage,
  SLOT_MS,
  slotOf,
  TOKEN_KINDS,
  UsageLedger,
  type UsageEntry,
  type UsageGroup,
  type UsageQuery,
  type UsageReport,
  type UsageTotals,
} from '../../usage-ledger.js';
import type { Database } from '../database/index.js';
import {
  ADD_TO_TOTALS,
  APPEND,
  columns,
  ENTRIES,
  NEXT_SLOT,
  RECOUNT,
  RECOUNT_SLOTS,
  toEntry,
  type EntryRow,
} from './entry-statements.js';

/** Entries of one statement. */
const BATCH = 500;
/** Limit for a report (ms), and how much memory it may take. */
const REPORT_MS = 30_000;
const REPORT_MEMORY = '64MB';
/** Limit for a statement that makes the sums of a day anew (ms). */
const RECOUNT_MS = 60_000;
const NEWEST = `SELECT max(at) AS at FROM usage_entry WHERE at <= coalesce($1::timestamptz, 'infinity')`;
const SUMS = ['calls', 'errors', 'unpriced', ...TOKEN_KINDS, 'cost', 'latency'] as const;
// Sums of `bigint` are `numeric`, which takes twice the time, and is not summed up by several processes.
const SUM_COLUMNS = SUMS.map((name) => `coalesce(sum(${name}::float8), 0) AS ${name}`).join(', ');

/** Days that a query tells apart; later calls count for the last one. */
const MAX_DAYS = 36_525;
const localTime = (slot: string): string =>
  `to_timestamp(${slot}::bigint * ${SLOT_MS / 1000}) AT TIME ZONE $1`;

/**
 * The days of a zone that calls are of, by the slots in which they begin. To look up the slot of a cell among
 * them takes half the time of making a date of it.
 */
const daysOf = (period: string): string => `
days AS MATERIALIZED (
  SELECT min(day)::date AS first,
    array_agg(ceil(extract(epoch FROM day AT TIME ZONE $1) / ${SLOT_MS / 1000})::int ORDER BY day) AS starts
  FROM (SELECT ${localTime('min(slot)')} AS first, ${localTime('max(slot)')} AS last
        FROM usage_total WHERE ${period}) AS calls,
    generate_series(date_trunc('day', calls.first), least(calls.last, calls.first + interval '${MAX_DAYS} days'),
                    interval '1 day') AS day)`;

const dayName = (number: string): string =>
  `to_char((SELECT first FROM days) + (${number} - 1), 'YYYY-MM-DD')`;

/** The value of each group of a query; a day by its number. */
const GROUP_VALUES = {
  day: 'width_bucket(slot, (SELECT starts FROM days))',
  model: 'model',
  provider: 'provider',
  key: 'key_id',
  conversation: 'conversation',
  usage_id: 'usage_id',
  tag: 'tags ->> $2',
};

/** The ledger of all servers of a database. */
export class PostgresUsageLedger extends UsageLedger {
  constructor(private readonly database: Database) {
    super();
  }

  async append(entries: readonly UsageEntry[]): Promise<number> {
    let added = 0;
    for (let at = 0; at < entries.length; at += BATCH) {
      const values = columns(entries.slice(at, at + BATCH));
      // What was stored before the connection was lost is not stored again, and so not added again.
      const { rows } = await this.database.read<{ added: number }>(`${APPEND} ${ADD_TO_TOTALS}`, values);
      added += rows[0]?.added ?? 0;
    }
    return added;
  }

  async report(query: UsageQuery): Promise<UsageReport> {
    const rows = await this.database.transaction(async (transaction) => {
      // A year of a million calls has many groups: sorting their calls on the disk takes longer.
      await transaction.script(`SET LOCAL work_mem = '${REPORT_MEMORY}'`);
      const { text, values } = statementOf(query);
      return (await transaction.query<Row>(text, values)).rows;
    }, REPORT_MS);
    const found = rows.filter(({ is_total }) => !is_total).map((row) => toGroup(row, query.by.length));
    const total = rows.find(({ is_total }) => is_total);
    const isEmpty = (total?.calls ?? 0) === 0;
    return {
      groups: isEmpty ? [] : found.slice(0, query.limit),
      total: total ? totalsOf(total) : noUsage(),
      isTruncated: found.length > query.limit,
    };
  }

  async newest(upTo?: number): Promise<number | undefined> {
    const latest = upTo === undefined ? null : new Date(upTo);
    const { rows } = await this.database.read<{ at: Date | null }>(NEWEST, [latest]);
    return rows[0]?.at?.getTime();
  }

  async recount(): Promise<void> {
    for (let from = 0; ;) {
      const { rows } = await this.database.read<{ slot: number | null }>(NEXT_SLOT, [from]);
      const slot = rows[0]?.slot ?? null;
      if (slot === null) return;
      const end = slot + RECOUNT_SLOTS;
      await this.database.transaction(async (transaction) => {
        await transaction.query(RECOUNT.lock);
        await transaction.query(RECOUNT.remove, [slot, end]);
        await transaction.query(RECOUNT.add, [slot, end]);
      }, RECOUNT_MS);
      from = end;
    }
  }

  async *entries(): AsyncGenerator<UsageEntry[]> {
    let after: [string, string] = ['-infinity', ''];
    for (;;) {
      const { rows } = await this.database.read<EntryRow>(ENTRIES, [...after, BATCH]);
      const last = rows.at(-1);
      if (!last) return;
      yield rows.map(toEntry);
      after = [last.at_text, last.id];
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

type Row = { is_total: boolean } & Record<`g${number}`, string | null> &
  Record<(typeof SUMS)[number], number>;

/** Without groups there is one: all. The row `is_total` is also of the groups that are left out. */
function statementOf(query: UsageQuery): { text: string; values: unknown[] } {
  const { period, where, values } = conditionsOf(query);
  const names = query.by.map((_name, index) => `g${index}`);
  const groups = query.by.map((name, index) => `${GROUP_VALUES[name]} AS g${index}`);
  const shown = query.by.map((name, index) =>
    name === 'day' ? `${dayName(`g${index}`)} AS g${index}` : `g${index}`,
  );
  const text = `WITH ${query.by.includes('day') ? `${daysOf(period)},` : ''}
    grouped AS (
      SELECT ${[...groups, SUM_COLUMNS].join(', ')} FROM usage_total
      WHERE ${where} ${names.length > 0 ? `GROUP BY ${names.join(', ')}` : ''})
    (SELECT false AS is_total, ${[...shown, ...SUMS].join(', ')} FROM grouped
     ORDER BY cost DESC, calls DESC LIMIT ${Math.floor(query.limit) + 1})
    UNION ALL
    SELECT true, ${[...names.map(() => 'NULL'), SUM_COLUMNS].join(', ')} FROM grouped`;
  return { text, values: [query.timeZone, query.tag ?? '', ...values] };
}

/** The conditions of a query, and of these the ones on time. `$1` is the time zone, and `$2` the tag. */
function conditionsOf(query: UsageQuery): { period: string; where: string; values: unknown[] } {
  // Both are used, so that they have a type.
  const conditions = ['$1::text IS NOT NULL', '$2::text IS NOT NULL'];
  const values: unknown[] = [];
  const add = (condition: string, value: unknown): void => {
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length + 2}`));
  };
  if (query.from !== undefined) add('slot >= ?::int', slotOf(query.from));
  if (query.before !== undefined) add('slot < ?::int', Math.ceil(query.before / SLOT_MS));
  const period = conditions.join(' AND ');
  if (query.keyId !== undefined) add('key_id IS NOT DISTINCT FROM ?::text', query.keyId);
  if (query.conversationId !== undefined) add('conversation = ?::text', query.conversationId);
  if (query.model !== undefined) add('model = ?::text', query.model);
  if (query.provider !== undefined) add('provider = ?::text', query.provider);
  if (query.usageId !== undefined) add('usage_id = ?::text', query.usageId);
  return { period, where: conditions.join(' AND '), values };
}

function toGroup(row: Row, length: number): UsageGroup {
  const values = Array.from({ length }, (_, index) => row[`g${index}`] ?? null);
  return { values, ...totalsOf(row) };
}

function totalsOf(row: Row): UsageTotals {
  const sums = noUsage();
  for (const name of SUMS) sums[name] = row[name];
  return sums;
}
