import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { Ledger } from '../support/ledger.js';
import { pick, randomOf } from '../support/random.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** How often the server is killed; more often with `npm run test:faults`. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 3);
/**
 * The same seed gives the same operations in the same order. How many precede a kill depends on the machine.
 */
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const CLIENTS = 4;
/** The number of conversations that are checked after each kill. After the last one all are. */
const CHECKED_COUNT = 12;

describe(`a server that is killed again and again (FAULT_SEED=${SEED})`, () => {
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;
  let receiver: WebhookReceiver;
  let isKilled = false;
  const ledger = new Ledger();
  const random = randomOf(SEED);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    endpoint = await startScriptedEndpoint({ chunkDelay: 2 });
    receiver = await WebhookReceiver.start();
    const failures = randomOf(SEED + 1);
    receiver.behave = () => {
      const what = failures();
      if (what < 0.92) return { status: 200 };
      return what < 0.96 ? { status: 503 } : { cut: true };
    };
  });
  afterAll(async () => {
    ledger.close();
    await server.end('SIGKILL');
    await receiver.down();
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = () => {
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.05, retry_delay: 0 };
    return ServerProcess.start({ cwd: folder, env: { OH_WEBHOOKS: JSON.stringify([hook]) } });
  };

  it(
    'keeps everything that it acknowledged, once, loads every conversation, and delivers every event',
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        server = await start();
        isKilled = false;
        // Sometimes the next kill comes before any check: in the middle of the recovery.
        if (random() < 0.85) await ledger.check(server, sample());
        // Distributed before any client starts: a deletion would change what the others get.
        const { living } = ledger;
        const clients = Array.from({ length: CLIENTS }, (_, client) => {
          const mine = living.filter((_id, index) => index % CLIENTS === client).slice(-3);
          return work(mine, randomOf(SEED + round * 100 + client), `${round}-${client}`);
        });
        await Promise.all([kill(), ...clients]);
        for (const { body } of endpoint.requests) body.messages = [];
      }
      server = await start();
      await ledger.check(server);
      receiver.behave = () => ({ status: 200 });
      const delivered = await ledger.checkDelivery(server, receiver);
      process.stderr.write(
        `FAULT_SEED=${SEED}: ${ROUNDS} kills, ${ledger.all.length} conversations, ` +
          `${ledger.acknowledged} acknowledgements, ${delivered} events delivered, nothing lost or doubled\n`,
      );
      expect(ledger.acknowledged).toBeGreaterThan(ROUNDS);
    },
    60_000 + ROUNDS * 10_000,
  );

  /** Kills the server after some acknowledgements and a moment more, however fast the machine is. */
  async function kill(): Promise<void> {
    const until = ledger.acknowledged + Math.floor(random() * 80);
    const moment = random() * 30;
    await eventually(() => Promise.resolve(ledger.acknowledged >= until), `acknowledgement ${until}`);
    await new Promise((resolve) => setTimeout(resolve, moment));
    isKilled = true;
    await server.end('SIGKILL');
  }

  function sample(): string[] {
    const recent = ledger.all.slice(-CHECKED_COUNT / 2);
    const others = Array.from({ length: CHECKED_COUNT / 2 }, () => pick(ledger.all, random));
    return [...new Set([...recent, ...others.filter((id) => id !== undefined)])];
  }

  /**
   * One client, which performs random operations until the server is killed.
   * @param ids conversations from before the last kill that it continues. Each has one client at a time,
   *   which knows its last message.
   */
  async function work(ids: readonly string[], random: () => number, name: string): Promise<void> {
    const mine = ids.map((id) => new ConversationClient(server, id));
    for (let index = 0; ; index += 1) {
      try {
        await step(mine, random, `${name}-${index}`);
      } catch (error) {
        if (isKilled) return;
        throw error;
      }
    }
  }

  async function step(mine: ConversationClient[], random: () => number, name: string): Promise<void> {
    const one = pick(mine, random);
    const what = random();
    if (!one || what < 0.08) {
      const made = await ledger.create(server, request(random, name));
      if (!made) return;
      mine.push(made);
      ledger.listen(made);
    } else if (what < 0.12) {
      mine.splice(mine.indexOf(one), 1);
      await ledger.delete(one);
    } else if (what < 0.2) await ledger.rename(one, name);
    else if (what < 0.26) {
      const fork = await ledger.fork(one);
      if (fork) mine.push(fork);
    } else if (what < 0.3) await ledger.pursue(one, `RUN: echo ${name}\nFINISH: ${name}`);
    else if (what < 0.36) await ledger.set(server, name.split('-').slice(0, 2).join('-'), counted());
    else if (what < 0.75) await ledger.say(one, `SAY: ${name}`, false);
    else await ledger.say(one, `RUN: echo ${name}\nSAY: ${'word '.repeat(20)}\nFINISH: ${name}`, true);
  }

  let count = 0;
  const counted = (): number => (count += 1);

  /**
   * A random create request: with the scripted model inside the server or a streaming endpoint, with or
   * without a generated title.
   */
  function request(random: () => number, name: string) {
    const llm =
      random() < 0.5
        ? { model: 'scripted/test', usage_id: 'agent' }
        : { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent', stream: true };
    const agent = { llm, tools: [{ name: 'terminal' }] };
    const script = random() < 0.5 ? `RUN: echo ${name}\nFINISH: ${name}` : undefined;
    return scriptedRequest(path.join(folder, 'work'), script, { agent, autotitle: random() < 0.3 });
  }
});
