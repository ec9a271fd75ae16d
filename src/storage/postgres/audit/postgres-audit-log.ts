import { InvalidRequestError } from '../../../errors/index.js';
import {
  AUDIT_CLASSES,
  AUDIT_SHARES,
  AuditLog,
  KEY_OPERATIONS,
  type AuditClass,
  type AuditEntry,
  type AuditLogOptions,
  type AuditOutcome,
  type AuditPage,
  type AuditQuery,
} from '../../audit-log.js';
import type { Database } from '../database/index.js';

/** An entry that the lost connection did store is left as it is. */
const APPEND = `
INSERT INTO audit_entry
  (id, at, key_id, key_name, address, operation, conversation, outcome, status, duration_ms, count)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::int[], $10::int[], $11::int[])
ON CONFLICT (id) DO NOTHING`;

const PAGE = `
SELECT number, id, at, key_id, key_name, address, operation, conversation, outcome, status, duration_ms, count
FROM audit_entry
WHERE ($1::bigint IS NULL OR number < $1)
  AND ($2::text IS NULL OR key_id = $2 OR key_name = $2)
  AND ($3::text IS NULL OR strpos(lower(operation), lower($3)) > 0)
  AND ($4::text IS NULL OR conversation = $4)
  AND ($5::text IS NULL OR outcome = $5)
  AND ($6::timestamptz IS NULL OR at >= $6)
  AND ($7::timestamptz IS NULL OR at < $7)
ORDER BY number DESC LIMIT $8`;

/** Advisory locks are of the whole database: this number and one of the schema (`OHau` in ASCII). */
const LOCK = 0x4f486175;
const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock($1, hashtext(current_schema())) AS locked';
/** What an entry takes with its indexes, about (bytes). */
const ENTRY_BYTES = 400;
/** Entries that one statement removes, at most. */
const SWEEP_ENTRIES = 5000;

const IS_REFUSED = "(outcome = 'refused' OR key_id IS NULL)";
/** The entries of a kind; `auditClassOf` says the same of one entry. */
const OF_CLASS: Readonly<Record<AuditClass, string>> = {
  keys: `NOT ${IS_REFUSED} AND operation ~ '${KEY_OPERATIONS}'`,
  refused: IS_REFUSED,
  work: `NOT ${IS_REFUSED} AND operation !~ '${KEY_OPERATIONS}'`,
};

/** Removes the oldest entries of a kind beyond the newest `$1`. */
function sweepBeyond(name: AuditClass): string {
  const own = OF_CLASS[name];
  return `
DELETE FROM audit_entry WHERE number IN (
  SELECT number FROM audit_entry WHERE ${own} AND number <= (
    SELECT number FROM audit_entry WHERE ${own} ORDER BY number DESC OFFSET $1 LIMIT 1)
  ORDER BY number LIMIT ${SWEEP_ENTRIES})`;
}

/** Removes entries that are older than `$1` days. */
const SWEEP_OLD = `
DELETE FROM audit_entry WHERE number IN (
  SELECT number FROM audit_entry WHERE at < now() - make_interval(days => $1)
  ORDER BY at LIMIT ${SWEEP_ENTRIES})`;

/** Limits of the table. */
type TableLimits = Pick<AuditLogOptions, 'maxBytes' | 'keepDays'>;

/** The audit log of all servers of a database. */
export class PostgresAuditLog extends AuditLog {
  constructor(
    private readonly database: Database,
    private readonly limits: TableLimits,
  ) {
    super();
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    // What was stored before the connection was lost is not stored again.
    await this.database.read(APPEND, columns(entries));
  }

  async page(query: AuditQuery): Promise<AuditPage> {
    const { rows } = await this.database.read<Row>(PAGE, [
      numberOf(query.pageId) ?? null,
      query.key ?? null,
      query.operation ?? null,
      query.conversationId ?? null,
      query.outcome ?? null,
      query.from ?? null,
      query.before ?? null,
      query.limit + 1,
    ]);
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    return {
      items: shown.map(toEntry),
      nextPageId: rows.length > shown.length && last ? String(last.number) : null,
    };
  }

  async sweep(): Promise<void> {
    for (const name of AUDIT_CLASSES) {
      const entries = Math.max(1, Math.floor((this.limits.maxBytes * AUDIT_SHARES[name]) / ENTRY_BYTES));
      while ((await this.sweepOnce(sweepBeyond(name), entries)) === SWEEP_ENTRIES);
    }
    while ((await this.sweepOnce(SWEEP_OLD, this.limits.keepDays)) === SWEEP_ENTRIES);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Whoever has the lock does it; the others need not. @returns how many entries were removed */
  private async sweepOnce(statement: string, limit: number): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const { rows } = await transaction.query<{ locked: boolean }>(TRY_LOCK, [LOCK]);
      return rows[0]?.locked === true ? (await transaction.query(statement, [limit])).rowCount : 0;
    });
  }
}

interface Row {
  number: number;
  id: string;
  at: Date;
  key_id: string | null;
  key_name: string | null;
  address: string | null;
  operation: string;
  conversation: string | null;
  outcome: AuditOutcome;
  status: number | null;
  duration_ms: number;
  count: number;
}

function toEntry(row: Row): AuditEntry {
  const { at, conversation, id, key_id, key_name, address, operation } = row;
  const { outcome, status, duration_ms, count } = row;
  const who = { key_id, key_name, address };
  const what = { operation, conversation_id: conversation, outcome, status, duration_ms, count };
  return { id, time: at.toISOString(), ...who, ...what };
}

function columns(entries: readonly AuditEntry[]): unknown[] {
  return [
    entries.map(({ id }) => id),
    entries.map(({ time }) => time),
    entries.map(({ key_id }) => key_id),
    entries.map(({ key_name }) => key_name),
    entries.map(({ address }) => address),
    entries.map(({ operation }) => operation),
    entries.map(({ conversation_id }) => conversation_id),
    entries.map(({ outcome }) => outcome),
    entries.map(({ status }) => status),
    entries.map(({ duration_ms }) => duration_ms),
    entries.map(({ count }) => count),
  ];
}

const NUMBER = /^\d{1,15}$/;

function numberOf(pageId: string | undefined): number | undefined {
  if (pageId === undefined) return undefined;
  if (NUMBER.test(pageId)) return Number(pageId);
  throw new InvalidRequestError(['query', 'page_id'], 'Not the next_page_id of a page', pageId);
}
