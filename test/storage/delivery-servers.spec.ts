import { randomUUID } from 'node:crypto';
import { LeaseLostError, type PendingChange, type WebhookDeliveries } from '../../src/storage/index.js';
import type { PostgresStorage } from '../../src/storage/postgres/postgres-storage.js';
import { PostgresStorages } from '../support/postgres-storages.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const EVENTS = 10;

describeWithDatabase('deliveries of several servers', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();
  let webhook: string;
  let conversation: string;
  let proxy: TcpProxy;
  /** Reaches the database through the proxy. */
  let first: PostgresStorage;
  let second: PostgresStorage;
  let ofFirst: WebhookDeliveries;
  let ofSecond: WebhookDeliveries;

  beforeEach(async () => {
    webhook = randomUUID();
    conversation = randomUUID();
    proxy = await TcpProxy.start(database.url);
    first = await storages.open(proxy.url);
    second = await storages.open(database.url);
    ofFirst = first.deliveries.open(webhook);
    ofSecond = second.deliveries.open(webhook);
    await own(first);
  });
  afterEach(async () => {
    proxy.behave({});
    await Promise.all([ofFirst.close(), ofSecond.close()]);
    await proxy.stop();
  });

  const own = async (storage: PostgresStorage): Promise<void> => {
    await storage.leases.acquire(conversation);
    await database.query('UPDATE conversation SET length = $2 WHERE id = $1', [conversation, EVENTS]);
  };
  const release = async (storage: PostgresStorage): Promise<void> => {
    const fence = storage.leases.fenceOf(conversation);
    if (fence) await storage.leases.release(fence);
  };
  const bodies = (entries: readonly unknown[]) =>
    Promise.all((entries as PendingChange[]).map((change) => change.body()));

  it('go on from the stored position at the next owner, whom the one before cannot disturb', async () => {
    await ofFirst.claim(conversation, 3);
    await ofFirst.advance(conversation, 5);
    await ofFirst.settle(conversation);
    await release(first);
    await own(second);
    expect(await ofSecond.claim(conversation, EVENTS)).toEqual({ position: 5, entries: [] });

    await ofFirst.advance(conversation, 9);
    await ofFirst.settle(conversation);
    await ofFirst.removePosition(conversation);
    expect(await ofSecond.positionOf(conversation)).toBe(5);
    await expect(ofFirst.setPosition(conversation, 0)).rejects.toThrow(LeaseLostError);
    await expect(ofFirst.claim(conversation, 0)).rejects.toThrow(LeaseLostError);
    expect(await ofSecond.positionOf(conversation)).toBe(5);
  });

  it('move to the next owner with the changes that the one before had not delivered', async () => {
    await ofFirst.claim(conversation, 3);
    const changes = [
      await ofFirst.addChange(conversation, 'one'),
      await ofFirst.addChange(conversation, 'two'),
    ];
    const other = await ofFirst.addChange(randomUUID(), 'of another conversation');
    await release(first);
    await own(second);
    const { entries } = await ofSecond.claim(conversation, EVENTS);
    expect(await bodies(entries)).toEqual(['one', 'two']);
    expect(await bodies([...changes, other])).toEqual([undefined, undefined, 'of another conversation']);
    // Nothing that the former owner does with them has an effect.
    await changes[0]?.remove();
    await ofFirst.settle(conversation);
    expect(await bodies(entries)).toEqual(['one', 'two']);
  });

  it('are taken over once, by one of two servers, when the lease of a server has ended', async () => {
    const third = (await storages.open(database.url)).deliveries.open(webhook);
    await ofFirst.claim(conversation, 3);
    for (const body of ['one', 'two', 'three']) await ofFirst.addChange(conversation, body);
    const recovered = await Promise.all([ofSecond.recover(), third.recover()]);
    expect(recovered.map(({ entries, conversations }) => entries.length + conversations.length)).toEqual([
      0, 0,
    ]);

    proxy.behave({ drop: true });
    const conversations: string[] = [];
    const entries: unknown[] = [];
    await eventually(async () => {
      for (const found of await Promise.all([ofSecond.recover(), third.recover()])) {
        conversations.push(...found.conversations);
        entries.push(...found.entries);
      }
      return conversations.length > 0 && entries.length > 0;
    }, 'the takeover');
    for (const found of await Promise.all([ofSecond.recover(), third.recover()])) {
      conversations.push(...found.conversations);
      entries.push(...found.entries);
    }
    expect(conversations).toEqual([conversation]);
    expect(await bodies(entries)).toEqual(['one', 'two', 'three']);
    await third.close();
  });

  it('are not taken over while the end of leases may be that of the database', async () => {
    await ofFirst.claim(conversation, 3);
    await ofFirst.addChange(conversation, 'one');
    const dead = randomUUID();
    await database.query(
      `INSERT INTO server (id, host, version, lease, lease_until, takes_after)
       VALUES ($1, 'host', '1', '1 second', clock_timestamp() - interval '1 second', clock_timestamp())`,
      [dead],
    );
    await database.query('UPDATE webhook_position SET server = $1 WHERE webhook = $2', [dead, webhook]);
    await database.query('UPDATE webhook_entry SET server = $1 WHERE webhook = $2', [dead, webhook]);
    await release(first);
    await database.query(`UPDATE server SET takes_after = clock_timestamp() + interval '1 hour'`);
    expect(await ofSecond.recover()).toEqual({ entries: [], conversations: [] });
    await database.query('UPDATE server SET takes_after = clock_timestamp()');
    const { entries, conversations } = await ofSecond.recover();
    expect([conversations, await bodies(entries)]).toEqual([[conversation], ['one']]);
  });

  it('of a conversation with a live owner, or with nothing pending, are not taken over', async () => {
    await ofFirst.claim(conversation, 3);
    await ofFirst.leave(conversation);
    expect((await ofFirst.recover()).conversations).toEqual([conversation]);
    await ofFirst.leave(conversation);
    await ofFirst.recover();
    await database.query('UPDATE webhook_position SET server = NULL WHERE webhook = $1', [webhook]);
    expect((await ofSecond.recover()).conversations).toEqual([]);
    await release(first);
    await database.query('UPDATE webhook_position SET position = $2 WHERE webhook = $1', [webhook, EVENTS]);
    expect((await ofSecond.recover()).conversations).toEqual([]);
    await database.query('UPDATE webhook_position SET position = 3 WHERE webhook = $1', [webhook]);
    expect((await ofSecond.recover()).conversations).toEqual([conversation]);
  });

  it('are set back on request of another server, also if the owner ends before', async () => {
    expect(await ofSecond.requestRewind(conversation, 2)).toBe(false);
    await ofFirst.claim(conversation, EVENTS);
    expect(await ofSecond.requestRewind(conversation, 4)).toBe(true);
    expect(await ofSecond.requestRewind(conversation, 2)).toBe(true);
    expect(await ofSecond.requestRewind(conversation, 3)).toBe(true);
    expect(await ofFirst.requestedRewinds()).toEqual([{ conversationId: conversation, position: 2 }]);
    expect(await ofSecond.requestedRewinds()).toEqual([]);
    // A delivery that ends meanwhile, and the end of the conversation, do not lose the request.
    await ofFirst.advance(conversation, EVENTS);
    await ofFirst.settle(conversation);
    await ofFirst.removePosition(conversation);
    expect(await ofFirst.positionOf(conversation)).toBe(2);
    await ofFirst.setPosition(conversation, 2);
    expect(await ofFirst.requestedRewinds()).toEqual([]);

    expect(await ofSecond.requestRewind(conversation, 1)).toBe(true);
    await release(first);
    await own(second);
    expect((await ofSecond.claim(conversation, EVENTS)).position).toBe(1);
    expect(await ofSecond.requestedRewinds()).toEqual([]);
  });

  it('are shown by other servers with their age', async () => {
    const none = { events: 0, changes: 0, conversations: 0, laneCount: 0, lanes: [], oldestAt: undefined };
    await ofFirst.claim(conversation, 3);
    const change = await ofFirst.addChange(conversation, 'one');
    const deleted = randomUUID();
    const tail = await ofFirst.addTail(deleted, lines(4));
    await tail.advance(await tail.peek(1, Infinity));
    await ofFirst.settle(conversation);
    await database.query(
      `INSERT INTO event (conversation, seq, id, kind, source, timestamp, line)
       VALUES ($1, 3, 'e', 'MessageEvent', 'user', '2026-01-02T03:04:05.678901', '{}')`,
      [conversation],
    );
    expect(await ofFirst.remote(10)).toEqual(none);
    await eventually(
      async () => (await ofSecond.remote(0)).events === EVENTS - 3 + 3,
      'the position of the tail',
    );
    const { lanes, ...totals } = await ofSecond.remote(10);
    const oldestAt = Date.parse('2026-01-02T03:04:05.678901');
    expect(totals).toEqual({ events: EVENTS - 3 + 3, changes: 1, conversations: 2, laneCount: 3, oldestAt });
    expect(lanes).toHaveLength(3);
    expect(lanes[0]).toEqual({
      conversationId: conversation,
      kind: 'events',
      pending: 7,
      position: 3,
      oldestAt,
    });
    expect(lanes.slice(1).map(({ kind, pending }) => [kind, pending])).toEqual(
      expect.arrayContaining([
        ['changes', 1],
        ['events', 3],
      ]),
    );
    expect(await ofSecond.remote(0, deleted)).toMatchObject({
      events: 3,
      changes: 0,
      conversations: 1,
      lanes: [],
    });
    await change.remove();
    await tail.remove();
    await ofFirst.removePosition(conversation);
    await eventually(async () => (await ofSecond.remote(1)).conversations === 0, 'nothing pending');
    expect(await ofSecond.remote(1)).toEqual(none);
  });

  it('are removed with their webhook a week after it was used last', async () => {
    await ofFirst.claim(conversation, 3);
    await ofFirst.addTail(conversation, lines(3));
    await ofFirst.heartbeat();
    await second.deliveries.removeUnused(new Set());
    expect(await ofFirst.positionOf(conversation)).toBe(3);
    await database.query(`UPDATE webhook SET used_at = now() - interval '8 days' WHERE id = $1`, [webhook]);
    await second.deliveries.removeUnused(new Set([webhook]));
    expect(await ofFirst.positionOf(conversation)).toBe(3);
    await second.deliveries.removeUnused(new Set());
    expect(await ofFirst.positionOf(conversation)).toBeUndefined();
    expect(await database.query('SELECT FROM webhook_entry WHERE webhook = $1', [webhook])).toEqual([]);
  });
});

async function* lines(count: number): AsyncGenerator<string> {
  for (let index = 0; index < count; index += 1) yield await Promise.resolve(`{"id":${index}}`);
}
