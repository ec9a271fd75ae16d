import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, stat, truncate, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ClassedAuditLog } from '../../src/storage/file/audit/classed-audit-log.js';
import { FileAuditLog } from '../../src/storage/file/audit/file-audit-log.js';
import type { AuditEntry, AuditLog, AuditLogOptions, AuditQuery } from '../../src/storage/index.js';
import { PostgresStorages } from '../support/postgres-storages.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';

const MIB = 1024 * 1024;
const CONVERSATION = randomUUID();

function entry(number: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: randomUUID(),
    time: new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString(),
    key_id: 'session',
    key_name: 'session',
    address: '127.0.0.1',
    operation: 'Events_send',
    conversation_id: null,
    outcome: 'done',
    status: 200,
    duration_ms: number,
    count: 1,
    ...more,
  };
}

const options = (folder: string, more: Partial<AuditLogOptions> = {}): AuditLogOptions => ({
  ...{ folder, maxBytes: 16 * MIB, keepDays: 36_500, isFlushed: false },
  ...more,
});

/** What each driver must do. @param open opens the log, empty at first */
function keepsEntries(open: (more?: Partial<AuditLogOptions>) => Promise<AuditLog>): void {
  let log: AuditLog;
  beforeEach(async () => {
    log = await open();
  });
  afterEach(() => log.close());

  const numbers = async (query: Partial<AuditQuery> = {}) =>
    (await log.page({ limit: 100, ...query })).items.map((item) => item.duration_ms);

  it('returns entries as they were appended, the newest first', async () => {
    const entries = [entry(1), entry(2, { key_id: null, key_name: null, address: null, status: null })];
    await log.append(entries);
    await log.append([entry(3, { outcome: 'refused', status: 429, count: 7 })]);
    const { items, nextPageId } = await log.page({ limit: 10 });
    expect(items.slice(1)).toEqual([...entries].reverse());
    expect(items[0]).toMatchObject({ outcome: 'refused', status: 429, count: 7 });
    expect(nextPageId).toBeNull();
  });

  it('leads from page to page, also while entries are appended', async () => {
    await log.append(Array.from({ length: 25 }, (_, index) => entry(index)));
    const seen: number[] = [];
    let pageId: string | undefined;
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await log.page({ limit: 4, pageId });
      seen.push(...page.items.map((item) => item.duration_ms));
      await log.append([entry(1000 + pages)]);
      if (page.nextPageId === null) break;
      pageId = page.nextPageId;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => 24 - index));
  });

  it('leads through all kinds of entries in the order of time', async () => {
    const kinds: Partial<AuditEntry>[] = [
      {},
      { operation: 'Keys_create' },
      { outcome: 'refused', status: 401, key_id: null },
    ];
    await log.append(Array.from({ length: 30 }, (_, index) => entry(index, kinds[index % 7])));
    for (const limit of [1, 4, 7, 100]) {
      const seen: number[] = [];
      let pageId: string | undefined;
      do {
        const page = await log.page({ limit, pageId });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map((item) => item.duration_ms));
        pageId = page.nextPageId ?? undefined;
      } while (pageId !== undefined);
      expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => 29 - index));
    }
  });

  it('keeps changes of keys and refusals, however much others do', async () => {
    const full = await open({ maxBytes: MIB });
    const time = new Date().toISOString();
    const flood = async (more: Partial<AuditEntry>): Promise<void> => {
      for (let round = 0; round < 10; round += 1)
        await full.append(Array.from({ length: 500 }, (_, index) => entry(index, { time, ...more })));
      await full.sweep();
    };
    const has = async (operation: string): Promise<boolean> =>
      (await full.page({ limit: 1, operation })).items.length === 1;
    await full.append([
      entry(1, { time, operation: 'Keys_revoke' }),
      entry(2, { time, operation: 'Early_refusal', outcome: 'refused', status: 401 }),
      entry(3, { time, operation: 'Early_work' }),
    ]);
    await flood({});
    expect([await has('Keys_revoke'), await has('Early_refusal'), await has('Early_work')]).toEqual([
      true,
      true,
      false,
    ]);
    await flood({ outcome: 'refused', status: 401 });
    expect([await has('Keys_revoke'), await has('Early_refusal')]).toEqual([true, false]);
    await full.close();
  });

  it('filters by key, operation, conversation, outcome and time', async () => {
    await log.append([
      entry(1, { key_id: 'k1', key_name: 'ci' }),
      entry(2, { operation: 'Settings_update' }),
      entry(3, { conversation_id: CONVERSATION }),
      entry(4, { outcome: 'failed', status: 500 }),
    ]);
    expect(await numbers({ key: 'k1' })).toEqual([1]);
    expect(await numbers({ key: 'ci' })).toEqual([1]);
    expect(await numbers({ operation: 'settings' })).toEqual([2]);
    expect(await numbers({ conversationId: CONVERSATION })).toEqual([3]);
    expect(await numbers({ outcome: 'failed' })).toEqual([4]);
    expect(await numbers({ from: '2026-01-01T00:00:02.000Z', before: '2026-01-01T00:00:04.000Z' })).toEqual([
      3, 2,
    ]);
    expect(await numbers({ key: 'ci', outcome: 'failed' })).toEqual([]);
  });

  it.each(['nonsense', '../../etc/passwd@3', '-1', '1; DROP TABLE audit_entry'])(
    'rejects the page id %s',
    async (pageId) => {
      await expect(log.page({ limit: 1, pageId })).rejects.toMatchObject({ kind: 'invalid' });
    },
  );
}

describe('an audit log in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'audit-')), 'audit');
  });
  afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

  keepsEntries((more) => Promise.resolve(new ClassedAuditLog(options(folder, more))));

  const only = async (): Promise<string> => {
    const [name] = await readdir(folder);
    return path.join(folder, name ?? '');
  };

  it('is readable by its owner only', async () => {
    const log = new FileAuditLog(options(folder, { isFlushed: true }));
    await log.append([entry(1)]);
    await log.close();
    expect((await stat(await only())).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('goes on after a line that a crash has cut', async () => {
    const log = new FileAuditLog(options(folder));
    await log.append([entry(1), entry(2)]);
    await log.close();
    const { size } = await stat(await only());
    await truncate(await only(), size - 10);
    const next = new FileAuditLog(options(folder));
    expect((await next.page({ limit: 9 })).items.map((item) => item.duration_ms)).toEqual([1]);
    await next.append([entry(3)]);
    expect((await next.page({ limit: 9 })).items.map((item) => item.duration_ms)).toEqual([3, 1]);
    await next.close();
  });

  it('skips lines that are no entries', async () => {
    const log = new FileAuditLog(options(folder));
    await log.append([entry(1)]);
    await appendFile(await only(), `not json\n{"id":1}\n${'x'.repeat(200_000)}\n\n`);
    await log.append([entry(2)]);
    expect((await log.page({ limit: 9 })).items.map((item) => item.duration_ms)).toEqual([2, 1]);
    await log.close();
  });

  it('begins new files and keeps about as many bytes as it may', async () => {
    const log = new FileAuditLog(options(folder, { maxBytes: MIB }));
    const batch = Array.from({ length: 500 }, (_, index) => entry(index));
    for (let round = 0; round < 20; round += 1) await log.append(batch);
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(folder, name))).size));
    expect(files.length).toBeGreaterThan(3);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1.3 * MIB);
    await log.close();
  });

  it('removes files that are older than it may keep', async () => {
    const log = new FileAuditLog(options(folder, { keepDays: 2 }));
    await log.append([entry(1)]);
    await log.close();
    const old = new Date(Date.now() - 3 * 86_400_000);
    await utimes(await only(), old, old);
    await log.sweep();
    expect(await readdir(folder)).toEqual([]);
    await log.append([entry(2)]);
    expect((await log.page({ limit: 9 })).items).toHaveLength(1);
    await log.close();
  });

  it('is written by several servers at the same time', async () => {
    const logs = [new FileAuditLog(options(folder)), new FileAuditLog(options(folder))] as const;
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        logs[index % 2 === 0 ? 0 : 1].append([entry(index), entry(100 + index)]),
      ),
    );
    expect((await logs[0].page({ limit: 200 })).items).toHaveLength(80);
    await Promise.all(logs.map((log) => log.close()));
  });
});

describeWithDatabase('an audit log in a database', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  const open = async (more: Partial<AuditLogOptions> = {}) => {
    const storage = await storages.open(database.url);
    await database.query('TRUNCATE audit_entry');
    return storage.auditLog(options('', more));
  };

  keepsEntries(open);

  it('stores an entry once that is appended twice', async () => {
    const log = await open();
    const one = entry(1);
    await log.append([one]);
    await log.append([one, entry(2)]);
    expect((await log.page({ limit: 9 })).items).toHaveLength(2);
  });

  it('removes entries that are too many or too old', async () => {
    const log = await open({ maxBytes: 4000, keepDays: 2 });
    const now = new Date().toISOString();
    await log.append(Array.from({ length: 15 }, (_, index) => entry(index, { time: now })));
    await log.append([entry(99)]);
    await log.sweep();
    const left = (await log.page({ limit: 50 })).items.map((item) => item.duration_ms);
    expect(left).not.toContain(99);
    expect(left.length).toBeLessThanOrEqual(10);
    expect(left[0]).toBe(14);
  });
});
