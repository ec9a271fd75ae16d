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
  RECOUNT,
  toEntry,
  type EntryRow,
} from './entry-statements.js';

/** Entries of one statement. */
const BATCH = 500;
const NEWEST = 'SELECT max(at) AS at FROM usage_entry';
const SUMS = ['calls', 'errors', 'unpriced', ...TOKEN_KINDS, 'cost', 'latency'] as const;
const SUM_COLUMNS = SUMS.map((name) => `coalesce(sum(${name}), 0)::float8 AS ${name}`).join(', ');

/** The value of each group of a query. */
const GROUP_VALUES = {
  day: `to_char(to_timestamp(slot::bigint * ${SLOT_MS / 1000}) AT TIME ZONE $1, 'YYYY-MM-DD')`,
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
    const { where, values } = conditionsOf(query);
    const groups = query.by.map((name, index) => `${GROUP_VALUES[name]} AS g${index}`);
    const names = query.by.map((_name, index) => `g${index}`);
    // Without groups there is one: all. `total` is of what is left out, too.
    const { rows } = await this.database.read<Row>(
      `WITH grouped AS (
         SELECT ${[...groups, SUM_COLUMNS].join(', ')} FROM usage_total
         WHERE ${where} ${names.length > 0 ? `GROUP BY ${names.join(', ')}` : ''})
       (SELECT false AS is_total, ${[...names, ...SUMS].join(', ')} FROM grouped
        ORDER BY cost DESC, calls DESC LIMIT ${Math.floor(query.limit) + 1})
       UNION ALL
       SELECT true, ${[...names.map(() => 'NULL'), SUM_COLUMNS].join(', ')} FROM grouped`,
      [query.timeZone, query.tag ?? '', ...values],
    );
    const found = rows.filter(({ is_total }) => !is_total).map((row) => toGroup(row, query.by.length));
    const total = rows.find(({ is_total }) => is_total);
    const isEmpty = (total?.calls ?? 0) === 0;
    return {
      groups: isEmpty ? [] : found.slice(0, query.limit),
      total: total ? totalsOf(total) : noUsage(),
      isTruncated: found.length > query.limit,
    };
  }

  async newest(): Promise<number | undefined> {
    const { rows } = await this.database.read<{ at: Date | null }>(NEWEST);
    return rows[0]?.at?.getTime();
  }

  async recount(): Promise<void> {
    await this.database.transaction(async (transaction) => {
      for (const statement of RECOUNT) await transaction.query(statement);
    });
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

/** `$1` is the time zone, and `$2` the tag. */
function conditionsOf(query: UsageQuery): { where: string; values: unknown[] } {
  // Both are used, so that they have a type.
  const conditions = ['$1::text IS NOT NULL', '$2::text IS NOT NULL'];
  const values: unknown[] = [];
  const add = (condition: string, value: unknown): void => {
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length + 2}`));
  };
  if (query.from !== undefined) add('slot >= ?::int', slotOf(query.from));
  if (query.before !== undefined) add('slot < ?::int', Math.ceil(query.before / SLOT_MS));
  if (query.keyId !== undefined) add('key_id IS NOT DISTINCT FROM ?::text', query.keyId);
  if (query.conversationId !== undefined) add('conversation = ?::text', query.conversationId);
  if (query.model !== undefined) add('model = ?::text', query.model);
  if (query.provider !== undefined) add('provider = ?::text', query.provider);
  if (query.usageId !== undefined) add('usage_id = ?::text', query.usageId);
  return { where: conditions.join(' AND '), values };
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
