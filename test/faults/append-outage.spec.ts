import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  StorageFailedError,
  type EventLog,
  type LeaseFence,
  type LogRecord,
} from '../../src/storage/index.js';
import type { PostgresStorage } from '../../src/storage/postgres/postgres-storage.js';
import { describeWithPostgres, PostgresInstance, queryOn } from '../support/postgres.js';
import { PostgresStorages } from '../support/postgres-storages.js';
import { randomOf } from '../support/random.js';
import { eventually } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** How often the connection or the database fails; more often with `npm run test:faults`. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 6);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const WRITERS = 8;
/** The leases last longer than a fault: it is the appends that are tested. */
const LEASE_SECONDS = 60;
const TIMEOUT_MS = 60_000 + ROUNDS * 10_000;

describeWithPostgres(`appends to a database that fails (FAULT_SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const started: Writer[] = [];
  // Before the storages are closed: a writer of a test that has failed would go on.
  afterEach(() => {
    for (const writer of started.splice(0)) void writer.stop().catch(() => undefined);
  });
  const storages = PostgresStorages.forTests();
  let postgres: PostgresInstance;
  let proxy: TcpProxy;
  beforeAll(async () => {
    postgres = await PostgresInstance.start();
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    for (const level of ['warn', 'error', 'log'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
    }
    proxy = await TcpProxy.start(postgres.url());
  });
  afterEach(async () => {
    // The storages are closed before.
    await proxy.stop();
    jest.restoreAllMocks();
  });

  async function startWriters(storage: PostgresStorage): Promise<Writer[]> {
    const writers = await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        const id = randomUUID();
        return new Writer(id, await storage.logs.open(id), await storage.leases.acquire(id), random);
      }),
    );
    started.push(...writers);
    return writers;
  }

  async function checkLogs(writers: readonly Writer[]): Promise<number> {
    let events = 0;
    for (const writer of writers) {
      await writer.stop();
      const rows = await queryOn(
        postgres.url(),
        'SELECT e.id, e.seq::int, c.length::int FROM event e JOIN conversation c ON c.id = e.conversation WHERE c.id = $1 ORDER BY seq',
        [writer.id],
      );
      expect(rows.map(({ id }) => id as string)).toEqual(writer.acknowledged);
      expect(rows.map(({ seq }) => seq as number)).toEqual(rows.map((_, index) => index));
      expect(rows.at(-1)?.['length']).toBe(rows.length);
      expect(writer.log.length).toBe(rows.length);
      events += rows.length;
    }
    return events;
  }

  it(
    'stores what it acknowledges once and in order when connections break at any byte',
    async () => {
      const storage = await storages.open(proxy.url, LEASE_SECONDS);
      const writers = await startWriters(storage);
      for (let round = 0; round < 4 * ROUNDS; round += 1) {
        const progress = writers.map(({ acknowledged }) => acknowledged.length);
        const direction = random() < 0.5 ? 'toServer' : 'toClient';
        proxy.behave({ cut: { direction, bytes: Math.floor(random() ** 2 * 8000) } });
        await delay(30 + random() * 100);
        proxy.behave();
        await eventually(
          () => writers.every(({ acknowledged }, index) => acknowledged.length > (progress[index] ?? 0)),
          'appends by all writers',
        );
      }
      const events = await checkLogs(writers);
      const refused = writers.reduce((sum, writer) => sum + writer.refused, 0);
      process.stderr.write(
        `FAULT_SEED=${SEED}: ${4 * ROUNDS} broken connections, ${events} events acknowledged, ${refused} appends refused\n`,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'stores what it acknowledges once and in order over crashes of the database',
    async () => {
      const storage = await storages.open(postgres.url(), LEASE_SECONDS, 1500);
      const writers = await startWriters(storage);
      for (let round = 0; round < Math.ceil(ROUNDS / 4); round += 1) {
        const progress = writers.map(({ acknowledged }) => acknowledged.length);
        await postgres.restart(random() < 0.5 ? 'immediate' : 'kill');
        await eventually(
          () => writers.every(({ acknowledged }, index) => acknowledged.length > (progress[index] ?? 0) + 3),
          'appends by all writers',
        );
      }
      await checkLogs(writers);
    },
    TIMEOUT_MS,
  );

  it('waits for the outcome of a statement that the network keeps back, and is not confused when it comes late', async () => {
    const storage = await storages.open(proxy.url, LEASE_SECONDS, 400);
    const writers = await startWriters(storage);
    for (let round = 0; round < 3; round += 1) {
      const progress = writers.map(({ acknowledged }) => acknowledged.length);
      proxy.behave({ freeze: true });
      // Longer than the time limit of a statement, so that its connection is given up.
      await eventually(() => !storage.database.isAvailable, 'the outage');
      await delay(500);
      proxy.behave();
      await eventually(
        () => writers.every(({ acknowledged }, index) => acknowledged.length > (progress[index] ?? 0)),
        'appends by all writers',
      );
    }
    await checkLogs(writers);
  });

  it('says of an append that is in doubt when its log is closed that nobody knows', async () => {
    const storage = await storages.open(proxy.url, LEASE_SECONDS, 400);
    const id = randomUUID();
    const fence = await storage.leases.acquire(id);
    const log = await storage.logs.open(id);
    await log.append(0, fence, [newRecord()]);
    proxy.behave({ freeze: true });
    const append = log.append(1, fence, [newRecord()]).catch((error: unknown) => error);
    await eventually(() => !storage.database.isAvailable, 'the outage');
    await log.close();
    // `unavailable` would say that it can be sent again.
    expect(await append).toMatchObject({ kind: 'timeout' });
    proxy.behave();
  });

  it('refuses reads at once while an outage is known, and reads on as soon as it is over', async () => {
    const storage = await storages.open(proxy.url, LEASE_SECONDS, 20_000);
    const id = randomUUID();
    proxy.behave({ drop: true });
    const short = performance.now();
    await expect(storage.logs.read(id)).rejects.toThrow(StorageFailedError);
    // A short outage does not show.
    expect(performance.now() - short).toBeGreaterThan(900);
    const began = performance.now();
    for (let count = 0; count < 20; count += 1)
      await expect(storage.logs.read(id)).rejects.toThrow(StorageFailedError);
    // If each waited as the first one did, this would be 20 seconds, however fast the machine is.
    expect(performance.now() - began).toBeLessThan(10_000);
    proxy.behave();
    const ended = performance.now();
    await eventually(() => storage.database.isAvailable, 'the end of the outage');
    expect((await storage.logs.read(id)).length).toBe(0);
    expect(performance.now() - ended).toBeLessThan(15_000);
  });

  it('refuses reads and appends after the time limit while the database is away, and goes on by itself', async () => {
    const storage = await storages.open(proxy.url, LEASE_SECONDS, 400);
    const id = randomUUID();
    const fence = await storage.leases.acquire(id);
    const log = await storage.logs.open(id);
    let recoveries = 0;
    storage.database.onAvailable(() => (recoveries += 1));
    await log.append(0, fence, [newRecord()]);
    proxy.behave({ drop: true });
    await eventually(() => !storage.database.isAvailable, 'the outage');
    const began = performance.now();
    const results = await Promise.allSettled([
      log.append(1, fence, [newRecord()]),
      log.append(2, fence, [newRecord()]),
      log.read(0, 1),
      storage.logs.open(id),
    ]);
    expect(performance.now() - began).toBeLessThan(20_000);
    for (const result of results) {
      const reason: unknown = result.status === 'rejected' ? result.reason : undefined;
      expect(reason).toBeInstanceOf(StorageFailedError);
      expect((reason as StorageFailedError).kind).toBe('unavailable');
    }
    proxy.behave();
    await eventually(() => storage.database.isAvailable, 'the end of the outage');
    expect(recoveries).toBe(1);
    await log.append(1, fence, [newRecord()]);
    expect([log.length, (await log.read(0, 5)).length]).toEqual([2, 2]);
  });
});

function newRecord(): LogRecord {
  const fields = { id: randomUUID(), kind: 'K', source: 'agent', timestamp: new Date().toISOString() };
  return { ...fields, line: JSON.stringify(fields) };
}

/** Appends to a log without a pause, several at a time, and remembers what was acknowledged. */
class Writer {
  /** The ids of the events, by seq. */
  readonly acknowledged: string[] = [];
  refused = 0;
  private isStopped = false;
  private readonly ended: Promise<void>;

  constructor(
    readonly id: string,
    readonly log: EventLog,
    private readonly fence: LeaseFence,
    private readonly random: () => number,
  ) {
    this.ended = this.write();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.ended;
  }

  private async write(): Promise<void> {
    while (!this.isStopped) {
      let seq = this.log.length;
      const appends = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => {
        const records = Array.from({ length: 1 + Math.floor(this.random() * 3) }, newRecord);
        const appended = this.log.append(seq, this.fence, records);
        const from = seq;
        seq += records.length;
        return appended.then(() => {
          expect(this.acknowledged.length).toBe(from);
          this.acknowledged.push(...records.map(({ id }) => id));
        });
      });
      for (const result of await Promise.allSettled(appends)) {
        if (result.status === 'fulfilled') continue;
        expect(result.reason).toBeInstanceOf(StorageFailedError);
        this.refused += 1;
        // What is refused at once would leave no turn to anything else.
        await setImmediate();
      }
    }
  }
}
