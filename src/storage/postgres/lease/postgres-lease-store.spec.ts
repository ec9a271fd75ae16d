import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { describeWithDatabase, TestDatabase } from '../../../../test/support/postgres.js';
import { metadataWith, PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { eventually } from '../../../../test/support/server-process.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { LeaseHeldError, StorageFailedError, TakeoverPendingError } from '../../storage-errors.js';
import type { PostgresStorage } from '../postgres-storage.js';
import type { PostgresFence } from './postgres-fence.js';

/** The lease of the servers in seconds: the shortest that can be configured. */
const LEASE = 1;

describeWithDatabase('PostgresLeaseStore', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  const proxies: TcpProxy[] = [];

  beforeEach(() => {
    for (const level of ['log', 'warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.stop();
    jest.restoreAllMocks();
  });

  const open = (): Promise<PostgresStorage> => storages.open(database.url, LEASE);
  const proxied = async (): Promise<{ storage: PostgresStorage; proxy: TcpProxy }> => {
    const proxy = await TcpProxy.start(database.url);
    proxies.push(proxy);
    return { proxy, storage: await storages.open(proxy.url, LEASE) };
  };
  /**
   * Waits until a server may take over from others: for a while after the start of the database none does.
   */
  const mayTakeOver = ({ servers }: PostgresStorage): Promise<void> =>
    eventually(async () => {
      const [row] = await database.query(
        'SELECT takes_after < clock_timestamp() AS may FROM server WHERE id = $1',
        [servers.selfId],
      );
      return row?.['may'] === true;
    }, 'the time before it takes over');
  /** Takes a conversation as soon as that is possible. */
  const takeOver = async ({ leases }: PostgresStorage, id: string): Promise<PostgresFence> => {
    let fence: PostgresFence | undefined;
    await eventually(async () => {
      fence = await leases.acquire(id).catch((error: unknown) => {
        // A server may still take the database for one that is away.
        const isEarly = [LeaseHeldError, TakeoverPendingError, StorageFailedError].some(
          (type) => error instanceof type,
        );
        if (isEarly) return undefined;
        throw error;
      });
      return fence !== undefined;
    }, 'the take-over');
    if (!fence) throw new Error('not taken');
    return fence;
  };

  it('grants a conversation to one of three servers that want it at the same time', async () => {
    const three = await Promise.all([open(), open(), open()]);
    const id = randomUUID();
    for (let round = 1; round <= 25; round += 1) {
      const results = await Promise.allSettled(three.map(({ leases }) => leases.acquire(id)));
      const won = results.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
      expect(won.map(({ generation }) => generation)).toEqual([round]);
      for (const it of results)
        if (it.status === 'rejected') expect(it.reason).toBeInstanceOf(LeaseHeldError);
      const owner = three.findIndex(({ leases }) => leases.fenceOf(id) !== undefined);
      for (const [index, { leases, servers }] of three.entries()) {
        expect(await leases.ownerOf(id)).toMatchObject({
          serverId: three[owner]?.servers.selfId,
          isSelf: index === owner,
          url: null,
        });
        expect(await leases.isVacant(id)).toBe(false);
        expect((await servers.list()).map((it) => it.conversations).sort()).toEqual([0, 0, 1]);
      }
      for (const fence of won) await three[owner]?.leases.release(fence);
      for (const { leases } of three) expect(await leases.isVacant(id)).toBe(true);
    }
  });

  it('grants a conversation once in the same server', async () => {
    const { leases } = await open();
    const id = randomUUID();
    const both = await Promise.allSettled([leases.acquire(id), leases.acquire(id)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const first = leases.fenceOf(id);
    const releasing = first && leases.release(first);
    expect(first?.isValid()).toBe(false);
    expect((await leases.acquire(id)).generation).toBe(2);
    await releasing;
    expect(await leases.fenceOf(id)?.confirm()).toBe(true);
  });

  it('renews the lease of a server as long as it runs', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const fence = await one.leases.acquire(randomUUID());
    const end = performance.now() + 2.5 * LEASE * 1000;
    await eventually(async () => {
      expect(fence.isValid()).toBe(true);
      await expect(two.leases.acquire(fence.conversationId)).rejects.toThrow(LeaseHeldError);
      return performance.now() > end;
    });
  });

  it('frees what a server owns as soon as it is closed', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const ids = Array.from({ length: 300 }, () => randomUUID());
    const fences = await Promise.all(ids.map((id) => one.leases.acquire(id)));
    await Promise.all(fences.slice(0, 200).map((fence) => one.leases.release(fence)));
    await one.close();
    expect((await two.servers.list()).map(({ isSelf }) => isSelf)).toEqual([true]);
    const taken = await Promise.all(ids.map((id) => two.leases.acquire(id)));
    expect(taken.every(({ generation }) => generation === 2)).toBe(true);
  });

  it('lets others take over at the end of the lease, and the owner notices before', async () => {
    const { storage: cut, proxy } = await proxied();
    const other = await open();
    await mayTakeOver(other);
    const id = randomUUID();
    const fence = await cut.leases.acquire(id);
    let lostAt = Infinity;
    fence.onLost(() => (lostAt = performance.now()));
    const cutAt = performance.now();
    proxy.behave({ freeze: true });
    expect((await takeOver(other, id)).generation).toBe(2);
    const takenAt = performance.now();
    expect(takenAt - cutAt).toBeLessThan((LEASE + 1) * 1000);
    expect(fence.isValid()).toBe(false);
    expect(lostAt).toBeLessThanOrEqual(takenAt);
    proxy.behave();
    await eventually(async () => (await cut.leases.ownerOf(id)) !== undefined);
    expect(await fence.confirm()).toBe(false);
    await cut.leases.release(fence);
    expect((await other.leases.ownerOf(id))?.isSelf).toBe(true);
  });

  it('gives up everything when the database is away for longer than the lease, and starts again', async () => {
    const { storage: cut, proxy } = await proxied();
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    const fences = await Promise.all(ids.map((id) => cut.leases.acquire(id)));
    let lost = 0;
    for (const fence of fences) fence.onLost(() => (lost += 1));
    proxy.behave({ drop: true });
    await eventually(() => lost === fences.length, 'the end of the lease');
    proxy.behave();
    const other = await open();
    // The database has the releases soon after it is reached again, which may be after the lease is renewed.
    expect((await takeOver(other, ids[0] ?? '')).generation).toBe(2);
    expect((await takeOver(cut, ids[1] ?? '')).generation).toBe(2);
  });

  it('keeps its conversations after a freeze in which nobody has taken them', async () => {
    const { leases } = await open();
    const fence = await leases.acquire(randomUUID());
    let lost = false;
    fence.onLost(() => (lost = true));
    const end = Date.now() + 1.5 * LEASE * 1000;
    while (Date.now() < end);
    expect(fence.isValid()).toBe(false);
    expect(await fence.confirm()).toBe(true);
    const later = performance.now() + LEASE * 1000;
    await eventually(() => performance.now() > later);
    expect([lost, fence.isValid()]).toEqual([false, true]);
  });

  it('takes nothing from servers that have not renewed yet after an outage of the database', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    await mayTakeOver(two);
    const fence = await one.leases.acquire(randomUUID());
    // As the outage leaves the rows.
    await database.query(`UPDATE server SET lease_until = clock_timestamp() - interval '1 minute'`);
    await expect(two.leases.acquire(fence.conversationId)).rejects.toThrow(TakeoverPendingError);
    await eventually(async () => (await two.leases.ownerOf(fence.conversationId)) !== undefined);
    await expect(two.leases.acquire(fence.conversationId)).rejects.toThrow(LeaseHeldError);
    expect(await fence.confirm()).toBe(true);
  });

  it.each(['1 hour', '-1 hour'])('keeps leases when the clock of the database jumps by %s', async (jump) => {
    const [one, two] = await Promise.all([open(), open()]);
    await mayTakeOver(two);
    const fence = await one.leases.acquire(randomUUID());
    await database.query(
      `UPDATE server SET lease_until = lease_until - $1::interval, takes_after = takes_after - $1::interval`,
      [jump],
    );
    await expect(two.leases.acquire(fence.conversationId)).rejects.toThrow(TakeoverPendingError);
    await eventually(async () => (await two.leases.ownerOf(fence.conversationId)) !== undefined);
    expect(fence.isValid()).toBe(true);
    // The lease counts again: it ends with its owner.
    await mayTakeOver(two);
    await expect(two.leases.acquire(fence.conversationId)).rejects.toThrow(LeaseHeldError);
  });

  it('notices at once when another server has taken a conversation', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    await mayTakeOver(two);
    const fence = await one.leases.acquire(randomUUID());
    let lost = false;
    fence.onLost(() => (lost = true));
    await database.query('DELETE FROM server WHERE id = $1', [one.servers.selfId]);
    await two.leases.acquire(fence.conversationId);
    await eventually(() => lost);
    expect(fence.isValid()).toBe(false);
    await expect(one.leases.acquire(fence.conversationId)).rejects.toThrow(LeaseHeldError);
    await one.leases.release(fence);
    expect((await two.leases.ownerOf(fence.conversationId))?.isSelf).toBe(true);
  });

  it('lists running conversations of servers that are gone, and of nobody', async () => {
    const { storage: cut, proxy } = await proxied();
    const other = await open();
    await mayTakeOver(other);
    const save = async (execution_status: string): Promise<PostgresFence> => {
      const metadata = metadataWith({ execution_status });
      const fence = await cut.leases.acquire(metadata.id);
      await cut.catalogue.save(metadata, fence);
      return fence;
    };
    const [first, released] = [await save('running'), await save('running')];
    await save('paused');
    expect(await other.leases.abandoned(10)).toEqual([]);
    await cut.leases.release(released);
    expect(await other.leases.abandoned(10)).toEqual([released.conversationId]);
    proxy.behave({ freeze: true });
    await eventually(async () => (await other.leases.abandoned(10)).length === 2);
    expect(new Set(await other.leases.abandoned(10))).toEqual(
      new Set([first.conversationId, released.conversationId]),
    );
    expect(await other.leases.abandoned(1)).toHaveLength(1);
    const [taken = ''] = await other.leases.abandoned(1);
    await other.leases.acquire(taken);
    expect(await other.leases.abandoned(10)).not.toContain(taken);
    proxy.behave();
  });

  it('says what each server does', async () => {
    const one = await open();
    one.servers.report(() => ({ version: '1.2.3', running: 3, maxRunning: 5 }));
    await one.leases.acquire(randomUUID());
    const two = await open();
    await eventually(async () => (await two.servers.list())[0]?.running === 3);
    const [record, self] = await two.servers.list();
    expect(record).toMatchObject({ id: one.servers.selfId, isSelf: false, version: '1.2.3', maxRunning: 5 });
    expect(record).toMatchObject({ conversations: 1, url: null });
    expect(Date.parse(record?.leaseUntil ?? '')).toBeGreaterThan(Date.parse(record?.startedAt ?? ''));
    expect(self?.isSelf).toBe(true);
  });
});
