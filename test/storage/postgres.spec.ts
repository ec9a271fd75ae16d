import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/checkout.js';
import {
  describeWithDatabase,
  describeWithPostgres,
  PostgresInstance,
  queryOn,
  TestDatabase,
} from '../support/postgres.js';
import { eventually } from '../support/server-process.js';

describeWithDatabase('a database for tests', () => {
  const database = TestDatabase.forTests();

  it('is empty and speaks PostgreSQL', async () => {
    expect(await database.query('SELECT $1::int + 1 AS sum', [1])).toEqual([{ sum: 2 }]);
    expect(await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  });
});

describeWithPostgres('an instance of PostgreSQL', () => {
  let instance: PostgresInstance | undefined;
  let standby: PostgresInstance | undefined;
  afterEach(async () => {
    await standby?.stop();
    await instance?.stop();
  });

  it.each(['fast', 'immediate', 'kill'] as const)(
    'keeps what it committed over a restart (%s)',
    async (mode) => {
      instance = await PostgresInstance.start();
      await queryOn(instance.url(), 'CREATE TABLE t (a int)');
      await queryOn(instance.url(), 'INSERT INTO t VALUES (1)');
      const { port } = instance;
      await instance.restart(mode);
      expect(instance.port).toBe(port);
      expect(await queryOn(instance.url(), 'SELECT a FROM t')).toEqual([{ a: 1 }]);
    },
  );

  it('is followed by a standby, which can be promoted', async () => {
    instance = await PostgresInstance.start();
    await queryOn(instance.url(), 'CREATE TABLE t (a int)');
    await instance.end();
    standby = await PostgresInstance.start({ from: instance, standbyOf: instance.url() });
    await instance.configure({ synchronous_standby_names: '*', synchronous_commit: 'remote_apply' });
    await instance.startAgain();
    await queryOn(instance.url(), 'INSERT INTO t VALUES (1)');
    expect(await queryOn(standby.url(), 'SELECT a FROM t')).toEqual([{ a: 1 }]);
    await instance.end('kill');
    await standby.promote();
    await queryOn(standby.url(), 'INSERT INTO t VALUES (2)');
    expect(await queryOn(standby.url(), 'SELECT a FROM t')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('ends, and its folder goes, when the process that started it is killed', async () => {
    const file = path.join(ROOT, 'test/support/postgres/instance.mjs');
    const program = `import { PostgresInstance } from ${JSON.stringify(file)};
      const instance = await PostgresInstance.start();
      console.log(JSON.stringify([instance.url(), instance.data]));
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [url, folder] = JSON.parse(line.toString()) as [string, string];
    expect(await queryOn(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    child.kill('SIGKILL');
    await eventually(() => !existsSync(folder), 'the end of PostgreSQL');
    await expect(queryOn(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });
});
