import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { FaultCluster, LEASE_SECONDS, type Member } from '../support/cluster/fault-cluster.js';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';
import type { TcpBehaviour } from '../support/tcp-proxy.js';

/** How often all servers create the same conversation; more often with `npm run test:faults`. */
const CREATIONS = process.env['FAULT_ROUNDS'] === undefined ? 2 : 10;

describeWithDatabase('a server of a cluster that is cut off or frozen', () => {
  let database: TestDatabase;
  let cluster: FaultCluster;
  const ledger = new Ledger();

  beforeAll(async () => {
    database = await TestDatabase.create();
    cluster = await FaultCluster.start(database.url);
  });
  afterEach(() => {
    for (const member of cluster.members) {
      member.proxy.behave();
      member.isDown = false;
    }
  });
  afterAll(async () => {
    await cluster.stop();
    await database.drop();
  });

  const request = (script?: string) => scriptedRequest(path.join(cluster.folder, 'work'), script);

  /** Creates a conversation whose owner is known. */
  async function create(script?: string): Promise<{ one: ConversationClient; owner: Member }> {
    const made = await ledger.create(cluster.clients, request(script));
    if (!made) throw new Error('no conversation');
    return { one: made, owner: await ownerOf(made.id) };
  }

  async function ownerOf(id: string): Promise<Member> {
    let owner: Member | undefined;
    await eventually(async () => {
      for (const member of cluster.members) if ((await cluster.ownedBy(member)).includes(id)) owner = member;
      return owner !== undefined;
    }, 'an owner');
    if (!owner) throw new Error('there is no owner');
    return owner;
  }

  /** Waits until somebody else accepts a message. */
  async function takenOver(one: ConversationClient, text: string): Promise<void> {
    let attempt = 0;
    await eventually(
      () => ledger.say(one, `SAY: ${text} ${(attempt += 1)}`, false).catch(() => false),
      'the take-over',
    );
  }

  it.each<[string, TcpBehaviour]>([
    ['refused', { drop: true }],
    ['silent', { freeze: true }],
  ])(
    'stops by itself when its database is away (%s), and another server continues',
    async (name, behaviour) => {
      const { one, owner } = await create('RUN: echo started; sleep 600\nFINISH: never');
      await one.startsTool();
      owner.proxy.behave(behaviour);
      owner.isDown = true;
      const alone = cluster.only(owner);
      await takenOver(one, name);
      // The run of the server that is cut off has ended there, and it refuses to write.
      const refused = await alone.request('POST', `${one.route}/events`, userMessage('SAY: cut off', false));
      expect([502, 503, 504]).toContain(refused.status);
      await eventually(async () => (await alone.request('GET', '/ready')).status === 503, 'the outage');
      owner.proxy.behave();
      owner.isDown = false;
      await eventually(
        async () => (await alone.request('GET', '/ready')).status === 200,
        'the end of the outage',
      );
      await ledger.check(cluster.clients, [one.id]);
      const events = await one.on(alone).events();
      expect(events).toEqual(await one.events());
      expect(events.filter(({ kind }) => kind === 'ConversationErrorEvent').length).toBe(1);
      expect(JSON.stringify(events)).not.toContain('SAY: cut off');
    },
  );

  it('writes nothing when it wakes after others have taken over', async () => {
    const { one, owner } = await create('RUN: until [ -e go ]; do sleep 0.05; done\nFINISH: never');
    await one.startsTool();
    cluster.freeze(owner);
    await takenOver(one, 'frozen');
    cluster.wake(owner);
    await ledger.check(cluster.clients, [one.id]);
    const alone = one.on(cluster.only(owner));
    await ledger.say(alone, 'SAY: through the one that was frozen', false);
    await ledger.check(cluster.clients, [one.id]);
    expect(await alone.events()).toEqual(await one.events());
    expect((await one.events()).filter(({ kind }) => kind === 'ObservationEvent')).toEqual([]);
  });

  it('answers with what others have written meanwhile as soon as it wakes', async () => {
    const { one, owner } = await create();
    cluster.freeze(owner);
    await takenOver(one, 'meanwhile');
    const written = (await one.events()).length;
    // What it finds out about its lease comes later than the request.
    owner.proxy.behave({ delayMs: 40 });
    const answer = cluster.only(owner).request('GET', `${one.route}/events/search`);
    cluster.wake(owner);
    const { status, body } = await answer;
    expect({ status, body }).toMatchObject({ status: 200, body: { items: { length: written } } });
  });

  it('leaves a conversation that all servers want at the same time to one of them', async () => {
    for (let round = 0; round < CREATIONS; round += 1) {
      const id = randomUUID();
      const servers = cluster.members.map((member) => cluster.only(member));
      const made = await Promise.all(
        servers.map((server) =>
          server.request('POST', '/api/conversations', { ...request(), conversation_id: id }),
        ),
      );
      expect(made.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
      const said = await Promise.all(
        servers.map((server, index) =>
          server.request('POST', `/api/conversations/${id}/events`, userMessage(`SAY: ${index}`, false)),
        ),
      );
      expect(said.map(({ status }) => status)).toEqual([200, 200, 200]);
      const one = new ConversationClient(cluster.clients, id);
      const messages = (await one.events('&kind=MessageEvent')).filter(({ source }) => source === 'user');
      expect(messages.length).toBe(3);
    }
  });

  it('leaves the conversations of a server that is killed to one of the others', async () => {
    const { one, owner } = await create();
    await cluster.kill(owner);
    const others = cluster.members.filter((member) => member !== owner).map((member) => cluster.only(member));
    const killed = performance.now();
    await Promise.all(
      others.map((server, index) =>
        eventually(
          () => ledger.say(one.on(server), `SAY: ${index} ${performance.now()}`, false).catch(() => false),
          'the take-over',
        ),
      ),
    );
    process.stderr.write(`without a writer for ${Math.round(performance.now() - killed)} ms\n`);
    expect(performance.now() - killed).toBeLessThan(LEASE_SECONDS * 1000 + 10_000);
    await cluster.startAgain(owner);
    await ledger.check(cluster.clients, [one.id]);
  });
});
