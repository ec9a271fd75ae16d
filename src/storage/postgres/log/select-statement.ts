import type { EntryFilter, LogRange } from '../../event-log.js';

/** A statement with its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** The events `from` up to, not including, `to`. */
export interface Span {
  from: number;
  to: number;
}

/** The columns of a `KnownEntry`. The length of a line is known without reading a long one. */
export const ENTRY_COLUMNS = 'e.seq, e.id, e.kind, e.source, e.timestamp, octet_length(e.line) AS bytes';

/** The part of a log that a search covers. */
export function spanOf(range: LogRange, length: number): Span {
  const end = Math.min(range.length, length);
  return range.descending
    ? { from: 0, to: Math.min(range.from + 1, end) }
    : { from: Math.max(range.from, 0), to: end };
}

/** Collects values and names their places. */
class Values {
  readonly list: unknown[] = [];
  /** The place of a value, such as `$2`. */
  place(value: unknown): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

/** The matching events of a span, in the order of the search. */
export function selectStatement(
  conversationId: string,
  filter: EntryFilter,
  span: Span,
  { descending, limit }: LogRange,
): Statement {
  const values = new Values();
  const conversation = values.place(conversationId);
  const order = `ORDER BY e.seq ${descending ? 'DESC' : 'ASC'} LIMIT ${values.place(limit)}`;
  const events = `
    SELECT ${ENTRY_COLUMNS} FROM event e
    WHERE e.conversation = ${conversation} AND ${spanCondition(values, span)} ${timeConditions(values, filter)}`;
  const text = isByLabel(filter)
    ? `${labels(values, conversation, filter)}
       SELECT e.* FROM label, LATERAL (
         ${events} AND e.kind = label.kind AND e.source = label.source ${order}
       ) e ${order}`
    : `${events} ${labelConditions(values, 'e', filter)} ${order}`;
  return { text, values: values.list };
}

/** How many events of a span match. */
export function countStatement(conversationId: string, filter: EntryFilter, span: Span): Statement {
  const values = new Values();
  const conversation = values.place(conversationId);
  const events = `
    SELECT count(*) AS count FROM event e
    WHERE e.conversation = ${conversation} AND ${spanCondition(values, span)} ${timeConditions(values, filter)}`;
  const text = isByLabel(filter)
    ? `${labels(values, conversation, filter)}
       SELECT coalesce(sum(e.count), 0)::bigint AS count FROM label, LATERAL (
         ${events} AND e.kind = label.kind AND e.source = label.source
       ) e`
    : `${events} ${labelConditions(values, 'e', filter)}`;
  return { text, values: values.list };
}

/** Matches may be rare: they are found by the index of kinds and sources, not in the order of the log. */
function isByLabel({ kind, source }: EntryFilter): boolean {
  return kind !== undefined || source !== undefined;
}

/**
 * The kinds and sources of a conversation that match, a few dozen at most: each is found in the index behind
 * the one before (a loose index scan, which PostgreSQL has no plan for).
 */
function labels(values: Values, conversation: string, filter: EntryFilter): string {
  const columns = (condition: string) => `
    SELECT n.kind, n.source FROM event n WHERE n.conversation = ${conversation} ${condition}
    ORDER BY n.kind, n.source LIMIT 1`;
  return `
    WITH RECURSIVE every(kind, source) AS (
      (${columns('')})
      UNION ALL
      SELECT next.kind, next.source FROM every, LATERAL (
        ${columns('AND (n.kind, n.source) > (every.kind, every.source)')}
      ) next
    ), label AS MATERIALIZED (
      SELECT kind, source FROM every WHERE true ${labelConditions(values, 'every', filter)}
    )`;
}

function labelConditions(values: Values, table: string, { kind, notKind, source }: EntryFilter): string {
  return [
    kind === undefined ? '' : `AND ${table}.kind = ${values.place(kind)}`,
    notKind === undefined ? '' : `AND ${table}.kind <> ${values.place(notKind)}`,
    source === undefined ? '' : `AND ${table}.source = ${values.place(source)}`,
  ].join(' ');
}

function spanCondition(values: Values, { from, to }: Span): string {
  return `e.seq >= ${values.place(from)} AND e.seq < ${values.place(to)}`;
}

function timeConditions(values: Values, { timestampGte, timestampLt }: EntryFilter): string {
  return [
    timestampGte === undefined ? '' : `AND e.timestamp >= ${values.place(timestampGte)}`,
    timestampLt === undefined ? '' : `AND e.timestamp < ${values.place(timestampLt)}`,
  ].join(' ');
}

/** What `TIME_POSITIONS` answers for each timestamp. */
export interface TimePosition {
  value: string;
  /** The first event at which the log has reached it. */
  seq: number;
  /** The last event with a timestamp below the upper limit before which the clock was set back, if any. */
  last_below: number | null;
  /** The clock was never set back: the events before `seq` are below the timestamp, all others are not. */
  is_steady: boolean;
}

/**
 * Where the timestamps of a log reach the given ones. The highest timestamp so far (`high`, or that of the
 * event) never falls, so that a binary search finds it. `$2` is the length of the log, `$3` the
 * timestamps, `$4` the upper limit.
 */
export const TIME_POSITIONS = `
  WITH RECURSIVE search(value, low, high) AS (
    SELECT value, 0::bigint, $2::bigint FROM unnest($3::text[]) AS value
    UNION ALL
    SELECT s.value, CASE WHEN m.reached THEN s.low ELSE s.middle + 1 END,
      CASE WHEN m.reached THEN s.middle ELSE s.high END
    FROM (SELECT value, low, high, (low + high) / 2 AS middle FROM search WHERE low < high) s,
      LATERAL (
        SELECT coalesce(e.high, e.timestamp) >= s.value COLLATE "C" AS reached FROM event e
        WHERE e.conversation = $1 AND e.seq = s.middle
      ) m
  )
  SELECT value, low AS seq, (
    SELECT max(e.seq) FROM event e
    WHERE e.conversation = $1 AND e.seq < $2 AND e.high IS NOT NULL AND e.timestamp < $4::text
  ) AS last_below, NOT EXISTS (
    SELECT FROM event e WHERE e.conversation = $1 AND e.seq < $2 AND e.high IS NOT NULL
  ) AS is_steady
  FROM search WHERE low = high`;
