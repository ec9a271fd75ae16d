import { randomUUID } from 'node:crypto';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { toUsageEntry } from '../../usage-entry.js';
import { noUsage } from '../../usage-ledger.js';

describeWithDatabase('PostgresUsageLedger', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();

  it('stores names that PostgreSQL has no text for: they keep no other call from being written', async () => {
    const ledger = (await storages.open(database.url)).usageLedger();
    const call = { id: randomUUID(), time: '2026-03-01T10:00:00Z', model: 'a/b', cost: 1 };
    const odd = [
      { ...call, id: 'half \ud83d', tags: { half: '\ud83d', cut: `${'x'.repeat(299)}\u{1f600}` } },
      { ...call, id: 'none \0', model: 'a\0', tags: { none: '\0' }, usage_id: '\udc00' },
      call,
    ];
    const entries = odd.map((one) => toUsageEntry(one)).filter((one) => one !== undefined);
    expect(await ledger.append(entries)).toBe(3);
    const { total } = await ledger.report({ by: [], timeZone: 'UTC', limit: 1 });
    expect(total).toMatchObject({ calls: 3, cost: 3 });
    const none = await ledger.report({ by: ['day'], timeZone: 'UTC', model: 'none', limit: 1 });
    expect(none).toEqual({ groups: [], total: noUsage(), isTruncated: false });
    // Years that are no months of a file, and no times of a database.
    for (const time of ['+012026-01-01T00:00:00Z', '-000001-01-01T00:00:00Z'])
      expect(toUsageEntry({ ...call, time })).toBeUndefined();
  });
});
