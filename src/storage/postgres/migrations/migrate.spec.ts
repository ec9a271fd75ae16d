import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { eventually } from '../../../../test/support/eventually.js';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { Database } from '../database/index.js';
import { migrate, SchemaError } from './migrate.js';
import { MIGRATIONS } from './migrations.js';

describeWithDatabase('migrate', () => {
  const database = TestDatabase.forTests();
  const opened: Database[] = [];
  const latest = Math.max(...MIGRATIONS.map(({ version }) => version));
  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  /** A connection whose schema is the given one. @param user another role, whose password is its name */
  function open(schema: string, user?: string): Database {
    const url = new URL(database.url);
    url.searchParams.set('options', `-c search_path=${schema}`);
    if (user !== undefined) [url.username, url.password] = [user, user];
    const connection = new Database({ url: url.href, caFile: null, poolSize: 4, timeoutMs: 5000 });
    opened.push(connection);
    return connection;
  }

  async function newSchema(): Promise<string> {
    const name = `s_${randomBytes(6).toString('hex')}`;
    await database.query(`CREATE SCHEMA ${name}`);
    return name;
  }

  it('applies each migration once when several servers start together', async () => {
    const schema = await newSchema();
    await Promise.all([open(schema), open(schema), open(schema)].map((each) => migrate(each)));
    const rows = await database.query(`SELECT version FROM ${schema}.schema_migration ORDER BY version`);
    expect(rows.map(({ version }) => version as number)).toEqual(MIGRATIONS.map(({ version }) => version));
  });

  it('accepts a newer database that says that it is compatible, and refuses another one with the reason', async () => {
    const schema = await newSchema();
    await migrate(open(schema));
    const insert = `INSERT INTO ${schema}.schema_migration (version, name, compatible_from) VALUES ($1, 'later', $2)`;
    await database.query(insert, [latest + 1, latest]);
    await migrate(open(schema));
    await database.query(insert, [latest + 2, latest + 1]);
    const refused = migrate(open(schema));
    await expect(refused).rejects.toThrow(SchemaError);
    await expect(refused).rejects.toThrow(`needs a server that knows version ${latest + 1} or later`);
  });

  it('changes nothing by a migration that fails, and keeps those before it', async () => {
    const schema = await newSchema();
    const broken = {
      version: latest + 1,
      name: 'broken',
      compatibleFrom: 1,
      sql: 'CREATE TABLE a (b int); no',
    };
    await expect(migrate(open(schema), [...MIGRATIONS, broken])).rejects.toThrow('syntax error');
    const tables = await database.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema]);
    expect(tables).toContainEqual({ tablename: 'server' });
    expect(tables).not.toContainEqual({ tablename: 'a' });
    await migrate(open(schema));
  });

  it('holds no table while it waits for another one, so that running servers go on', async () => {
    const schema = await newSchema();
    const before = MIGRATIONS.filter(({ version }) => version <= 5);
    await migrate(open(schema), before);
    const running = open(schema);
    let migrated: Promise<void> | undefined;
    await running.transaction(async (transaction) => {
      await transaction.query('SELECT FROM metadata');
      migrated = migrate(open(schema));
      const waits = `SELECT FROM pg_locks WHERE relation = '${schema}.metadata'::regclass AND NOT granted`;
      await eventually(async () => (await database.query(waits)).length > 0, 'a wait for the table metadata');
      await transaction.query('SELECT FROM server');
    });
    await migrated;
  });

  it('needs no right to create tables when nothing is to be done, and says who has to do it otherwise', async () => {
    const [schema, role] = [await newSchema(), `r_${randomBytes(6).toString('hex')}`];
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
    try {
      await database.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
      await expect(migrate(open(schema, role))).rejects.toThrow(
        'Start one server with a role that owns the schema',
      );
      await migrate(open(schema));
      await expect(migrate(open(schema, role))).rejects.toThrow('give this one SELECT');
      await database.query(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
      );
      await migrate(open(schema, role));
    } finally {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      // With its objects all rights of the role go.
      await database.query(`DROP SCHEMA ${schema} CASCADE`);
      await database.query(`DROP ROLE ${role}`);
    }
  });

  it('waits for a database that is away at the start, as long as the time limit', async () => {
    const proxy = await TcpProxy.start(database.url);
    const away = new Database({ url: proxy.url, caFile: null, poolSize: 4, timeoutMs: 5000 });
    opened.push(away);
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    try {
      proxy.behave({ drop: true });
      const migrated = migrate(away);
      const started = performance.now();
      await eventually(() => performance.now() - started > 1_500, 'an outage that is not short');
      expect(logged).toHaveBeenCalledWith(expect.stringContaining('cannot be reached'));
      proxy.behave();
      await migrated;
    } finally {
      await away.close();
      await proxy.stop();
    }
  });

  it('refuses a search path without a schema', async () => {
    await expect(migrate(open('missing'))).rejects.toThrow('Create it first');
  });
});
