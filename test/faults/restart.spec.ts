import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  messageText,
  type SeenConversation,
  type SeenEvent,
  type SocketRecorder,
} from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

/** `npm run test:faults` takes the long form. */
const KILLS = process.env['FAULT_ROUNDS'] === undefined ? 3 : 5;
const MODEL_KEY = 'sk-very-secret';

describe('a conversation after the end of its server', () => {
  const fixture = ServerFixture.forTests({ env: { OH_SECRET_KEY: 'a key for tests' } });
  /** Conversations go on in it after the test that has made them. */
  const work = () => path.join(fixture.server.cwd, 'work');
  const create = (script?: string, more: Record<string, unknown> = {}) =>
    fixture.create(script, { workspace: { working_dir: work() }, ...more });
  const run = (script: string, more: Record<string, unknown> = {}) =>
    fixture.run(script, { workspace: { working_dir: work() }, ...more });
  /** The same conversation on the server that runs now. */
  const now = (one: ConversationClient) => one.on(fixture.server);
  const stored = ({ id }: ConversationClient, file: string) =>
    path.join(fixture.server.cwd, 'workspace/conversations', id.replaceAll('-', ''), file);

  describe('that was stopped', () => {
    let done: ConversationClient;
    let running: ConversationClient;
    let socket: SocketRecorder;
    let before: { events: SeenEvent[]; info: SeenConversation };
    /** Conversations with the same events, each with a damaged index. */
    let long: ConversationClient[];
    let messages: SeenEvent[][];
    let broken: ConversationClient;
    let keyed: ConversationClient;

    beforeAll(async () => {
      done = await run('RUN: echo x\nFINISH: ok');
      running = await create('RUN: sleep 1000\nSAY: end');
      await running.startsTool();
      const first = await create();
      await Promise.all(Array.from({ length: 300 }, (_, n) => first.send(`message ${n}`, false)));
      long = [first, await fork(first), await fork(first)];
      messages = await Promise.all(long.map((one) => one.events()));
      broken = await create();
      const llm = { model: 'scripted/test', usage_id: 'agent', api_key: MODEL_KEY };
      keyed = await run('SAY: one', { agent: { llm, tools: [] } });
      socket = await done.listen();
      before = { events: await done.events(), info: await done.info() };
      expect(await fixture.server.end('SIGTERM')).toBe(0);

      const bytes = await readFile(stored(first, 'events.index'));
      const contents = [bytes, bytes.subarray(0, 1000), Buffer.from('of something else')];
      for (const [index, one] of long.entries())
        await writeFile(stored(one, 'events.index'), contents[index] ?? '');
      const metadata = JSON.parse(await readFile(stored(broken, 'metadata.json'), 'utf8')) as object;
      await writeFile(stored(broken, 'metadata.json'), JSON.stringify({ ...metadata, agent: 5 }));
      await fixture.restart();
    });
    const fork = async (one: ConversationClient): Promise<ConversationClient> => {
      const { status, body } = await one.post('fork');
      expect(status).toBe(201);
      return new ConversationClient(fixture.server, (body as { id: string }).id);
    };

    it('is unchanged after a graceful stop, and paused if it was running', async () => {
      expect(socket.closeCode).toBe(1012);
      expect(await now(done).events()).toEqual(before.events);
      expect(await now(done).info()).toEqual(before.info);
      expect(await now(running).status()).toBe('paused');
      await now(done).send('RUN: echo again\nFINISH: ok');
      await now(done).reaches('finished');
    });

    it('shows the same events when the index of its log was damaged', async () => {
      for (const [index, one] of long.entries()) {
        expect(await now(one).events()).toEqual(messages[index]);
        expect(await now(one).events('&kind=MessageEvent')).toHaveLength(300);
      }
    });

    it('is listed when another one cannot be read', async () => {
      const { status, body } = await fixture.server.request('GET', '/api/conversations/search');
      expect(status).toBe(200);
      const listed = (body as { items: { id: string }[] }).items.map(({ id }) => id);
      expect(listed.sort()).toEqual([done, running, ...long, keyed].map(({ id }) => id).sort());
      await fixture.server.logs(`conversation ${broken.id} is left out: metadata.json: not valid: agent`);
    });

    it('uses the stored key of its provider when there is a secret key', async () => {
      const metadata = await readFile(stored(keyed, 'metadata.json'), 'utf8');
      expect(metadata).not.toContain(MODEL_KEY);
      expect(metadata).toContain('gAAAAA');
      await now(keyed).send('SAY: two');
      await now(keyed).reaches('finished');
    });
  });

  it('is not deleted while the server is closing it', async () => {
    const running = await create('RUN: sleep 1000\nSAY: end');
    await running.startsTool();
    const socket = await running.listen();
    const { server } = fixture;
    const ended = server.end('SIGTERM');
    await eventually(() => socket.closeCode !== undefined, 'the end of the sockets');
    // A new connection is not taken any more; one that is open already may be.
    const status = await server.request('DELETE', running.route).then(
      (answer) => answer.status,
      () => undefined,
    );
    expect(status).not.toBe(200);
    expect(await ended).toBe(0);
    await fixture.restart();
    expect(await now(running).status()).toBe('paused');
  });

  describe('that was killed', () => {
    let conversation: ConversationClient;
    let seen: SeenEvent[];
    let idle: ConversationClient;
    let message: unknown;

    beforeAll(async () => {
      idle = await run('FINISH: ok');
      await idle.send('SAY: later', false);
      message = (await idle.info())['last_user_message_id'];
      await eventually(
        async () => (await readFile(stored(idle, 'metadata.json'), 'utf8')).includes(String(message)),
        'the snapshot',
      );
      conversation = await create('RUN: echo one\nRUN: sleep 1000\nSAY: end');
      const socket = await conversation.listen(`/sockets/session/${conversation.id}?after_seq=-1`);
      await eventually(
        () => durable(socket.frames).filter(({ kind }) => kind === 'ActionEvent').length === 2,
        'the second action',
      );
      await fixture.restart('SIGKILL');
      seen = durable(socket.frames);
    });

    it('has every acknowledged event after kill -9 during a run, an error about it, and can continue', async () => {
      const after = now(conversation);
      await after.reaches('paused');
      const events = await after.events();
      expect(events.slice(0, seen.length)).toEqual(seen);
      expect(events.slice(seen.length).map(brief)).toEqual([
        'AgentErrorEvent',
        'ConversationErrorEvent',
        'execution_status=paused',
      ]);
      expect(events.at(-2)).toMatchObject({
        code: 'ServerRestarted',
        classification: { retryable: true, user_action: 'retry' },
      });
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      await after.send('RUN: echo back\nFINISH: ok');
      await after.reaches('finished');
      const lines = await readFile(stored(conversation, 'events.jsonl'), 'utf8');
      expect(lines.trimEnd().split('\n')).toHaveLength((await after.events()).length);
    });

    it('shows a message without a run after kill -9, without being opened', async () => {
      const shown = { last_user_message_id: message, execution_status: 'idle' };
      expect(await now(idle).info()).toMatchObject(shown);
      const { body } = await fixture.server.request('GET', '/api/conversations/search?status=idle');
      expect(JSON.stringify(body)).toContain(idle.id);
    });
  });

  it('loses no acknowledged message over many kills', async () => {
    const conversation = await create();
    const acknowledged: string[] = [];
    for (let round = 0; round < KILLS; round++) {
      const client = now(conversation);
      const killAfter = 20 + round * 50;
      let sent = 0;
      let alive = true;
      const senders = Array.from({ length: 4 }, async (_, sender) => {
        for (let index = 0; alive; index++) {
          const text = `${round}-${sender}-${index}`;
          try {
            await client.send(text, false);
          } catch {
            return;
          }
          acknowledged.push(text);
          sent += 1;
          if (sent === killAfter) {
            alive = false;
            void client.server.end('SIGKILL');
          }
        }
      });
      await Promise.all(senders);
      await fixture.restart('SIGKILL');
    }
    const texts = (await now(conversation).events('&kind=MessageEvent')).map(messageText);
    expect(texts).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(texts).size).toBe(texts.length);
    expect(acknowledged.length).toBeGreaterThan(200);
  });
});

function durable(frames: readonly Record<string, unknown>[]): SeenEvent[] {
  return frames.filter(({ type }) => type === 'durable').map(({ event }) => event as SeenEvent);
}
