import { randomUUID } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { metadataWith, PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { eventually } from '../../../../test/support/server-process.js';
import type { CatalogueEntry, CatalogueQuery, StoredMetadata } from '../../catalogue.js';
import { DamagedConversationError, LeaseHeldError, LeaseLostError } from '../../storage-errors.js';
import type { PostgresFence } from '../lease/postgres-fence.js';
import type { PostgresStorage } from '../postgres-storage.js';

const ORDERS = ['CREATED_AT', 'UPDATED_AT', 'CREATED_AT_DESC', 'UPDATED_AT_DESC'] as const;
const STATUSES = ['idle', 'running', 'finished'] as const;
const time = fc
  .integer({ min: 0, max: 12 })
  .map((second) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`);

/** The places of an entry in an order, most significant first. */
function placeOf(
  order: CatalogueQuery['order'],
  it: Pick<CatalogueEntry, 'id' | 'created_at' | 'updated_at'>,
): string {
  return [...(order.startsWith('UPDATED') ? [it.updated_at] : []), it.created_at, it.id].join(' ');
}

/** A page as it should be. */
function expectedPage(entries: Iterable<CatalogueEntry>, query: CatalogueQuery): CatalogueEntry[] {
  const { order, limit, status, from, after } = query;
  const direction = order.endsWith('DESC') ? -1 : 1;
  const sorted = [...entries].sort((a, b) =>
    placeOf(order, a) < placeOf(order, b) ? -direction : direction,
  );
  const first = sorted.find(({ id }) => id === from);
  return sorted
    .filter((it) => {
      const place = placeOf(order, it);
      if (after)
        return direction * (place > placeOf(order, after) ? 1 : place < placeOf(order, after) ? -1 : 0) > 0;
      return !first || direction * (place >= placeOf(order, first) ? 1 : -1) > 0 || it.id === first.id;
    })
    .filter((it) => status === undefined || it.execution_status === status)
    .slice(0, limit);
}

describeWithDatabase('PostgresCatalogue', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  let storage: PostgresStorage;
  let logged: string[];

  beforeEach(async () => {
    logged = [];
    const keep = (message: unknown): void => void logged.push(String(message));
    for (const level of ['log', 'warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(keep);
    storage = await storages.open(database.url, 10);
    await database.query('DELETE FROM event');
    await database.query('DELETE FROM conversation');
  });
  afterEach(() => void jest.restoreAllMocks());

  /** Creates a conversation, and keeps its lease. */
  const create = async (
    changes: Partial<StoredMetadata> = {},
  ): Promise<{ metadata: StoredMetadata; fence: PostgresFence }> => {
    const metadata = metadataWith(changes);
    const fence = await storage.leases.acquire(metadata.id);
    await storage.catalogue.beginCreation();
    await storage.catalogue.save(metadata, fence);
    return { metadata, fence };
  };

  it('lists pages in every order, from every place, like a sorted list', async () => {
    const entry = fc.record({
      created_at: time,
      updated_at: time,
      execution_status: fc.constantFrom(...STATUSES),
    });
    const step = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('save' as const),
          at: fc.nat(),
          entry,
          isNew: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('page' as const),
          order: fc.constantFrom(...ORDERS),
          limit: fc.integer({ min: 1, max: 8 }),
          status: fc.option(fc.constantFrom(...STATUSES), { nil: undefined }),
          from: fc.option(fc.nat(), { nil: undefined }),
          after: fc.option(fc.record({ created_at: time, updated_at: time }), { nil: undefined }),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await database.query('DELETE FROM conversation');
        const model = new Map<string, CatalogueEntry>();
        const { catalogue, leases } = storage;
        const known = (at: number): string => [...model.keys()][at % (model.size || 1)] ?? randomUUID();
        for (const it of steps) {
          if (it.kind === 'remove') {
            const id = known(it.at);
            await catalogue.remove(id);
            model.delete(id);
          } else if (it.kind === 'save') {
            const id = it.isNew ? randomUUID() : known(it.at);
            const metadata = metadataWith({ ...it.entry, id });
            const fence = await leases.acquire(id);
            await catalogue.save(metadata, fence);
            await leases.release(fence);
            const { log_position: _, ...stored } = metadata;
            model.set(id, stored);
          } else {
            const { kind: _, from, after, ...rest } = it;
            const query: CatalogueQuery = {
              ...rest,
              from: from === undefined ? undefined : known(from),
              after: after && { ...after, id: randomUUID() },
            };
            expect(await catalogue.page(query)).toEqual(expectedPage(model.values(), query));
            const { status } = rest;
            const matching = [...model.values()].filter(
              (e) => status === undefined || e.execution_status === status,
            );
            expect(await catalogue.count(status)).toBe(matching.length);
          }
        }
        const ids = [...model.keys(), randomUUID(), 'no id'];
        const loaded = await catalogue.loadMany(ids);
        expect(loaded).toEqual(
          ids.map((id) => (model.has(id) ? { ...model.get(id), log_position: 0 } : undefined)),
        );
        for (const id of ids) {
          expect(await catalogue.entry(id)).toEqual(model.get(id));
          expect(await catalogue.has(id)).toBe(model.has(id));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('walks all pages by cursor without a gap or a repetition', async () => {
    const ids = new Set<string>();
    for (let index = 0; index < 25; index += 1) {
      const updated_at = `2026-01-01T00:00:0${index % 3}Z`;
      ids.add((await create({ updated_at })).metadata.id);
    }
    for (const order of ORDERS) {
      const found: string[] = [];
      let after: CatalogueEntry | undefined;
      do {
        const page = await storage.catalogue.page({ order, limit: 7, ...(after && { after }) });
        found.push(...page.map(({ id }) => id));
        after = page.at(-1);
      } while (after);
      expect(found).toHaveLength(ids.size);
      expect(new Set(found)).toEqual(ids);
    }
  });

  it('keeps whatever JSON holds', async () => {
    const { metadata, fence } = await create();
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.string({ unit: anyCharacter }), async (json, text) => {
        const changed = { ...metadata, tree: JSON.parse(json) as StoredMetadata, text };
        await storage.catalogue.save(changed, fence);
        expect(await storage.catalogue.load(metadata.id)).toEqual(JSON.parse(JSON.stringify(changed)));
      }),
      { numRuns: 100 },
    );
    const large = { ...metadata, large: 'x'.repeat(3_000_000) };
    await storage.catalogue.save(large, fence);
    expect(await storage.catalogue.load(metadata.id)).toEqual(large);
  });

  it('lists the children of a conversation, oldest first', async () => {
    const { metadata: parent } = await create();
    const child = (created_at: string): Promise<{ metadata: StoredMetadata }> =>
      create({ created_at, parent_conversation_id: parent.id });
    const [second, first] = [await child('2026-01-02T00:00:00Z'), await child('2026-01-01T00:00:00Z')];
    expect(await storage.catalogue.childrenOf(parent.id)).toEqual([first.metadata.id, second.metadata.id]);
    expect(await storage.catalogue.childrenOf(first.metadata.id)).toEqual([]);
    expect(await storage.catalogue.entry(first.metadata.id)).toMatchObject({
      parent_conversation_id: parent.id,
    });
  });

  it('gives every change another stamp, also to a conversation that is created again', async () => {
    const seen = new Set<string | undefined>([undefined]);
    const id = randomUUID();
    for (let round = 0; round < 3; round += 1) {
      const { metadata, fence } = await create({ id });
      for (let change = 0; change < 3; change += 1) {
        const stamp = await storage.catalogue.stampOf(id);
        expect(seen).not.toContain(stamp);
        seen.add(stamp);
        expect(await storage.catalogue.stampOf(id)).toBe(stamp);
        await storage.catalogue.save(metadata, fence);
      }
      await storage.catalogue.remove(id);
      await storage.leases.release(fence);
      expect(await storage.catalogue.stampsOf([id, 'no id'])).toEqual([undefined, undefined]);
    }
  });

  it('refuses metadata of an owner that has lost the lease, and of a removed conversation', async () => {
    const { metadata, fence } = await create();
    await storage.leases.release(fence);
    const other = await storages.open(database.url);
    const newer = await other.leases.acquire(metadata.id);
    await expect(storage.catalogue.save({ ...metadata, late: true }, fence)).rejects.toThrow(LeaseLostError);
    await other.catalogue.save({ ...metadata, newer: true }, newer);
    await expect(storage.catalogue.save({ ...metadata, late: true }, fence)).rejects.toThrow(LeaseLostError);
    expect(await storage.catalogue.load(metadata.id)).toEqual({ ...metadata, newer: true });
    await expect(storage.catalogue.remove(metadata.id)).rejects.toThrow(LeaseHeldError);
    await other.catalogue.remove(metadata.id);
    await expect(other.catalogue.save(metadata, newer)).rejects.toThrow(LeaseLostError);
    expect(await storage.catalogue.has(metadata.id)).toBe(false);
  });

  it('lists what an open conversation does now: its status at once, its last update within a second', async () => {
    const { metadata, fence } = await create();
    const { catalogue } = storage;
    const entryNow = (): Promise<CatalogueEntry | undefined> => catalogue.entry(metadata.id);
    const stamp = await catalogue.stampOf(metadata.id);
    const updated = (second: number): string => `2026-01-01T00:01:${String(second).padStart(2, '0')}.000000Z`;
    const started = performance.now();
    catalogue.updateEntry({ ...metadata, execution_status: 'running', updated_at: updated(1) });
    await eventually(async () => (await entryNow())?.execution_status === 'running');
    expect(performance.now() - started).toBeLessThan(900);
    expect(await catalogue.stampOf(metadata.id)).not.toBe(stamp);
    expect(await catalogue.load(metadata.id)).toMatchObject({
      execution_status: 'running',
      updated_at: updated(1),
    });
    for (let second = 2; second < 50; second += 1)
      catalogue.updateEntry({ ...metadata, execution_status: 'running', updated_at: updated(second) });
    await eventually(async () => (await entryNow())?.updated_at === updated(49));
    // A snapshot is newer than updates that were on their way.
    catalogue.updateEntry({ ...metadata, execution_status: 'finished', updated_at: updated(50) });
    await catalogue.save({ ...metadata, execution_status: 'paused', updated_at: updated(51) }, fence);
    await catalogue.close();
    expect(await entryNow()).toMatchObject({ execution_status: 'paused', updated_at: updated(51) });
    await storage.leases.release(fence);
    catalogue.updateEntry({ ...metadata, execution_status: 'running', updated_at: updated(59) });
    await catalogue.close();
    expect(await entryNow()).toMatchObject({ execution_status: 'paused' });
  });

  it.each([
    ['', 'it is empty'],
    ['{"id":', 'it is not valid JSON'],
    ['[]', 'it is not an object'],
    ['null', 'it is not an object'],
    ['{"id":"another"}', 'it belongs to another conversation'],
  ])('does not list a conversation with the content %j once it was read', async (content, reason) => {
    const [{ metadata, fence }, { metadata: sound }] = [await create(), await create()];
    const { catalogue } = storage;
    await database.query('UPDATE metadata SET content = $2, version = -1 WHERE conversation = $1', [
      metadata.id,
      content,
    ]);
    await expect(catalogue.load(metadata.id)).rejects.toThrow(DamagedConversationError);
    await expect(catalogue.load(metadata.id)).rejects.toThrow(reason);
    expect(await catalogue.loadMany([metadata.id, sound.id])).toEqual([undefined, sound]);
    expect(await catalogue.has(metadata.id)).toBe(true);
    expect(await catalogue.entry(metadata.id)).toBeUndefined();
    const page = await catalogue.page({ order: 'CREATED_AT', limit: 1 });
    expect(page.map(({ id }) => id)).toEqual([sound.id]);
    expect(logged.filter((line) => line.includes('is left out'))).toHaveLength(1);
    await catalogue.save(metadata, fence);
    expect(await catalogue.load(metadata.id)).toEqual(metadata);
    expect(await catalogue.count()).toBe((await catalogue.page({ order: 'CREATED_AT', limit: 9 })).length);
  });

  it('does not list a conversation with a time that is none', async () => {
    const { metadata } = await create();
    await database.query(`UPDATE metadata SET updated_at = 'soon', version = -1 WHERE conversation = $1`, [
      metadata.id,
    ]);
    expect(await storage.catalogue.page({ order: 'UPDATED_AT', limit: 5 })).toEqual([]);
    await expect(storage.catalogue.load(metadata.id)).rejects.toThrow('a time is not valid');
  });

  it('removes all that is stored of a conversation, and its folder', async () => {
    const { metadata, fence } = await create();
    const other = await create();
    const folder = storages.folderOf(metadata.id);
    await mkdir(folder);
    await writeFile(path.join(folder, 'output.txt'), 'x');
    for (const id of [metadata.id, other.metadata.id]) {
      await database.query(
        `INSERT INTO event (conversation, seq, id, kind, source, timestamp, line)
         SELECT $1, seq, 'e' || seq, 'MessageEvent', 'user', '', '{}' FROM generate_series(0, 11999) AS seq`,
        [id],
      );
      await database.query('UPDATE conversation SET length = 12000 WHERE id = $1', [id]);
    }
    await storage.catalogue.remove(metadata.id);
    await storage.leases.release(fence);
    for (const table of ['conversation', 'metadata', 'event']) {
      const column = table === 'conversation' ? 'id' : 'conversation';
      const rows = await database.query(`SELECT DISTINCT ${column} AS id FROM ${table}`);
      expect(rows).toEqual([{ id: other.metadata.id }]);
    }
    await expect(stat(folder)).rejects.toThrow('ENOENT');
    await storage.catalogue.remove(metadata.id);
    await storage.catalogue.remove(randomUUID());
  });

  it('removes what servers that are gone have left of creations and removals', async () => {
    const { metadata } = await create();
    const id = randomUUID();
    await storage.leases.acquire(id);
    await database.query(
      `INSERT INTO event (conversation, seq, id, kind, source, timestamp, line) VALUES ($1, 0, 'e', 'k', 's', '', '{}')`,
      [id],
    );
    await database.query('UPDATE conversation SET length = 1 WHERE id = $1', [id]);
    await storage.catalogue.removeLeftovers();
    expect(await database.query('SELECT FROM conversation')).toHaveLength(2);
    await database.query('UPDATE conversation SET owner = gen_random_uuid()');
    await storage.catalogue.removeLeftovers();
    expect(await database.query('SELECT id FROM conversation')).toEqual([{ id: metadata.id }]);
    expect(await database.query('SELECT FROM event')).toEqual([]);
  });
});
