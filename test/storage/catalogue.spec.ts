import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import {
  DamagedConversationError,
  LeaseLostError,
  type CatalogueEntry,
  type CatalogueOrder,
  type LeaseFence,
  type StoredMetadata,
} from '../../src/storage/index.js';
import { eventually } from '../support/server-process.js';
import { CatalogueModel, entryOf, metadataAt } from './catalogue-model.js';
import { describeDrivers, type StorageServer } from './storage-driver.js';

const ORDERS: CatalogueOrder[] = ['CREATED_AT', 'UPDATED_AT', 'CREATED_AT_DESC', 'UPDATED_AT_DESC'];

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
});
afterEach(() => void jest.restoreAllMocks());

describeDrivers('a catalogue of conversations', (storage) => {
  /** Takes a conversation and stores its metadata. */
  async function create(server: StorageServer, metadata: StoredMetadata): Promise<LeaseFence> {
    const fence = await server.leases.acquire(metadata.id);
    await server.catalogue.beginCreation(metadata.id, fence);
    await server.catalogue.save(metadata, fence);
    return fence;
  }

  async function removeAll(server: StorageServer): Promise<void> {
    for (const { id } of await server.catalogue.page({ order: 'CREATED_AT', limit: 1000 }))
      await server.catalogue.remove(id);
  }

  it('shows a conversation to all servers from its first save until it is removed', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const metadata = metadataAt(1, { title: 'a \u0000 "title" \u{1f600}', nested: { list: [1, null, 'x'] } });
    const { id } = metadata;
    const fence = await one.leases.acquire(id);
    await one.catalogue.beginCreation(id, fence);
    for (const { catalogue } of [one, two]) {
      expect([await catalogue.has(id), await catalogue.load(id), await catalogue.entry(id)]).toEqual([
        false,
        undefined,
        undefined,
      ]);
    }
    await one.catalogue.save(metadata, fence);
    for (const { catalogue } of [one, two]) {
      expect(await catalogue.has(id)).toBe(true);
      expect(await catalogue.load(id)).toEqual(metadata);
      if (storage.storage.listsAreShared || catalogue === one.catalogue)
        expect(await catalogue.entry(id)).toEqual(entryOf(metadata));
      expect(await catalogue.loadMany([randomUUID(), id, id])).toEqual([undefined, metadata, metadata]);
    }
    const log = await one.logs.open(id);
    await log.append(0, fence, [{ id: randomUUID(), kind: 'K', source: 's', timestamp: '2026', line: '{}' }]);
    await log.close('removed');
    await one.catalogue.remove(id);
    await one.leases.release(fence);
    for (const { catalogue, logs } of [one, two]) {
      expect([await catalogue.has(id), await catalogue.load(id)]).toEqual([false, undefined]);
      expect((await catalogue.page({ order: 'CREATED_AT', limit: 100 })).map((it) => it.id)).not.toContain(
        id,
      );
      const reader = await logs.read(id);
      expect(reader.length).toBe(0);
      await reader.close();
    }
    // The id can be used again.
    await create(two, metadata);
    expect(await two.catalogue.load(id)).toEqual(metadata);
    await removeAll(two);
  });

  it('keeps the order of overlapping saves, each with the content at its call', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const metadata = metadataAt(1);
    const fence = await create(one, metadata);
    for (let round = 0; round < 10; round += 1) {
      const saves = [];
      for (let step = 0; step < 12; step += 1) {
        metadata['step'] = round * 100 + step;
        metadata['filler'] = 'x'.repeat(step % 2 ? 200_000 : 10);
        saves.push(one.catalogue.save(metadata, fence));
      }
      metadata['step'] = 'later';
      await Promise.all(saves);
      expect(await two.catalogue.load(metadata.id)).toMatchObject({ step: round * 100 + 11 });
    }
    await removeAll(one);
  });

  it('refuses the saves of a server that lost the lease', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const metadata = metadataAt(1, { title: 'first' });
    const fence = await create(one, metadata);
    await one.leases.release(fence);
    const next = await two.leases.acquire(metadata.id);
    await expect(one.catalogue.save({ ...metadata, title: 'old' }, fence)).rejects.toThrow(LeaseLostError);
    one.catalogue.updateEntry({ ...entryOf(metadata), execution_status: 'error' });
    await two.catalogue.save({ ...metadata, title: 'new' }, next);
    await expect(one.catalogue.save({ ...metadata, title: 'old' }, fence)).rejects.toThrow(LeaseLostError);
    for (const { catalogue } of [one, two])
      expect(await catalogue.load(metadata.id)).toMatchObject({ title: 'new', execution_status: 'idle' });
    await removeAll(two);
  });

  it('changes the stamp with each change, also for other servers', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const metadata = metadataAt(1);
    const fence = await create(one, metadata);
    const stamps = new Set<string>();
    const settled = async (): Promise<string> => {
      await eventually(async () => (await two.catalogue.stampOf(metadata.id)) !== undefined, 'a stamp');
      return (await two.catalogue.stampOf(metadata.id)) ?? '';
    };
    for (let round = 0; round < 3; round += 1) {
      await one.catalogue.save({ ...metadata, round }, fence);
      const stamp = await settled();
      expect(stamps).not.toContain(stamp);
      stamps.add(stamp);
      expect(await one.catalogue.stampsOf([randomUUID(), metadata.id])).toEqual([undefined, stamp]);
    }
    await removeAll(one);
  });

  it('shows the entry of an open conversation as it is now, soon on all servers', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const metadata = metadataAt(1);
    const fence = await create(one, metadata);
    const entry = { ...entryOf(metadata), execution_status: 'running', updated_at: metadataAt(5).updated_at };
    one.catalogue.updateEntry(entry);
    await one.catalogue.save({ ...metadata, ...entry }, fence);
    for (const { catalogue } of [one, two]) {
      await eventually(async () => (await catalogue.entry(metadata.id))?.execution_status === 'running');
      await eventually(async () => (await catalogue.count('running')) === 1, 'the count');
      expect(await catalogue.page({ order: 'UPDATED_AT', limit: 5, status: 'running' })).toEqual([entry]);
    }
    await removeAll(one);
  });

  it('leaves out damaged metadata, says so when it is asked for it, and can remove it', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const [whole, damaged] = [metadataAt(1), metadataAt(2)];
    await create(one, whole);
    const fence = await create(one, damaged);
    await one.leases.release(fence);
    await storage.storage.damageMetadata(damaged.id);
    for (const { catalogue } of [two, await storage.server()]) {
      await expect(catalogue.load(damaged.id)).rejects.toThrow(DamagedConversationError);
      expect(await catalogue.loadMany([damaged.id, whole.id])).toEqual([undefined, whole]);
      expect((await catalogue.page({ order: 'CREATED_AT', limit: 9 })).map(({ id }) => id)).toEqual([
        whole.id,
      ]);
    }
    await two.leases.acquire(damaged.id);
    await two.catalogue.remove(damaged.id);
    expect(await two.catalogue.load(damaged.id)).toBeUndefined();
    await removeAll(one);
  });

  it('pages, counts and filters as a list in memory does', async () => {
    const [one, two] = [await storage.server(), await storage.server()];
    const status = fc.constantFrom('idle', 'running', 'finished');
    const owner = fc.constantFrom(null, 'one', 'two');
    const command = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('create' as const), at: fc.nat(20), status, owner }),
      },
      fc.record({ do: fc.constant('child' as const), of: fc.nat(99), at: fc.nat(20), status, owner }),
      fc.record({ do: fc.constant('save' as const), which: fc.nat(99), at: fc.nat(40), status }),
      fc.record({ do: fc.constant('remove' as const), which: fc.nat(99) }),
      fc.record({
        do: fc.constant('page' as const),
        order: fc.constantFrom(...ORDERS),
        limit: fc.integer({ min: 1, max: 8 }),
        status: fc.option(status, { nil: undefined }),
        from: fc.option(fc.nat(99), { nil: undefined }),
        ownerKey: fc.constantFrom(undefined, 'one', 'nobody'),
      }),
    );
    type Step = typeof command extends fc.Arbitrary<infer T> ? T : never;

    async function perform(
      step: Step,
      model: CatalogueModel,
      fences: Map<string, LeaseFence>,
    ): Promise<void> {
      const chosen = (number: number): StoredMetadata | undefined =>
        model.all[number % (model.all.length || 1)];
      if (step.do === 'create' || step.do === 'child') {
        const parent = step.do === 'child' ? chosen(step.of)?.id : undefined;
        const parent_conversation_id = parent ?? null;
        const more = { execution_status: step.status, parent_conversation_id, owner_key: step.owner };
        const metadata = metadataAt(step.at, more);
        fences.set(metadata.id, await create(one, metadata));
        model.save(metadata);
      } else if (step.do === 'save') {
        const before = chosen(step.which);
        const fence = fences.get(before?.id ?? '');
        if (!before || !fence) return;
        const { updated_at } = metadataAt(step.at);
        const metadata = { ...before, updated_at, execution_status: step.status };
        await one.catalogue.save(metadata, fence);
        model.save(metadata);
      } else if (step.do === 'remove') {
        const { id = '' } = chosen(step.which) ?? {};
        const fence = fences.get(id);
        if (!fence) return;
        await one.catalogue.remove(id);
        await one.leases.release(fence);
        model.remove(id);
      } else {
        const from = step.from === undefined ? undefined : chosen(step.from)?.id;
        const query = { ...step, from };
        for (const { catalogue } of shown()) expect(await catalogue.page(query)).toEqual(model.page(query));
      }
    }

    const shown = (): StorageServer[] => (storage.storage.listsAreShared ? [one, two] : [one]);

    async function compare(model: CatalogueModel): Promise<void> {
      for (const { catalogue } of shown()) {
        for (const order of ORDERS)
          expect(await paged(catalogue, order)).toEqual(model.page({ order, limit: 99 }));
        expect(await catalogue.count()).toBe(model.all.length);
        expect(await catalogue.count('running')).toBe(model.count('running'));
        expect(await catalogue.count('running', 'one')).toBe(model.count('running', 'one'));
        expect(await catalogue.count(undefined, 'nobody')).toBe(0);
        for (const { id } of model.all) expect(await catalogue.childrenOf(id)).toEqual(model.childrenOf(id));
      }
    }

    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
        const model = new CatalogueModel();
        const fences = new Map<string, LeaseFence>();
        try {
          for (const step of commands) await perform(step, model, fences);
          await compare(model);
        } finally {
          for (const { id } of model.all) {
            const fence = fences.get(id);
            await one.catalogue.remove(id);
            if (fence) await one.leases.release(fence);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  /** All entries, in pages that begin behind the last entry of the one before. */
  async function paged(
    catalogue: StorageServer['catalogue'],
    order: CatalogueOrder,
  ): Promise<CatalogueEntry[]> {
    const all: CatalogueEntry[] = [];
    for (;;) {
      const after = all.at(-1);
      const page = await catalogue.page({ order, limit: 3, ...(after && { after }) });
      all.push(...page);
      if (page.length < 3) return all;
    }
  }
});
