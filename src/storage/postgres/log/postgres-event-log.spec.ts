import { randomUUID } from 'node:crypto';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { PostgresStorages } from '../../../../test/support/postgres-storages.js';
import type { EventLog, LogRecord } from '../../event-log.js';
import { LeaseLostError, SequenceConflictError } from '../../storage-errors.js';
import type { PostgresStorage } from '../postgres-storage.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);

/** An event of the given minute after the start. */
function recordAt(minute: number, changes: Partial<LogRecord> = {}): LogRecord {
  const fields = {
    id: randomUUID(),
    kind: 'MessageEvent',
    source: 'agent',
    timestamp: new Date(START + minute * MINUTE).toISOString().slice(0, -1),
    ...changes,
  };
  return { line: JSON.stringify(fields), ...fields };
}

function nameOf(result: PromiseSettledResult<void>): string {
  return result.status === 'rejected' ? (result.reason as Error).name : 'stored';
}

describeWithDatabase('PostgresEventLog', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  let storage: PostgresStorage;
  beforeEach(async () => {
    storage = await storages.open(database.url);
  });

  /** A new log that has the given records. */
  async function logWith(records: readonly LogRecord[]): Promise<EventLog> {
    const id = randomUUID();
    const fence = await storage.leases.acquire(id);
    const log = await storage.logs.open(id);
    await log.append(0, fence, records);
    return log;
  }

  it('keeps the order of overlapping appends of many conversations', async () => {
    const logs = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const id = randomUUID();
        return { id, fence: await storage.leases.acquire(id), log: await storage.logs.open(id) };
      }),
    );
    const appended: Promise<void>[] = [];
    for (let seq = 0; seq < 30; seq += 1) {
      for (const { log, fence } of logs)
        appended.push(log.append(seq, fence, [recordAt(0, { id: `${seq}` })]));
    }
    await Promise.all(appended);
    for (const { id, log } of logs) {
      expect(log.length).toBe(30);
      const reader = await storage.logs.read(id);
      const ids = (await reader.entries(0, 100)).map((entry) => entry.id);
      expect(ids).toEqual(Array.from({ length: 30 }, (_, seq) => `${seq}`));
    }
  });

  it('refuses an append of an older owner, and what waits behind it, and stores those of others', async () => {
    const id = randomUUID();
    const old = await storage.leases.acquire(id);
    const log = await storage.logs.open(id);
    await log.append(0, old, [recordAt(0)]);
    await database.query('UPDATE conversation SET generation = generation + 1 WHERE id = $1', [id]);
    const otherId = randomUUID();
    const otherFence = await storage.leases.acquire(otherId);
    const other = await storage.logs.open(otherId);
    const results = await Promise.allSettled([
      log.append(1, old, [recordAt(1)]),
      other.append(0, otherFence, [recordAt(1)]),
      log.append(2, old, [recordAt(2)]),
    ]);
    expect(results.map(nameOf)).toEqual([LeaseLostError.name, 'stored', LeaseLostError.name]);
    expect([log.length, other.length]).toEqual([1, 1]);
  });
});
