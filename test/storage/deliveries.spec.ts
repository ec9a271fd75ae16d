import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FileDeliveryStore } from '../../src/storage/file/deliveries/file-delivery-store.js';
import type { PendingChange, PendingEntry, PendingTail, WebhookDeliveries } from '../../src/storage/index.js';
import { PostgresStorages } from '../support/postgres-storages.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';

/** A server with the deliveries of one webhook. */
interface DeliveringServer {
  deliveries: WebhookDeliveries;
  /** Gives it the lease of a conversation with a log of this length. */
  owns(conversationId: string, length: number): Promise<void>;
  /** Ends it in order. */
  end(): Promise<void>;
}

describe('deliveries in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'deliveries-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  keepWhatIsPending((webhook) => {
    const deliveries = new FileDeliveryStore({ conversationsPath: folder, leaseTtlSeconds: 20 }).open(
      webhook,
    );
    return Promise.resolve({
      deliveries,
      owns: () => Promise.resolve(),
      end: () => deliveries.close(),
    });
  });
});

describeWithDatabase('deliveries in a database', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  const opened: WebhookDeliveries[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((deliveries) => deliveries.close())));

  keepWhatIsPending(async (webhook) => {
    const storage = await storages.open(database.url);
    const deliveries = storage.deliveries.open(webhook);
    opened.push(deliveries);
    return {
      deliveries,
      owns: async (id, length) => {
        await storage.leases.acquire(id);
        await database.query('UPDATE conversation SET length = $2 WHERE id = $1', [id, length]);
      },
      end: async () => {
        await deliveries.close();
        await storage.close();
      },
    };
  });
});

function keepWhatIsPending(startWith: (webhook: string) => Promise<DeliveringServer>): void {
  let webhook: string;
  let conversation: string;
  const start = () => startWith(webhook);
  let first: DeliveringServer;
  beforeEach(async () => {
    webhook = randomUUID();
    conversation = randomUUID();
    first = await start();
    await first.owns(conversation, 10);
  });

  /** What a server that is started next finds. */
  const next = async (): Promise<{
    server: DeliveringServer;
    entries: PendingEntry[];
    conversations: string[];
  }> => {
    await first.end();
    const server = await start();
    first = server;
    return { server, ...(await server.deliveries.recover()) };
  };
  const tailOf = (lines: readonly string[], id = conversation): Promise<PendingTail> =>
    first.deliveries.addTail(id, from(lines));

  it('store a position when a conversation is claimed first, and keep it then', async () => {
    const { deliveries } = first;
    expect(await deliveries.positionOf(conversation)).toBeUndefined();
    expect(await deliveries.claim(conversation, 4)).toEqual({ position: 4, entries: [] });
    expect(await deliveries.claim(conversation, 9)).toEqual({ position: 4, entries: [] });
    await deliveries.setPosition(conversation, 2);
    expect(await deliveries.positionOf(conversation)).toBe(2);
    await deliveries.advance(conversation, 7);
    await deliveries.settle(conversation);
    expect(await deliveries.positionOf(conversation)).toBe(7);
    await deliveries.removePosition(conversation);
    expect(await deliveries.positionOf(conversation)).toBeUndefined();
  });

  it('advance no position that was removed', async () => {
    const { deliveries } = first;
    await deliveries.claim(conversation, 4);
    await deliveries.removePosition(conversation);
    await deliveries.advance(conversation, 7);
    await deliveries.settle(conversation);
    expect(await deliveries.positionOf(conversation)).toBeUndefined();
  });

  it('are found by the next server: conversations with pending events, and changes in order', async () => {
    await first.deliveries.claim(conversation, 4);
    const added: PendingChange[] = [];
    const bodies = ['one', 'two', '"three" \\ "\u00fc\u{1f600}"', 'four'];
    for (const body of bodies) added.push(await first.deliveries.addChange(conversation, body));
    expect(await Promise.all(added.map((change) => change.body()))).toEqual(bodies);
    await added[0]?.remove();

    const { server, entries, conversations } = await next();
    expect(conversations).toEqual([conversation]);
    expect(await server.deliveries.positionOf(conversation)).toBe(4);
    const changes = entries as PendingChange[];
    expect(changes.map(({ key }) => key)).toEqual(added.slice(1).map(({ key }) => key));
    expect(changes.map((change) => [change.kind, change.conversationId])).toEqual(
      Array.from({ length: 3 }, () => ['change', conversation]),
    );
    for (const { since } of changes) expect(Math.abs(Date.now() - since)).toBeLessThan(60_000);
    expect(await Promise.all(changes.map((change) => change.body()))).toEqual(bodies.slice(1));
    expect((await server.deliveries.recover()).entries).toHaveLength(0);
    await Promise.all(changes.map((change) => change.remove()));
    expect((await next()).entries).toHaveLength(0);
  });

  it('keep changes that are added at the same time in their order', async () => {
    const numbers = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(numbers.map((body) => first.deliveries.addChange(conversation, body)));
    const { entries } = await next();
    expect(await Promise.all((entries as PendingChange[]).map((change) => change.body()))).toEqual(numbers);
    await Promise.all(entries.map((entry) => entry.remove()));
  });

  it('keep the events of a deleted conversation, and how far they were delivered', async () => {
    const lines = Array.from({ length: 1200 }, (_, index) =>
      JSON.stringify({ id: index, text: 'x\n"\u00e4' }),
    );
    const tail = await tailOf(lines);
    expect(tail.waiting).toBe(1200);
    const part = await tail.peek(5, Infinity);
    expect(part).toEqual(lines.slice(0, 5));
    await tail.advance(part);
    expect(tail.waiting).toBe(1195);

    const [found] = (await next()).entries as PendingTail[];
    expect([found?.kind, found?.conversationId, found?.waiting]).toEqual(['tail', conversation, 0]);
    await found?.count();
    expect(found?.waiting).toBe(1195);
    const rest: string[] = [];
    for (;;) {
      const some = (await found?.peek(1000, 10_000)) ?? [];
      if (some.length === 0) break;
      rest.push(...some);
      await found?.advance(some);
    }
    expect(rest).toEqual(lines.slice(5));
    expect(found?.waiting).toBe(0);
    await found?.remove();
    expect((await next()).entries).toHaveLength(0);
  });

  it('limit the bytes of lines that are read, but always read one', async () => {
    const lines = ['a'.repeat(50), 'b'.repeat(500_000), 'c', 'd'];
    const tail = await tailOf(lines);
    for (const expected of [lines.slice(0, 1), lines.slice(1, 2), lines.slice(2)]) {
      const some = await tail.peek(10, 100);
      expect(some).toEqual(expected);
      await tail.advance(some);
    }
    await tail.remove();
  });

  it('are not taken from a server that is alive', async () => {
    await first.deliveries.claim(conversation, 4);
    const change = await first.deliveries.addChange(conversation, 'mine');
    const second = await start();
    expect((await second.deliveries.recover()).entries).toHaveLength(0);
    expect(await change.body()).toBe('mine');
    await change.remove();
    await second.end();
  });
}

async function* from(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}
