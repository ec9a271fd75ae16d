import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { describeWithDatabase, queryOn, TestDatabase } from '../../../../test/support/postgres.js';
import { PostgresStorages } from '../../../../test/support/postgres-storages.js';
import { eventually } from '../../../../test/support/server-process.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import type { PostgresStorage } from '../postgres-storage.js';

/** All that a server hears of a topic. */
function heardBy({ hints }: PostgresStorage, topic = 'topic'): (string | undefined)[] {
  const heard: (string | undefined)[] = [];
  hints.listen(topic, (payload) => heard.push(payload));
  return heard;
}

describeWithDatabase('PostgresHints', () => {
  const database = TestDatabase.forTests();
  const storages = PostgresStorages.forTests();

  beforeEach(() => {
    for (const level of ['log', 'warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  });
  afterEach(() => void jest.restoreAllMocks());

  it('tells the other servers, each hint once, and only who listens to the topic', async () => {
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => storages.open(database.url)));
    if (!one || !two || !three) return;
    const heard = [heardBy(one), heardBy(two), heardBy(three)];
    const other = heardBy(two, 'other');
    for (const payload of ['a', 'b', 'a', 'b', 'a', '']) one.hints.tell('topic', payload);
    await eventually(() => (heard[1]?.length ?? 0) >= 3 && (heard[2]?.length ?? 0) >= 3);
    two.hints.tell('other', 'x');
    three.hints.tell('topic', 'last');
    await eventually(() => heard[0]?.at(-1) === 'last' && heard[1]?.at(-1) === 'last');
    expect(heard).toEqual([['last'], ['a', 'b', '', 'last'], ['a', 'b', '']]);
    expect(other).toEqual([]);
  });

  it('sends thousands of hints at once', async () => {
    const [one, two] = [await storages.open(database.url), await storages.open(database.url)];
    const heard = heardBy(two);
    const sent = Array.from({ length: 3000 }, (_, index) => `${index}`.padEnd(100, '"'));
    for (const payload of sent) one.hints.tell('topic', payload);
    await eventually(() => heard.length === sent.length);
    expect(heard).toEqual(sent);
  });

  it('rejects payloads that do not fit', async () => {
    const { hints } = await storages.open(database.url);
    for (const payload of ['a'.repeat(201), 'ä', 'a\n'])
      expect(() => hints.tell('topic', payload)).toThrow(RangeError);
  });

  it('says that hints may be lost after its connection was, and hears again', async () => {
    const proxy = await TcpProxy.start(database.url);
    try {
      const [cut, other] = [await storages.open(proxy.url), await storages.open(database.url)];
      const heard = heardBy(cut);
      const hears = (payload: string): Promise<void> =>
        eventually(() => {
          // A hint may be lost while the connection is made again.
          other.hints.tell('topic', payload);
          return heard.at(-1) === payload;
        }, payload);
      await hears('before');
      proxy.cutAll();
      await eventually(() => heard.includes(undefined));
      await hears('after');
      // A network that loses everything without a word is noticed by the heartbeat.
      let lost = false;
      (await cut.leases.acquire(randomUUID())).onLost(() => (lost = true));
      const before = heard.filter((payload) => payload === undefined).length;
      proxy.behave({ freeze: true });
      await eventually(() => lost);
      proxy.behave();
      await eventually(() => heard.filter((payload) => payload === undefined).length > before);
      await hears('again');
    } finally {
      await proxy.stop();
    }
  });

  it('ignores notifications of others', async () => {
    const [one, two] = [await storages.open(database.url), await storages.open(database.url)];
    const heard = heardBy(two);
    const channel = `'agent_server_' || md5(current_schema())`;
    for (const text of [
      '',
      'x',
      '{}',
      '[]',
      '["x"]',
      '["x",1,[],["topic"],["topic",1],[null,"y"]]',
      '[["topic","z"]]',
    ])
      await queryOn(database.url, `SELECT pg_notify(${channel}, $1)`, [text]);
    one.hints.tell('topic', 'ours');
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['ours']);
  });

  it('stops to call a listener that does not listen any more', async () => {
    const [one, two] = [await storages.open(database.url), await storages.open(database.url)];
    const [heard, kept] = [[] as unknown[], heardBy(two)];
    two.hints.listen('topic', (payload) => heard.push(payload))();
    two.hints.listen('topic', () => {
      throw new Error('a listener that fails');
    });
    one.hints.tell('topic', 'a');
    await eventually(() => kept.length > 0);
    expect(heard).toEqual([]);
  });
});
