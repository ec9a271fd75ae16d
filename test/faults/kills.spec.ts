import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** How often the server is killed. `npm run test:faults` asks for more. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 4);
/** The same seed does the same in the same order; the machine decides how far it comes until the kill. */
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const CLIENTS = 4;

/** What clients were told is done. */
interface Acknowledged {
  /** The texts of the messages of each conversation. */
  texts: Map<string, string[]>;
  titles: Map<string, string>;
  deleted: Set<string>;
  /** Conversations that somebody may have deleted: the answer did not come. */
  unsure: Set<string>;
}

describe(`a server that is killed again and again (FAULT_SEED=${SEED})`, () => {
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
  });
  afterAll(async () => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'has everything that it acknowledged, once, and loads every conversation',
    async () => {
      const random = randomOf(SEED);
      const known: Acknowledged = {
        texts: new Map(),
        titles: new Map(),
        deleted: new Set(),
        unsure: new Set(),
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        server = await ServerProcess.start({ cwd: folder });
        const life = 50 + random() * 700;
        const clients = Array.from({ length: CLIENTS }, (_, client) =>
          work(server, known, randomOf(SEED + round * 100 + client), `${round}-${client}`),
        );
        const killer = setTimeout(() => void server.end('SIGKILL'), life);
        await Promise.all(clients);
        clearTimeout(killer);
        await server.end('SIGKILL');
        server = await ServerProcess.start({ cwd: folder });
        await check(server, known);
        await server.end(random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      }
      expect(known.texts.size).toBeGreaterThan(0);
      server = await ServerProcess.start({ cwd: folder });
      await check(server, known);
    },
    30_000 + ROUNDS * 10_000,
  );

  /** One client that does this and that until the server is gone. */
  async function work(
    at: ServerProcess,
    known: Acknowledged,
    random: () => number,
    name: string,
  ): Promise<void> {
    const mine: string[] = [];
    for (let index = 0; ; index += 1) {
      const id = mine[Math.floor(random() * mine.length)];
      const what = random();
      try {
        if (id === undefined || what < 0.1) {
          const made = await ConversationClient.create(at, scriptedRequest(path.join(folder, 'work')));
          mine.push(made.id);
          known.texts.set(made.id, []);
        } else if (what < 0.15) {
          mine.splice(mine.indexOf(id), 1);
          known.unsure.add(id);
          if ((await at.request('DELETE', `/api/conversations/${id}`)).status === 200) known.deleted.add(id);
        } else if (what < 0.25) {
          const title = `${name}-${index}`;
          // Without an answer it may be this or the one before.
          known.titles.delete(id);
          const { status } = await at.request('PATCH', `/api/conversations/${id}`, { title });
          if (status === 200) known.titles.set(id, title);
        } else {
          const run = what > 0.8;
          const text = run ? `RUN: echo ${name}-${index}\nFINISH: ${name}-${index}` : `SAY: ${name}-${index}`;
          const route = `/api/conversations/${id}/events`;
          const { status } = await at.request('POST', route, userMessage(text, run));
          // As many runs as may be: then the message is there all the same.
          if (status === 200 || status === 429) known.texts.get(id)?.push(text);
        }
      } catch {
        return;
      }
    }
  }

  async function check(at: ServerProcess, known: Acknowledged): Promise<void> {
    await eventually(
      async () => (await at.request('GET', '/api/conversations/count?status=running')).body === 0,
      'the recovery',
    );
    for (const [id, texts] of known.texts) {
      const conversation = new ConversationClient(at, id);
      const { status, body } = await at.request('GET', conversation.route);
      if (known.deleted.has(id)) {
        expect(status).toBe(404);
        continue;
      }
      if (known.unsure.has(id) && status === 404) continue;
      expect(status).toBe(200);
      const title = known.titles.get(id);
      if (title !== undefined) expect(body).toMatchObject({ title });
      const events = await conversation.events();
      expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
      const said = events
        .filter(({ kind, source }) => kind === 'MessageEvent' && source === 'user')
        .map(textOf);
      expect(said).toEqual(expect.arrayContaining(texts));
      expect(new Set(said).size).toBe(said.length);
      expect(events.filter(({ code }) => code === 'DamagedEvent')).toEqual([]);
    }
    expect(at.log).not.toMatch(/is left out|events are missing/);
  }
});

function textOf(event: Record<string, unknown>): string | undefined {
  return (event['llm_message'] as { content: { text: string }[] }).content[0]?.text;
}

/** Numbers below 1 from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
