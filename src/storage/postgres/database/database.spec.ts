import { randomBytes } from 'node:crypto';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { Database } from './database.js';

describeWithDatabase('Database', () => {
  const database = TestDatabase.forTests();

  it('waits for connections of its own where it gets no more, and does not call that an outage', async () => {
    const role = `r_${randomBytes(6).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}' CONNECTION LIMIT 2`);
    const url = new URL(database.url);
    [url.username, url.password] = [role, role];
    const limited = new Database({ url: url.href, caFile: null, poolSize: 8, timeoutMs: 5000 });
    try {
      const reads = Array.from({ length: 6 }, () => limited.read('SELECT FROM pg_sleep(0.2)'));
      const results = await Promise.allSettled(reads);
      expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'fulfilled'));
      expect(limited.isAvailable).toBe(true);
    } finally {
      await limited.close();
      await database.query(`DROP ROLE ${role}`);
    }
  });
});
