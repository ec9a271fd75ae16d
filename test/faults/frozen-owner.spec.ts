import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { scriptedRequest, type ConversationClient } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { randomOf } from '../support/random.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** How often an owner is frozen. `npm run test:faults` asks for more. */
const ROUNDS = Math.max(1, Math.floor(Number(process.env['FAULT_ROUNDS'] ?? 4) / 4));
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const CONVERSATIONS = 4;

/**
 * Two servers share a folder. The one that writes is frozen in the middle of it until the other has taken
 * over, then it wakes and goes on with whatever it was about to do.
 */
describe(`an owner that is frozen past its lease (FAULT_SEED=${SEED})`, () => {
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
    'writes nothing that anybody finds when it wakes: what either acknowledged is there, once',
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
    const storm = new AbortController();
    const clients = conversations.flatMap((conversation, index) => [
      write(conversation, `${round}-${index}-owner`, storm.signal),
      rename(conversation, `${round}-${index}`, storm.signal),
    ]);
    const until = ledger.acknowledged + 20 + Math.floor(random() * 60);
    await eventually(() => Promise.resolve(ledger.acknowledged >= until), 'some acknowledgements');
    process.kill(owner.pid, 'SIGSTOP');
    // All but one: that one the owner still has when it wakes.
    const taken = conversations.slice(1).map((conversation) => conversation.on(other));
    for (const [index, conversation] of taken.entries()) {
      await eventually(
        () => ledger.say(conversation, `SAY: ${round}-${index} taken over`, random() < 0.5),
        'the takeover',
      );
    }
    const second = taken.map((conversation, index) =>
      write(conversation, `${round}-${index}-other`, storm.signal),
    );
    process.kill(owner.pid, 'SIGCONT');
    const after = ledger.acknowledged + 60;
    await eventually(() => Promise.resolve(ledger.acknowledged >= after), 'more acknowledgements');
    storm.abort();
    await Promise.all([...clients, ...second]);
    // The one that nobody has taken goes on where it was.
    const [kept] = conversations;
    if (kept) await eventually(() => ledger.say(kept, `SAY: ${round} kept`, false), 'the one that was kept');
  }

  /** Messages, with tools that run beside them, as fast as they are taken. */
  async function write(to: ConversationClient, name: string, signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted; index += 1) {
      const text = index % 5 === 0 ? `RUN: echo ${name}-${index}\nFINISH: ok` : `SAY: ${name}-${index}`;
      const isTaken = await ledger.say(to, text, index % 5 === 0);
      if (!isTaken) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function rename(of: ConversationClient, name: string, signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted; index += 1) {
      await ledger.rename(of, `${name}-${index}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
});
