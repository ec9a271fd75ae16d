import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { sqlState, type Database, type Queryable, type Transaction } from '../database/index.js';
import type { Migration } from './migration.js';
import { MIGRATIONS } from './migrations.js';

/** The schema of the database cannot be used by this server, and it cannot change that. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

interface Applied {
  version: number;
  compatible_from: number;
}

/** Advisory locks are of the whole database: this number and one of the schema (`OHmi` in ASCII). */
const LOCK = 0x4f486d69;
/** For one migration, and for the wait for another server that migrates (ms). */
const TIMEOUT_MS = 3_600_000;

/**
 * Brings the schema up to date. Servers that start together do it one after another. Each migration is a
 * transaction of its own: one that waits for a table holds no other, for which running servers would wait. If
 * nothing is to be done, the role needs no right to create tables.
 * @throws SchemaError if the database is newer than this server can use, or its role may not change it
 */
export async function migrate(database: Database, known: readonly Migration[] = MIGRATIONS): Promise<void> {
  await checkServer(database);
  try {
    while ((await missing(database, known)).length > 0)
      await database.transaction((transaction) => applyNext(transaction, known), TIMEOUT_MS);
  } catch (error) {
    throw toSchemaError(error);
  }
}

async function applyNext(transaction: Transaction, known: readonly Migration[]): Promise<void> {
  await transaction.query(`SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))`, [LOCK]);
  // Its own statement: `CREATE TABLE IF NOT EXISTS` needs the right to create even if the table exists.
  if (!(await hasTable(transaction))) await transaction.query(TABLE);
  // Another server may have been first.
  const [next] = await missing(transaction, known);
  if (!next) return;
  const { version, name, compatibleFrom, sql } = next;
  await transaction.script(sql);
  await transaction.query(
    `INSERT INTO schema_migration (version, name, compatible_from) VALUES ($1, $2, $3)`,
    [version, name, compatibleFrom],
  );
  new Logger('Database').log(`Schema of the database: applied ${version} (${name})`);
}

const TABLE = `
  CREATE TABLE schema_migration (
    version int PRIMARY KEY,
    name text NOT NULL,
    compatible_from int NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** The migrations that are not applied yet. @throws SchemaError if the database is too new */
async function missing(database: Queryable, known: readonly Migration[]): Promise<Migration[]> {
  if (!(await hasTable(database))) return [...known];
  const { rows } = await database.query<Applied>('SELECT version, compatible_from FROM schema_migration');
  const latest = Math.max(0, ...known.map(({ version }) => version));
  const needed = Math.max(0, ...rows.map((row) => row.compatible_from));
  if (needed > latest) {
    const found = Math.max(...rows.map(({ version }) => version));
    throw new SchemaError(
      `The schema of the database has version ${found} and needs a server that knows version ${needed} or later; ` +
        `this one knows ${latest}. Start a newer version of the server`,
    );
  }
  const applied = new Set(rows.map(({ version }) => version));
  return known.filter(({ version }) => !applied.has(version));
}

/** A query of the catalogue: `to_regclass` may miss a table that another server has just made. */
async function hasTable(database: Queryable): Promise<boolean> {
  const { rowCount } = await database.query(
    `SELECT FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migration'`,
  );
  return rowCount > 0;
}

interface ServerFacts {
  version: number;
  encoding: string;
  schema: string | null;
}

const OLDEST_SERVER = 15;

/** @throws SchemaError for a server that the statements of this driver do not suit */
async function checkServer(database: Database): Promise<void> {
  const { rows } = await database.read<ServerFacts>(
    `SELECT current_setting('server_version_num')::int / 10000 AS version,
       current_setting('server_encoding') AS encoding, current_schema() AS schema`,
    [],
    // Machines that start together: the database may be later.
    'wait',
  );
  const [facts] = rows;
  if (!facts) return;
  if (facts.version < OLDEST_SERVER) {
    throw new SchemaError(
      `PostgreSQL ${OLDEST_SERVER} or later is needed; the database is version ${facts.version}`,
    );
  }
  if (facts.encoding !== 'UTF8') {
    throw new SchemaError(`The encoding of the database has to be UTF8; it is ${facts.encoding}`);
  }
  if (facts.schema === null) {
    throw new SchemaError('No schema of the search_path exists in the database. Create it first');
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

function toSchemaError(error: unknown): unknown {
  if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) return error;
  return new SchemaError(
    `The role of database_url may not read the tables of the database, or not change its schema where that is needed (${errorMessage(error)}). ` +
      'Start one server with a role that owns the schema, and give this one SELECT, INSERT, UPDATE, DELETE on all tables and USAGE on all sequences',
  );
}
