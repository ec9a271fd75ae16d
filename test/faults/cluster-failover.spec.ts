import path from 'node:path';
import { FaultCluster } from '../support/cluster/fault-cluster.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { describeWithPostgres, PostgresInstance, queryOn } from '../support/postgres.js';
import { ResumingSocket } from '../support/resuming-socket.js';
import { eventually } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

describeWithPostgres('a cluster whose database fails over to a standby', () => {
  let primary: PostgresInstance;
  let standby: PostgresInstance;
  let address: TcpProxy;
  let cluster: FaultCluster;
  const ledger = new Ledger();
  const sockets: ResumingSocket[] = [];

  beforeAll(async () => {
    primary = await PostgresInstance.start({ durable: true });
    await primary.end();
    standby = await PostgresInstance.start({ durable: true, from: primary, standbyOf: primary.url() });
    await primary.configure({ synchronous_standby_names: '*', synchronous_commit: 'remote_apply' });
    await primary.startAgain();
    await eventually(
      async () => (await queryOn(primary.url(), 'SELECT FROM pg_stat_replication')).length === 1,
      'the standby',
    );
    address = await TcpProxy.start(primary.url());
    cluster = await FaultCluster.start(address.url);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.stop();
    await cluster.stop();
    await address.stop();
    await standby.stop();
    await primary.stop();
  });

  it('has everything that was acknowledged, once and in order, and continues on the standby', async () => {
    const load = new AbortController();
    const conversations = await Promise.all(
      Array.from({ length: 4 }, () =>
        ledger.createSoon(cluster.clients, scriptedRequest(path.join(cluster.folder, 'work'))),
      ),
    );
    const writers = conversations.map(async (one, writer) => {
      sockets.push(new ResumingSocket(cluster.clients, one.id));
      for (let index = 0; !load.signal.aborted; index += 1) {
        await ledger.say(one, `SAY: ${writer}-${index}`, index % 5 === 0).catch(() => false);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const before = ledger.acknowledged + 60;
    await eventually(() => ledger.acknowledged >= before, 'acknowledgements of the primary');
    await primary.end('immediate');
    const failed = performance.now();
    await standby.promote();
    address.cutAll(standby.url());
    const atFailover = ledger.acknowledged;
    await eventually(() => ledger.acknowledged > atFailover, 'the first acknowledgement of the standby');
    process.stderr.write(`failover: no writer for ${Math.round(performance.now() - failed)} ms\n`);
    await eventually(() => ledger.acknowledged >= atFailover + 60, 'acknowledgements of the standby');
    load.abort();
    await Promise.all(writers);
    await ledger.check(cluster.clients);
    for (const { conversationId, ids, problems } of sockets) {
      const events = await new ConversationClient(cluster.clients, conversationId).events();
      await eventually(() => ids.length >= events.length, 'the events on the socket');
      expect(problems).toEqual([]);
      expect(ids).toEqual(events.map(({ id }) => id));
    }
  });
});
