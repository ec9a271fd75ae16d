import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { scriptedRequest, type ConversationClient } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { randomOf } from '../support/random.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** How often an owner is frozen; more often with `npm run test:faults`. */
const ROUNDS = Math.max(1, Math.floor(Number(process.env['FAULT_ROUNDS'] ?? 4) / 4));
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const CONVERSATIONS = 4;

/**
 * Two servers share a folder. The owner of the conversations is frozen while it writes, until the other
 * server has taken over; then it wakes and continues.
 */
describe(`a server that is frozen past its lease (FAULT_SEED=${SEED})`, () => {
  let folder: string;
  let receiver: WebhookReceiver;
  let servers: [ServerProcess, ServerProcess];
  const ledger = new Ledger();
  const random = randomOf(SEED);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    receiver = await WebhookReceiver.start();
    servers = [await start(), await start()];
  });
  afterAll(async () => {
    ledger.close();
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const start = () => {
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.05, retry_delay: 0 };
    const env = { OH_LEASE_TTL_SECONDS: '1', OH_WEBHOOKS: JSON.stringify([hook]) };
    return ServerProcess.start({ cwd: folder, env });
  };

  it(
    'writes nothing after it wakes, and everything that either server acknowledged is stored once',
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const [owner, other] = round % 2 === 0 ? servers : [servers[1], servers[0]];
        const conversations = await make(owner);
        await freezeAndWake(owner, other, conversations, round);
        await ledger.check(
          other,
          conversations.map(({ id }) => id),
        );
      }
      const [one, two] = servers;
      await one.end('SIGTERM');
      await ledger.check(two);
      const delivered = await ledger.checkDelivery(two, receiver);
      process.stderr.write(
        `FAULT_SEED=${SEED}: ${ROUNDS} times frozen, ${ledger.all.length} conversations, ` +
          `${ledger.acknowledged} acknowledgements, ${delivered} events delivered, nothing lost or doubled\n`,
      );
    },
    60_000 + ROUNDS * 30_000,
  );

  async function make(owner: ServerProcess): Promise<ConversationClient[]> {
    const made = await Promise.all(
      Array.from({ length: CONVERSATIONS }, () =>
        ledger.create(owner, scriptedRequest(path.join(folder, 'work'))),
      ),
    );
    const conversations = made.filter((one) => one !== undefined);
    for (const conversation of conversations) ledger.listen(conversation);
    return conversations;
  }

  async function freezeAndWake(
    owner: ServerProcess,
    other: ServerProcess,
    conversations: readonly ConversationClient[],
    round: number,
  ): Promise<void> {
    const load = new AbortController();
    const clients = conversations.flatMap((conversation, index) => [
      write(conversation, `${round}-${index}-owner`, load.signal),
      rename(conversation, `${round}-${index}`, load.signal),
    ]);
    const until = ledger.acknowledged + 20 + Math.floor(random() * 60);
    await eventually(() => Promise.resolve(ledger.acknowledged >= until), 'some acknowledgements');
    process.kill(owner.pid, 'SIGSTOP');
    // All but one, which the owner still has when it wakes.
    const taken = conversations.slice(1).map((conversation) => conversation.on(other));
    for (const [index, conversation] of taken.entries()) {
      await eventually(
        () => ledger.say(conversation, `SAY: ${round}-${index} taken over`, random() < 0.5),
        'the takeover',
      );
    }
    const second = taken.map((conversation, index) =>
      write(conversation, `${round}-${index}-other`, load.signal),
    );
    process.kill(owner.pid, 'SIGCONT');
    const after = ledger.acknowledged + 60;
    await eventually(() => Promise.resolve(ledger.acknowledged >= after), 'more acknowledgements');
    load.abort();
    await Promise.all([...clients, ...second]);
    // The conversation that was not taken over continues at its owner.
    const [kept] = conversations;
    if (kept) await eventually(() => ledger.say(kept, `SAY: ${round} kept`, false), 'the one that was kept');
  }

  /** Sends messages, some of which run tools. */
  async function write(to: ConversationClient, name: string, signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted; index += 1) {
      const text = index % 5 === 0 ? `RUN: echo ${name}-${index}\nFINISH: ok` : `SAY: ${name}-${index}`;
      await ledger.say(to, text, index % 5 === 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function rename(of: ConversationClient, name: string, signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted; index += 1) {
      await ledger.rename(of, `${name}-${index}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
});
