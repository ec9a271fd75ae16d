import { toUsageEntry } from '../../usage-entry.js';
import { SLOT_MS, TOKEN_KINDS, type UsageEntry } from '../../usage-ledger.js';

/** The columns of an entry with their types. */
const COLUMNS = {
  id: 'text',
  at: 'timestamptz',
  conversation: 'text',
  run: 'text',
  key_id: 'text',
  model: 'text',
  provider: 'text',
  usage_id: 'text',
  tags: 'jsonb',
  prompt_tokens: 'bigint',
  completion_tokens: 'bigint',
  cache_read_tokens: 'bigint',
  cache_write_tokens: 'bigint',
  reasoning_tokens: 'bigint',
  cost: 'float8',
  latency: 'float8',
  error: 'text',
};
const NAMES = Object.keys(COLUMNS).join(', ');
const ARRAYS = Object.values(COLUMNS).map((type, index) => `$${index + 1}::${type}[]`);
const DIMENSIONS = ['conversation', 'key_id', 'model', 'provider', 'usage_id', 'tags'];
const SUMS = ['calls', 'errors', 'unpriced', ...TOKEN_KINDS, 'cost', 'latency'];

/** Appends those entries that are not there yet, as `new`. */
export const APPEND = `
WITH new AS (
  INSERT INTO usage_entry (${NAMES})
  SELECT * FROM unnest(${ARRAYS.join(', ')}) AS given (${NAMES}) ORDER BY id
  ON CONFLICT (id) DO NOTHING
  RETURNING *),`;

/** Adds them to the sums in the same statement, and answers how many they are. */
export const ADD_TO_TOTALS = `
sums AS (
  SELECT floor(extract(epoch FROM at) / ${SLOT_MS / 1000})::int AS slot,
    md5(jsonb_build_array(${DIMENSIONS.join(', ')})::text)::uuid AS cell, ${DIMENSIONS.join(', ')},
    count(*) AS calls, count(error) AS errors, count(*) FILTER (WHERE error IS NULL AND cost IS NULL) AS unpriced,
    ${TOKEN_KINDS.map((kind) => `sum(${kind})::bigint AS ${kind}`).join(', ')},
    coalesce(sum(cost), 0) AS cost, coalesce(sum(latency), 0) AS latency
  FROM new GROUP BY slot, ${DIMENSIONS.join(', ')}),
added AS (
  INSERT INTO usage_total AS total (slot, cell, ${[...DIMENSIONS, ...SUMS].join(', ')})
  SELECT slot, cell, ${[...DIMENSIONS, ...SUMS].join(', ')} FROM sums
  -- One order on all servers: none waits for another in a circle.
  ORDER BY slot, cell
  ON CONFLICT (slot, cell) DO UPDATE SET ${SUMS.map((sum) => `${sum} = total.${sum} + excluded.${sum}`).join(', ')})
SELECT count(*)::int AS added FROM new`;

/** The sums that are made anew at a time: servers wait that long to add entries. */
export const RECOUNT_SLOTS = 96;

/** The first slot from `$1` on that has sums or entries; null: there is none. */
export const NEXT_SLOT = `
SELECT least(
  (SELECT min(slot) FROM usage_total WHERE slot >= $1::int),
  (SELECT floor(extract(epoch FROM min(at)) / ${SLOT_MS / 1000})::int FROM usage_entry
   WHERE at >= to_timestamp($1::bigint * ${SLOT_MS / 1000}))) AS slot`;

/** Makes the sums of some slots anew, from `$1` on and before `$2`. Nobody adds entries meanwhile. */
export const RECOUNT = {
  lock: 'LOCK TABLE usage_entry IN SHARE MODE',
  remove: 'DELETE FROM usage_total WHERE slot >= $1::int AND slot < $2::int',
  add: `
WITH new AS (
  SELECT * FROM usage_entry
  WHERE at >= to_timestamp($1::bigint * ${SLOT_MS / 1000}) AND at < to_timestamp($2::bigint * ${SLOT_MS / 1000})),
${ADD_TO_TOTALS}`,
};

/** A batch of entries behind a time and an id. */
export const ENTRIES = `
SELECT ${NAMES}, at::text AS at_text FROM usage_entry
WHERE (at, id) > ($1::timestamptz, $2::text)
ORDER BY at, id LIMIT $3`;

/** A row of `ENTRIES`. */
export interface EntryRow extends Record<string, unknown> {
  id: string;
  at: Date;
  at_text: string;
}

/** The entry of a row. */
export function toEntry(row: EntryRow): UsageEntry {
  const numbers = TOKEN_KINDS.map((kind) => [kind, Number(row[kind])]);
  const entry = toUsageEntry({
    ...row,
    ...Object.fromEntries(numbers),
    time: row.at.toISOString(),
    conversation_id: row['conversation'],
    run_id: row['run'],
  });
  if (!entry) throw new TypeError(`the entry ${row.id} of the usage ledger has no model`);
  return entry;
}

/** The values of `APPEND`: an array a column. */
export function columns(entries: readonly UsageEntry[]): unknown[] {
  return [
    entries.map(({ id }) => id),
    entries.map(({ time }) => time),
    entries.map(({ conversation_id }) => conversation_id),
    entries.map(({ run_id }) => run_id),
    entries.map(({ key_id }) => key_id),
    entries.map(({ model }) => model),
    entries.map(({ provider }) => provider),
    entries.map(({ usage_id }) => usage_id),
    entries.map(({ tags }) => JSON.stringify(tags)),
    ...TOKEN_KINDS.map((kind) => entries.map((entry) => entry[kind])),
    entries.map(({ cost }) => cost),
    entries.map(({ latency }) => latency),
    entries.map(({ error }) => error),
  ];
}
