import path from 'node:path';
import { FaultCluster, LEASE_SECONDS } from '../support/cluster/fault-cluster.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { describeWithPostgres, PostgresInstance } from '../support/postgres.js';
import { pick, randomOf } from '../support/random.js';
import { ResumingSocket } from '../support/resuming-socket.js';
import { eventually } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** `npm run test:faults` sets it to 60: then 200 kills of servers, and 30 of PostgreSQL. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 0);
const KILLS = ROUNDS === 0 ? 2 : Math.ceil((ROUNDS * 10) / 3);
const DATABASE_KILLS = ROUNDS === 0 ? 1 : Math.ceil(ROUNDS / 2);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const WRITERS = ROUNDS === 0 ? 5 : 8;
/** What a writer waits after each message (ms): nobody has to be kept busy while a lease ends. */
const WRITER_PAUSE_MS = ROUNDS === 0 ? 30 : 0;
/** A machine that is busy with other tests starts and answers late. What was measured is printed. */
const LATE_MS = ROUNDS === 0 ? 60_000 : 10_000;

describeWithPostgres(`a cluster whose servers and database are killed (FAULT_SEED=${SEED})`, () => {
  let postgres: PostgresInstance;
  let receiver: WebhookReceiver;
  let cluster: FaultCluster;
  const ledger = new Ledger();
  const sockets: ResumingSocket[] = [];
  const random = randomOf(SEED);
  /** How long conversations had no writer after the kill of their owner (ms). */
  const gaps: number[] = [];

  beforeAll(async () => {
    postgres = await PostgresInstance.start({ durable: true });
    receiver = await WebhookReceiver.start();
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.05, retry_delay: 0 };
    cluster = await FaultCluster.start(postgres.url(), { OH_WEBHOOKS: JSON.stringify([hook]) });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.stop();
    await cluster.stop();
    await receiver.down();
    await postgres.stop();
  });

  it(
    'loses and doubles nothing that it acknowledged, and continues within the lease',
    async () => {
      const conversations = await Promise.all(Array.from({ length: WRITERS }, () => create()));
      const load = new AbortController();
      const writers = conversations.map((one, index) => write(one, `w${index}`, load.signal));
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await killServer(load.signal);
        if (Math.floor((kill * DATABASE_KILLS) / KILLS) > Math.floor(((kill - 1) * DATABASE_KILLS) / KILLS))
          await killDatabase();
      }
      load.abort();
      await Promise.all(writers);
      const { clients } = cluster;
      await ledger.check(clients);
      for (const socket of sockets) {
        const events = await new ConversationClient(clients, socket.conversationId).events();
        await eventually(() => socket.ids.length >= events.length, 'the events on the socket');
        expect(socket.problems).toEqual([]);
        expect(socket.ids).toEqual(events.map(({ id }) => id));
      }
      const delivered = await ledger.checkDelivery(clients, receiver);
      gaps.sort((a, b) => a - b);
      const p95 = gaps[Math.ceil(gaps.length * 0.95) - 1] ?? 0;
      process.stderr.write(
        `FAULT_SEED=${SEED}: ${KILLS} kills of servers, ${DATABASE_KILLS} of PostgreSQL, ` +
          `${ledger.acknowledged} acknowledgements, ${delivered} events delivered, nothing lost or doubled; ` +
          `without a writer p50 ${gaps[gaps.length >> 1]} ms, p95 ${p95} ms of ${gaps.length}\n`,
      );
      expect(p95).toBeLessThan(LEASE_SECONDS * 1000 + LATE_MS);
    },
    120_000 + KILLS * 20_000,
  );

  async function create(): Promise<ConversationClient> {
    const request = scriptedRequest(path.join(cluster.folder, 'work'));
    const made = await ledger.createSoon(cluster.clients, request);
    sockets.push(new ResumingSocket(cluster.clients, made.id));
    return made;
  }

  /** Sends messages, of which some start runs. */
  async function write(to: ConversationClient, name: string, signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted;) {
      const isRun = index % 6 === 0;
      const text = isRun ? `RUN: echo ${name}-${index}\nFINISH: ok` : `SAY: ${name}-${index}`;
      // Sent again with its key until it is accepted: the server knows the last keys only.
      const isTaken = await says(to, text, isRun);
      if (isTaken) index += 1;
      await new Promise((resolve) => setTimeout(resolve, isTaken ? WRITER_PAUSE_MS : 20));
    }
  }

  /** Whether a message was accepted. Without an answer it may be there: the ledger sends it again. */
  async function says(to: ConversationClient, text: string, run: boolean): Promise<boolean> {
    return ledger.say(to, text, run).catch(() => false);
  }

  async function killServer(signal: AbortSignal): Promise<void> {
    const until = ledger.acknowledged + 10 + Math.floor(random() * 80);
    await eventually(() => ledger.acknowledged >= until, 'more acknowledgements');
    const member = pick(cluster.members, random);
    if (!member) throw new Error('the cluster has no servers');
    const owned = await cluster.ownedBy(member);
    const killed = performance.now();
    await cluster.kill(member);
    const probes = owned.map(async (id, index) => {
      const to = new ConversationClient(cluster.clients, id);
      while (!(await says(to, `SAY: after ${killed}-${index}`, false)) && !signal.aborted)
        await new Promise((resolve) => setTimeout(resolve, 20));
      gaps.push(Math.round(performance.now() - killed));
    });
    await Promise.all(probes);
    await cluster.startAgain(member);
  }

  async function killDatabase(): Promise<void> {
    const until = ledger.acknowledged + 10;
    await eventually(() => ledger.acknowledged >= until, 'more acknowledgements');
    await postgres.end('immediate');
    await new Promise((resolve) => setTimeout(resolve, random() * 500));
    await postgres.startAgain();
    const after = ledger.acknowledged + 10;
    await eventually(() => ledger.acknowledged >= after, 'acknowledgements after the restart of PostgreSQL');
  }
});
