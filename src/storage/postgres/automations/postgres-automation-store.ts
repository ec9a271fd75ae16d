import { asJsonObject, type JsonObject, tryParseJson } from '../../../json/index.js';
import {
  type AutomationChange,
  type AutomationDecision,
  AutomationStore,
  type AutomationView,
  KEPT_RUNS,
  type RunPage,
  type StoredAutomation,
  type StoredRun,
} from '../../automation-store.js';
import type { Database, Transaction } from '../database/index.js';

/** One creation at a time: each looks at the others. The number is that of the lock. */
const LOCK_CREATIONS = 'SELECT pg_advisory_xact_lock(7246010)';
const LIVE = 'SELECT id, version::text FROM automation WHERE NOT is_deleted';
const COLUMNS = 'id, version::text, is_deleted, definition, state';
const INSERT = 'INSERT INTO automation (id, definition, state) VALUES ($1, $2, $3)';
const UPDATE = `
  UPDATE automation SET version = version + 1, definition = coalesce($2, definition), state = coalesce($3, state),
    is_deleted = is_deleted OR $4
  WHERE id = $1`;
const OPEN = `status IN ('PENDING', 'RUNNING')`;
const PUT_RUNS = `
  INSERT INTO automation_run (id, automation, status, content)
  SELECT given.id, $1, given.status, given.content
  FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS given (id, status, content, place)
  ORDER BY given.place
  ON CONFLICT (id) DO UPDATE SET status = excluded.status, content = excluded.content`;
/** Looked for at every hundredth run: a few more than are kept do no harm. */
const FORGET = `
  WITH old AS (
    DELETE FROM automation_run WHERE automation = $1 AND NOT ${OPEN} AND seq <= (
      SELECT seq FROM automation_run WHERE automation = $1 ORDER BY seq DESC OFFSET ${KEPT_RUNS} LIMIT 1)
    RETURNING status),
  counted AS (SELECT status, count(*) AS runs FROM old GROUP BY status)
  UPDATE automation SET forgotten = forgotten || coalesce(
    (SELECT jsonb_object_agg(status, runs + coalesce((forgotten ->> status)::bigint, 0)) FROM counted), '{}')
  WHERE id = $1`;
const COUNTS = `
  SELECT status, sum(runs)::float8 AS runs FROM (
    SELECT status, count(*) AS runs FROM automation_run WHERE automation = $1 GROUP BY status
    UNION ALL
    SELECT key, value::text::bigint FROM automation, jsonb_each(forgotten) WHERE id = $1) AS all_runs
  GROUP BY status`;

interface AutomationRow extends Record<string, unknown> {
  id: string;
  version: string;
  is_deleted: boolean;
  definition: string;
  state: string;
}

interface RunRow extends Record<string, unknown> {
  content: string;
}

/** The automations of all servers of a database. */
export class PostgresAutomationStore extends AutomationStore {
  /** What was read last, by id: only what has another version is read again. */
  private known = new Map<string, { version: string; automation: StoredAutomation }>();

  constructor(private readonly database: Database) {
    super();
  }

  async list(): Promise<StoredAutomation[]> {
    const { rows } = await this.database.read<{ id: string; version: string }>(LIVE);
    const changed = rows.filter(({ id, version }) => this.known.get(id)?.version !== version);
    const { rows: read } =
      changed.length === 0
        ? { rows: [] }
        : await this.database.read<AutomationRow>(`SELECT ${COLUMNS} FROM automation WHERE id = ANY($1)`, [
            changed.map(({ id }) => id),
          ]);
    const fresh = new Map(
      read.map((row) => [row.id, { version: row.version, automation: toAutomation(row) }]),
    );
    const all = rows
      .map(({ id }) => fresh.get(id) ?? this.known.get(id))
      .filter((each) => each !== undefined);
    this.known = new Map(all.map((each) => [each.automation.id, each]));
    return all.map(({ automation }) => automation).filter(({ is_deleted }) => !is_deleted);
  }

  async get(id: string): Promise<StoredAutomation | undefined> {
    const { rows } = await this.database.read<AutomationRow>(
      `SELECT ${COLUMNS} FROM automation WHERE id = $1 AND NOT is_deleted`,
      [id],
    );
    return rows[0] && toAutomation(rows[0]);
  }

  async create(
    added: { id: string; definition: JsonObject; state: JsonObject },
    find: (others: readonly StoredAutomation[]) => StoredAutomation | undefined,
  ): Promise<{ automation: StoredAutomation; created: boolean }> {
    return this.database.transaction(async (transaction) => {
      await transaction.query(LOCK_CREATIONS);
      // With the transaction's own connection: a read outside could wait for this one.
      const { rows } = await transaction.query<AutomationRow>(
        `SELECT ${COLUMNS} FROM automation WHERE NOT is_deleted`,
      );
      const found = find(rows.map(toAutomation));
      if (found) return { automation: found, created: false };
      const { id, definition, state } = added;
      await transaction.query(INSERT, [id, JSON.stringify(definition), JSON.stringify(state)]);
      return { automation: { ...added, is_deleted: false }, created: true };
    });
  }

  change<T>(
    id: string,
    runIds: readonly string[],
    work: (view: AutomationView) => AutomationDecision<T>,
  ): Promise<T | undefined> {
    return this.database.transaction(async (transaction) => {
      const { rows } = await transaction.query<AutomationRow>(
        `SELECT ${COLUMNS} FROM automation WHERE id = $1 FOR UPDATE`,
        [id],
      );
      const [row] = rows;
      if (!row) return undefined;
      const found = await runsIn(transaction, id, runIds);
      const open = found.filter(({ status }) => status === 'PENDING' || status === 'RUNNING');
      const runs = new Map(found.filter((run) => runIds.includes(run.id)).map((run) => [run.id, run]));
      const { change, result } = work({ ...toAutomation(row), open, runs });
      if (change) await write(transaction, id, change);
      return result;
    });
  }

  async runs(id: string, offset: number, limit: number): Promise<RunPage | undefined> {
    const [automation, page, counted] = await Promise.all([
      this.database.read('SELECT 1 FROM automation WHERE id = $1', [id]),
      this.database.read<RunRow>(
        `SELECT content FROM automation_run WHERE automation = $1 ORDER BY seq DESC OFFSET $2 LIMIT $3`,
        [id, offset, limit],
      ),
      this.database.read<{ status: string; runs: number }>(COUNTS, [id]),
    ]);
    if (automation.rows.length === 0) return undefined;
    const counts = Object.fromEntries(counted.rows.map(({ status, runs }) => [status, runs]));
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { runs: page.rows.map(toRun), total, counts };
  }

  async run(id: string): Promise<StoredRun | undefined> {
    const { rows } = await this.database.read<RunRow>('SELECT content FROM automation_run WHERE id = $1', [
      id,
    ]);
    return rows[0] && toRun(rows[0]);
  }

  async openRuns(): Promise<StoredRun[]> {
    const { rows } = await this.database.read<RunRow>(
      `SELECT content FROM automation_run WHERE ${OPEN} ORDER BY seq`,
    );
    return rows.map(toRun);
  }
}

async function runsIn(transaction: Transaction, id: string, runIds: readonly string[]): Promise<StoredRun[]> {
  const { rows } = await transaction.query<RunRow>(
    `SELECT content FROM automation_run WHERE automation = $1 AND (${OPEN} OR id = ANY($2)) ORDER BY seq`,
    [id, runIds],
  );
  return rows.map(toRun);
}

async function write(transaction: Transaction, id: string, change: AutomationChange): Promise<void> {
  const { definition, state, is_deleted: isDeleted = false, runs = [] } = change;
  if (definition || state || isDeleted)
    await transaction.query(UPDATE, [id, textOf(definition), textOf(state), isDeleted]);
  if (runs.length === 0) return;
  await transaction.query(PUT_RUNS, [
    id,
    runs.map((run) => run.id),
    runs.map(({ status }) => status),
    runs.map((run) => JSON.stringify(run)),
  ]);
  if (Math.random() < 0.01 * runs.length) await transaction.query(FORGET, [id]);
}

function textOf(value: JsonObject | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function toAutomation({ id, is_deleted, definition, state }: AutomationRow): StoredAutomation {
  const [set, noted] = [asJsonObject(tryParseJson(definition)), asJsonObject(tryParseJson(state))];
  return { id, is_deleted, definition: set, state: noted };
}

function toRun({ content }: RunRow): StoredRun {
  return JSON.parse(content) as StoredRun;
}
