import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { errorCode } from '../../src/errors/index.js';
import { eventually } from './eventually.js';
import { POSTGRES_MISSING } from './postgres/binaries.mjs';
import { PostgresInstance } from './postgres/instance.mjs';

export { PostgresInstance } from './postgres/instance.mjs';
export type { EndMode } from './postgres/instance.mjs';

const GIVEN = process.env['DATABASE_URL'] ?? '';

/** Why tests have no database; undefined if they have one. */
export const DATABASE_MISSING = GIVEN === '' ? POSTGRES_MISSING : undefined;

/** A `describe` block whose tests need a database: they are skipped where there is none. */
export const describeWithDatabase = blockUnless(DATABASE_MISSING);

/** A `describe` block whose tests end and restart a `PostgresInstance`. A given server does not help them. */
export const describeWithPostgres = blockUnless(POSTGRES_MISSING);

/** The instance of this file, if there is no broker (`postgres/broker.mjs`). */
let own: Promise<PostgresInstance> | undefined;

/** An empty database on the PostgreSQL server that all tests share. */
export class TestDatabase {
  private constructor(
    readonly name: string,
    /** Its address. */
    readonly url: string,
    private readonly server: string,
  ) {}

  /** @param server the address of another server for it, where it may create databases */
  static async create(server?: string): Promise<TestDatabase> {
    const address = server ?? (await sharedServer());
    const name = `test_${randomBytes(8).toString('hex')}`;
    await queryOn(address, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
    const url = new URL(address);
    url.pathname = `/${name}`;
    return new TestDatabase(name, url.href, address);
  }

  /** A database for the tests that are declared next. */
  static forTests(): { readonly url: string; query: TestDatabase['query'] } {
    let database: TestDatabase | undefined;
    const current = (): TestDatabase => {
      if (!database) throw new Error('the database is not created yet');
      return database;
    };
    beforeAll(async () => {
      database = await TestDatabase.create();
    });
    afterAll(() => database?.drop());
    return {
      get url() {
        return current().url;
      },
      query: (text, values) => current().query(text, values),
    };
  }

  /** Runs a statement on a connection of its own. */
  query(text: string, values: unknown[] = []): Promise<pg.QueryResultRow[]> {
    return queryOn(this.url, text, values);
  }

  /** Removes it, and ends its connections. */
  async drop(): Promise<void> {
    const drop = () => queryOn(this.server, `DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`);
    // A role that is no superuser cannot end an autovacuum that runs in it, but waits for its end.
    const isDropped = () => drop().then(Boolean, forgiveRefusal);
    await eventually(isDropped, `the removal of ${this.name}`);
    if (this.server === (await own)?.url()) await stopOwn();
  }
}

/** Runs a statement on a connection of its own. */
export async function queryOn(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  // The test sees what was refused; a connection that is cut later is nothing more.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<pg.QueryResultRow>(statement, values)).rows;
  } finally {
    await client.end();
  }
}

/** @returns false for a missing right, and throws other errors */
function forgiveRefusal(error: unknown): false {
  if (errorCode(error) === '42501') return false;
  throw error;
}

async function sharedServer(): Promise<string> {
  if (GIVEN !== '') return GIVEN;
  const broker = process.env['TEST_POSTGRES_PORT'];
  if (broker === undefined) return (await (own ??= PostgresInstance.start())).url();
  const socket = connect(Number(broker), '127.0.0.1');
  await once(socket, 'connect');
  const answer = await text(socket);
  if (!answer.startsWith('postgres://')) throw new Error(answer);
  return answer;
}

async function stopOwn(): Promise<void> {
  const instance = await own;
  own = undefined;
  await instance?.stop();
}

function blockUnless(missing: string | undefined): jest.Describe {
  if (missing === undefined) return describe;
  process.stderr.write(`tests with a database are skipped: ${missing}\n`);
  return describe.skip;
}
