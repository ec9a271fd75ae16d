import { asJsonObject, type JsonObject, tryParseJson } from '../../../json/index.js';
import {
  type AutomationChange,
  type AutomationDecision,
  type AutomationIdentity,
  AutomationStore,
  type AutomationView,
  identityOf,
  isOpenRun,
  KEPT_RUNS,
  OPEN_RUN_STATUSES,
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
const OPEN = `status IN (${OPEN_RUN_STATUSES.map((status) => `'${status}'`).join(', ')})`;
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
const OVER = `is_deleted AND NOT EXISTS (
  SELECT FROM automation_run WHERE automation_run.automation = automation.id AND ${OPEN})`;
const REMOVE_RUNS_OF_OVER = `DELETE FROM automation_run WHERE automation IN (SELECT id FROM automation WHERE ${OVER})`;
const REMOVE_OVER = `DELETE FROM automation WHERE ${OVER}`;
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
  /** What never changes of those that are not deleted. */
  private identities = new Map<string, AutomationIdentity>();

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
    find: (others: readonly AutomationIdentity[]) => string | undefined,
  ): Promise<{ automation: StoredAutomation; created: boolean }> {
    return this.database.transaction(async (transaction) => {
      await transaction.query(LOCK_CREATIONS);
      // What an older server has left of deleted ones.
      await transaction.query(REMOVE_RUNS_OF_OVER);
      await transaction.query(REMOVE_OVER);
      const found = find(await this.identitiesIn(transaction));
      const [known] = found === undefined ? [] : await rowsIn(transaction, [found]);
      if (known) return { automation: toAutomation(known), created: false };
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
      const open = found.filter(isOpenRun);
      const runs = new Map(found.filter((run) => runIds.includes(run.id)).map((run) => [run.id, run]));
      const { change, result } = work({ ...toAutomation(row), open, runs });
      if (change) await write(transaction, id, change);
      if (row.is_deleted || change?.is_deleted) await removeIfOver(transaction, id);
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

  /** Of all that are not deleted: only those that are new here are read. */
  private async identitiesIn(transaction: Transaction): Promise<AutomationIdentity[]> {
    const { rows } = await transaction.query<{ id: string }>(LIVE);
    const added = rows.filter(({ id }) => !this.identities.has(id)).map(({ id }) => id);
    const read = (await rowsIn(transaction, added)).map(toAutomation);
    const fresh = new Map(read.map(({ id, definition }) => [id, identityOf(id, definition)]));
    const all = rows.flatMap(({ id }) => this.identities.get(id) ?? fresh.get(id) ?? []);
    this.identities = new Map(all.map((one) => [one.id, one]));
    return all;
  }

  async openRuns(): Promise<StoredRun[]> {
    const { rows } = await this.database.read<RunRow>(
      `SELECT content FROM automation_run WHERE ${OPEN} ORDER BY seq`,
    );
    return rows.map(toRun);
  }
}

/** With the transaction's own connection: a read outside could wait for this one. */
async function rowsIn(transaction: Transaction, ids: readonly string[]): Promise<AutomationRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await transaction.query<AutomationRow>(
    `SELECT ${COLUMNS} FROM automation WHERE id = ANY($1)`,
    [ids],
  );
  return rows;
}

/** Removes a deleted automation of which nothing goes on. */
async function removeIfOver(transaction: Transaction, id: string): Promise<void> {
  if ((await runsIn(transaction, id, [])).length > 0) return;
  await transaction.query('DELETE FROM automation_run WHERE automation = $1', [id]);
  await transaction.query('DELETE FROM automation WHERE id = $1', [id]);
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
