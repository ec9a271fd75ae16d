import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** How many messages were acknowledged before each kill; `npm run test:faults` takes all of these. */
const MESSAGES_BEFORE_KILLS = process.env['FAULT_ROUNDS'] === undefined ? [3, 9, 18] : [3, 6, 9, 12, 15, 18];
const SCRIPT = 'TOOL: think {"thought": "hook"}\nFINISH: ok';

describe('webhooks after a restart of the server', () => {
  let folder: string;
  let receiver: WebhookReceiver;
  /** The server of most tests, each of which ends it and goes on with the next one. */
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    receiver = await WebhookReceiver.start();
    server = await start();
  });
  /** The next test begins with nothing pending. */
  afterEach(async () => {
    receiver.behave = () => ({ status: 200 });
    await eventually(async () => {
      const { pending_events, pending_changes, pending_conversations } = await statusOf(server);
      return pending_events === 0 && pending_changes === 0 && pending_conversations === 0;
    }, 'no deliveries');
    receiver.received.length = 0;
  });
  afterAll(async () => {
    await server.end('SIGKILL');
    await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const hook = (more: Record<string, unknown> = {}) => ({
    base_url: receiver.url,
    event_buffer_size: 2,
    flush_delay: 0.1,
    retry_delay: 0,
    ...more,
  });
  const start = (hooks = [hook()], cwd = folder) =>
    ServerProcess.start({ cwd, env: { OH_WEBHOOKS: JSON.stringify(hooks) } });
  const statusOf = async (of: ServerProcess): Promise<Record<string, number>> => {
    const [status] = (await of.request('GET', '/api/webhooks')).body as Record<string, number>[];
    return status ?? {};
  };
  const create = (server: ServerProcess, script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script));
  const ids = async (conversation: ConversationClient) => (await conversation.events()).map(({ id }) => id);
  const expectDelivered = async (
    conversation: ConversationClient,
    wanted: readonly string[],
  ): Promise<void> => {
    await receiver.has((it) => it.durable(conversation.id).length >= wanted.length, 'all events');
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(wanted);
  };
  const positions = async (): Promise<string[]> => {
    const root = path.join(folder, 'workspace/conversations/.webhooks');
    const [one = ''] = await readdir(root);
    return readdir(path.join(root, one, 'cursors'));
  };

  it('continue after kill -9 where they stopped, in order and without losses', async () => {
    const first = server;
    let taken = 0;
    // Accepts two batches and hangs after them.
    receiver.behave = ({ path: at }) =>
      at.includes('/events/') && (taken += 1) <= 2 ? { status: 200 } : { hang: true };
    const conversation = await create(first, SCRIPT);
    await conversation.reaches('finished');
    await receiver.has(() => taken >= 3, 'a third batch');
    const wanted = await ids(conversation);
    await first.end('SIGKILL');
    const before = receiver.events(conversation.id).length;
    expect(before).toBe(4);

    receiver.behave = () => ({ status: 200 });
    const second = (server = await start());
    await expectDelivered(conversation, wanted);
    // Batches that were accepted are not sent again: the position is written after each one.
    const all = receiver.events(conversation.id).map(({ id }) => id);
    expect(new Set(all).size).toBe(all.length);
    await receiver.has((it) => it.changes().length === 1, 'the creation');
    await eventually(async () => (await positions()).length === 0, 'no positions');
    await conversation.on(second).send(SCRIPT);
    await conversation.on(second).reaches('finished');
    await expectDelivered(conversation, await ids(conversation.on(second)));
  });

  it('lose no acknowledged message by kill -9 at any moment', async () => {
    for (const messages of MESSAGES_BEFORE_KILLS) {
      const conversation = await create(server);
      const acknowledged: string[] = [];
      for (let count = 0; count < messages; count += 1) {
        const { status } = await server.request(
          'POST',
          `${conversation.route}/events`,
          userMessage(`message ${count}`, false),
        );
        if (status === 200) acknowledged.push(`message ${count}`);
      }
      await server.end('SIGKILL');
      server = await start();
      await expectDelivered(conversation, await ids(conversation.on(server)));
      const texts = receiver
        .durable(conversation.id)
        .filter(({ kind }) => kind === 'MessageEvent')
        .map(messageText);
      expect(texts).toEqual(acknowledged);
    }
  });

  it('deliver after a restart what a receiver missed while it was down, also of a deleted conversation', async () => {
    await receiver.down();
    const first = server;
    const kept = await create(first, SCRIPT);
    const deleted = await create(first, SCRIPT);
    for (const conversation of [kept, deleted]) await conversation.reaches('finished');
    const wanted = [await ids(kept), await ids(deleted)];
    await first.request('DELETE', deleted.route);
    await first.end('SIGTERM');

    const second = (server = await start());
    const count = (wanted[0]?.length ?? 0) + (wanted[1]?.length ?? 0);
    await eventually(
      async () => ((await statusOf(second))['pending_events'] ?? 0) >= count,
      'both told as pending',
    );
    await receiver.up();
    await expectDelivered(kept, wanted[0] ?? []);
    await expectDelivered(deleted, wanted[1] ?? []);
    await receiver.has((it) => it.changes().length === 3, 'the changes');
    expect(receiver.changes().map((change) => [change['id'], change['execution_status']])).toEqual(
      expect.arrayContaining([
        [kept.id, 'idle'],
        [deleted.id, 'deleting'],
      ]),
    );
    await eventually(async () => (await statusOf(second))['pending_conversations'] === 0, 'nothing pending');
    expect((await kept.on(second).info()).execution_status).toBe('finished');
  });

  it('report the pending events of all conversations that had the same id', async () => {
    await receiver.down();
    const first = server;
    let count = 0;
    let id: string | undefined;
    for (let time = 0; time < 2; time += 1) {
      const request = { ...scriptedRequest(path.join(folder, 'work'), SCRIPT), conversation_id: id };
      const conversation = await ConversationClient.create(first, request);
      await conversation.reaches('finished');
      count += (await ids(conversation)).length;
      await first.request('DELETE', conversation.route);
      id = conversation.id;
    }
    await first.end('SIGTERM');
    server = await start();
    await eventually(
      async () => ((await statusOf(server))['pending_events'] ?? 0) >= count,
      'both told as pending',
    );
    await receiver.up();
  });

  it('send an incomplete batch at a graceful stop', async () => {
    const own = await mkdtemp(path.join(folder, 'own-'));
    const first = await start([hook({ event_buffer_size: 1000, flush_delay: 3600 })], own);
    const conversation = await create(first, SCRIPT);
    await conversation.reaches('finished');
    const wanted = await ids(conversation);
    expect(receiver.taken('events')).toEqual([]);
    expect(await first.end('SIGTERM')).toBe(0);
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(wanted);
  });

  it('deliver only new events to a webhook that was added', async () => {
    const own = await mkdtemp(path.join(folder, 'own-'));
    const first = await start([], own);
    const conversation = await create(first, SCRIPT);
    await conversation.reaches('finished');
    const before = await ids(conversation);
    await first.end('SIGTERM');

    const second = await start([hook()], own);
    await conversation.on(second).send(SCRIPT);
    await conversation.on(second).reaches('finished');
    await expectDelivered(conversation, (await ids(conversation.on(second))).slice(before.length));
    await second.end();
  });

  it('deliver each conversation once when two servers share a folder', async () => {
    const first = server;
    const second = await start();
    const conversations = [await create(first, SCRIPT), await create(second, SCRIPT)];
    for (const conversation of conversations) {
      await conversation.reaches('finished');
      await expectDelivered(conversation, await ids(conversation));
      const all = receiver.events(conversation.id).map(({ id }) => id);
      expect(new Set(all).size).toBe(all.length);
    }
    await receiver.has((it) => it.changes().length === 2, 'the changes');
    await second.end();
  });
});
