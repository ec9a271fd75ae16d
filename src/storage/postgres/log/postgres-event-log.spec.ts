import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import type { EntryFilter, EventLog, LogRange, LogRecord } from '../../event-log.js';
import type { LeaseFence } from '../../lease-store.js';
import { LeaseLostError, SequenceConflictError } from '../../storage-errors.js';
import { OutcomeUnknownError } from '../database/index.js';
import type { PostgresStorage } from '../postgres-storage.js';

const START = Date.UTC(2026, 0, 1);

/** The timestamp of a minute after the start. */
function timestampAt(minute: number): string {
  return new Date(START + minute * 60_000).toISOString().slice(0, -1);
}

function recordOf(changes: Partial<LogRecord> = {}): LogRecord {
  const fields = {
    id: randomUUID(),
    kind: 'MessageEvent',
    source: 'agent',
    timestamp: timestampAt(0),
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

  /** A new conversation that this server owns. */
  async function newLog(): Promise<{ id: string; fence: LeaseFence; log: EventLog }> {
    const id = randomUUID();
    return { id, fence: await storage.leases.acquire(id), log: await storage.logs.open(id) };
  }

  it('keeps the order of overlapping appends of many conversations', async () => {
    const logs = await Promise.all(Array.from({ length: 20 }, newLog));
    const appended: Promise<void>[] = [];
    for (let seq = 0; seq < 30; seq += 1) {
      for (const { log, fence } of logs) appended.push(log.append(seq, fence, [recordOf({ id: `${seq}` })]));
    }
    await Promise.all(appended);
    for (const { id, log } of logs) {
      expect(log.length).toBe(30);
      const reader = await storage.logs.read(id);
      const ids = (await reader.entries(0, 100)).map((entry) => entry.id);
      expect(ids).toEqual(Array.from({ length: 30 }, (_, seq) => `${seq}`));
    }
  });

  it('refuses appends of an older owner and stores those of others in the same statement', async () => {
    const [old, other] = await Promise.all([newLog(), newLog()]);
    await old.log.append(0, old.fence, [recordOf()]);
    await database.query('UPDATE conversation SET generation = generation + 1 WHERE id = $1', [old.id]);
    const results = await Promise.allSettled([
      old.log.append(1, old.fence, [recordOf()]),
      other.log.append(0, other.fence, [recordOf()]),
      old.log.append(2, old.fence, [recordOf()]),
    ]);
    expect(results.map(nameOf)).toEqual([LeaseLostError.name, 'stored', LeaseLostError.name]);
    expect([old.log.length, other.log.length]).toEqual([1, 1]);
  });

  it('stores the appends of others when one of them cannot be stored', async () => {
    const [twice, other] = await Promise.all([newLog(), newLog()]);
    const record = recordOf();
    await twice.log.append(0, twice.fence, [record]);
    const results = await Promise.allSettled([
      twice.log.append(1, twice.fence, [record]),
      other.log.append(0, other.fence, [recordOf()]),
    ]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
    await twice.log.append(1, twice.fence, [recordOf()]);
    expect(twice.log.length).toBe(2);
  });

  it('stores the appends of others while the row of one conversation is locked, and refuses that one late', async () => {
    const holder = storage.database;
    storage = await storages.open(database.url, 10, 1_000);
    const [locked, other] = await Promise.all([newLog(), newLog()]);
    await holder.transaction(async (transaction) => {
      await transaction.query('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [locked.id]);
      let settled = 0;
      const late = locked.log.append(0, locked.fence, [recordOf()]).finally(() => (settled += 1));
      const refused = expect(late).rejects.toThrow('the conversation is locked');
      for (let seq = 0; seq < 20; seq++) await other.log.append(seq, other.fence, [recordOf()]);
      expect(settled).toBe(0);
      await refused;
    });
    await locked.log.append(0, locked.fence, [recordOf()]);
    expect([locked.log.length, other.log.length]).toEqual([1, 20]);
  });

  it('stores an append as soon as the row of its conversation is no longer locked', async () => {
    const { id, log, fence } = await newLog();
    let append: Promise<void> | undefined;
    await storage.database.transaction(async (transaction) => {
      await transaction.query('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [id]);
      append = log.append(0, fence, [recordOf()]);
      await transaction.query('SELECT pg_sleep(0.3)');
    });
    await append;
    expect(log.length).toBe(1);
  });

  it('stores the appends of others while the reason for a refusal waits for a connection', async () => {
    const { database: few } = (storage = await storages.open(database.url, 10, 1_000));
    const [old, other] = await Promise.all([newLog(), newLog()]);
    await few.query('UPDATE conversation SET generation = generation + 1 WHERE id = $1', [old.id]);
    let refused: Promise<unknown> | undefined;
    await few.transaction(async () => {
      // The only connection for anything but appends is in use.
      let settled = 0;
      const late = old.log.append(0, old.fence, [recordOf()]).finally(() => (settled += 1));
      refused = expect(late).rejects.toThrow();
      for (let seq = 0; seq < 20; seq++) await other.log.append(seq, other.fence, [recordOf()]);
      expect(settled).toBe(0);
    });
    await refused;
  });

  it('refuses late what waits behind an append in doubt whose conversation is locked', async () => {
    const holder = storage.database;
    const proxy = await TcpProxy.start(database.url);
    try {
      storage = await storages.open(proxy.url, 10, 1_000);
      const { id, log, fence } = await newLog();
      await log.append(0, fence, [recordOf()]);
      let inDoubt: Promise<void> | undefined;
      await holder.transaction(async (transaction) => {
        await transaction.query('SELECT FROM conversation WHERE id = $1 FOR UPDATE', [id]);
        inDoubt = log.append(1, fence, [recordOf()]);
        // The statement is on its way.
        await new Promise((resolve) => setImmediate(resolve));
        proxy.cutAll();
        await expect(log.append(2, fence, [recordOf()])).rejects.toThrow('an earlier append is not known');
      });
      await inDoubt;
      expect(log.length).toBe(2);
    } finally {
      await storage.close();
      await proxy.stop();
    }
  });

  it('ends without waiting for an append that is in doubt', async () => {
    const proxy = await TcpProxy.start(database.url);
    try {
      storage = await storages.open(proxy.url, 10, 1_000);
      const { log, fence } = await newLog();
      await log.append(0, fence, [recordOf()]);
      proxy.behave({ freeze: true });
      const inDoubt = expect(log.append(1, fence, [recordOf()])).rejects.toThrow(OutcomeUnknownError);
      // The statement is on its way.
      await new Promise((resolve) => setImmediate(resolve));
      const closed = storage.logs.close();
      proxy.behave({ drop: true });
      await Promise.all([inDoubt, closed]);
    } finally {
      await storage.close();
      await proxy.stop();
    }
  });

  it('expects the next sequence number, counting appends that are not durable yet', async () => {
    const { log, fence } = await newLog();
    const first = log.append(0, fence, [recordOf(), recordOf()]);
    await expect(log.append(1, fence, [recordOf()])).rejects.toThrow(SequenceConflictError);
    await Promise.all([first, log.append(2, fence, [recordOf()])]);
    expect(log.length).toBe(3);
  });

  it.each([
    ['a newline in a line', { line: '{}\n{}' }],
    ['a null character in a line', { line: '{"a":"\0"}' }],
    ['a newline in an id', { id: 'a\nb' }],
    ['a kind that no index can hold', { kind: 'K'.repeat(3000) }],
  ])('refuses %s, and nothing else', async (_, changes) => {
    const { log, fence } = await newLog();
    await expect(log.append(0, fence, [recordOf(changes)])).rejects.toThrow(TypeError);
    await log.append(0, fence, [recordOf()]);
    expect(log.length).toBe(1);
  });

  it('keeps texts as they are: empty, of all scripts, and of many megabytes', async () => {
    const { id, log, fence } = await newLog();
    const large = JSON.stringify({ text: 'Grüße 🦜 \\ " {a,b} $1 '.repeat(150_000) });
    const records = [
      recordOf({ line: '', source: '' }),
      recordOf({ line: JSON.stringify({ text: "日本語 ' \\n \u2028 \u0007" }) }),
      recordOf({ line: large }),
      recordOf({ line: 'x' }),
    ];
    await log.append(0, fence, records);
    const reader = await storage.logs.read(id);
    const lines = records.map(({ line }) => line);
    expect(await reader.read(0, 10)).toEqual(lines);
    expect((await reader.readBytes(0, 10, 1000)).map(String)).toEqual(lines.slice(0, 2));
    expect((await reader.readBytes(2, 10, 1000)).map(String)).toEqual(lines.slice(2, 3));
    expect(String(await reader.readItems([3, 1]))).toBe(`x,${lines[1]}`);
    expect(await reader.splitByBytes([0, 1, 2, 3], 1000)).toEqual([[0, 1], [2], [3]]);
    expect((await reader.entry(0)).source).toBe('');
    await expect(reader.entry(4)).rejects.toThrow(RangeError);
    expect(await reader.seqsOf([records[3]?.id ?? '', 'unknown', '', 'a\nb'])).toEqual([
      3,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('reads only what was there when it was opened', async () => {
    const { id, log, fence } = await newLog();
    const before = await storage.logs.read(id);
    const record = recordOf();
    await log.append(0, fence, [record]);
    expect([before.length, await before.read(0, 5), await before.seqOf(record.id)]).toEqual([
      0,
      [],
      undefined,
    ]);
    expect([log.length, log.lastTimestamp, await log.seqOf(record.id)]).toEqual([1, record.timestamp, 0]);
  });

  it('selects and counts the same events as a search through all of them, whatever the clock did', async () => {
    const kinds = ['A', 'B', 'C'];
    const sources = ['agent', 'user'];
    const event = fc.record({
      kind: fc.constantFrom(...kinds),
      source: fc.constantFrom(...sources),
      // The clock goes on, and is set back now and then.
      step: fc.oneof(
        { weight: 8, arbitrary: fc.nat(3) },
        { weight: 1, arbitrary: fc.integer({ min: -9, max: 0 }) },
      ),
    });
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const minute = fc.integer({ min: -5, max: 60 }).map(timestampAt);
    const search = fc.record({
      filter: fc.record({
        kind: optional(fc.constantFrom(...kinds, 'none')),
        notKind: optional(fc.constantFrom(...kinds)),
        source: optional(fc.constantFrom(...sources)),
        timestampGte: optional(minute),
        timestampLt: optional(minute),
      }),
      range: fc.record({
        from: fc.integer({ min: 0, max: 45 }),
        descending: fc.boolean(),
        length: fc.integer({ min: 0, max: 45 }),
        limit: fc.integer({ min: 1, max: 10 }),
      }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 40 }),
        fc.array(search, { minLength: 5, maxLength: 5 }),
        async (events, searches) => {
          let now = 0;
          const records = events.map(({ kind, source, step }) =>
            recordOf({ kind, source, timestamp: timestampAt((now += step)) }),
          );
          const { log, fence } = await newLog();
          const middle = Math.floor(records.length / 2);
          await Promise.all([
            log.append(0, fence, records.slice(0, middle)),
            log.append(middle, fence, records.slice(middle)),
          ]);
          for (const { filter, range } of searches) {
            expect(await log.select(filter, range)).toEqual(selectFrom(records, filter, range));
            expect(await log.count(filter, range.length)).toBe(
              records.slice(0, range.length).filter((record) => matches(record, filter)).length,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

function selectFrom(records: readonly LogRecord[], filter: EntryFilter, range: LogRange): number[] {
  const seqs = records.map((_, seq) => seq).filter((seq) => seq < range.length);
  const inOrder = range.descending
    ? seqs.filter((seq) => seq <= range.from).reverse()
    : seqs.filter((seq) => seq >= range.from);
  return inOrder.filter((seq) => matches(records[seq] ?? recordOf(), filter)).slice(0, range.limit);
}

function matches(record: LogRecord, filter: EntryFilter): boolean {
  const { kind, notKind, source, timestampGte, timestampLt } = filter;
  return (
    (kind === undefined || record.kind === kind) &&
    (notKind === undefined || record.kind !== notKind) &&
    (source === undefined || record.source === source) &&
    (timestampGte === undefined || record.timestamp >= timestampGte) &&
    (timestampLt === undefined || record.timestamp < timestampLt)
  );
}
