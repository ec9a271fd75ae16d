import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { describeWithPostgres, PostgresInstance, queryOn } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SCRIPT = 'RUN: echo hook\nFINISH: ok';
/** Seconds after which other servers take over. */
const LEASE = 2;
/** Pairs of messages before a kill; `npm run test:faults` takes all of these. */
const MESSAGE_PAIRS = process.env['FAULT_ROUNDS'] === undefined ? [2] : [1, 2, 3];

interface Status {
  id: string;
  pending_events: number;
  pending_changes: number;
  pending_conversations: number;
  oldest_pending_at: string | null;
  lanes: { conversation_id: string; kind: string; state: string; pending: number }[];
}

describeWithPostgres('webhooks of several servers', () => {
  let folder: string;
  let receiver: WebhookReceiver;
  let database: PostgresInstance;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cluster-'));
    await mkdir(path.join(folder, 'work'));
    receiver = await WebhookReceiver.start();
    database = await PostgresInstance.start();
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
    await database.stop();
    await receiver.down();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  const start = async (more: Record<string, unknown> = {}): Promise<ServerProcess> => {
    const cwd = path.join(folder, `server-${servers.length}`);
    await mkdir(cwd);
    const hook = { base_url: receiver.url, name: 'audit', event_buffer_size: 2, flush_delay: 0.1, ...more };
    const server = await ServerProcess.start({
      cwd,
      env: {
        OH_DATABASE_URL: database.url(),
        OH_SERVER_LEASE_SECONDS: String(LEASE),
        OH_WORKSPACES_SHARED: 'true',
        OH_CONVERSATIONS_PATH: path.join(folder, 'conversations'),
        OH_SECRET_KEY: 'the key of the cluster',
        OH_WEBHOOKS: JSON.stringify([{ retry_delay: 0, ...hook }]),
      },
    });
    servers.push(server);
    return server;
  };
  const create = (server: ServerProcess, script?: string): Promise<ConversationClient> =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script));
  const finished = async (server: ServerProcess): Promise<ConversationClient> => {
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    return conversation;
  };
  /** The ids of all stored events, in order. */
  const stored = async ({ id }: ConversationClient): Promise<string[]> =>
    (await queryOn(database.url(), 'SELECT id FROM event WHERE conversation = $1 ORDER BY seq', [id])).map(
      (row) => String(row['id']),
    );
  const delivered = ({ id }: ConversationClient): string[] => receiver.durable(id).map((event) => event.id);
  const expectDelivered = async (conversation: ConversationClient, wanted: string[]): Promise<void> => {
    await receiver.has(() => delivered(conversation).length >= wanted.length, 'all events');
    expect(delivered(conversation)).toEqual(wanted);
  };
  const details = async (server: ServerProcess): Promise<Status> => {
    const [status] = (await server.request('GET', '/api/webhooks')).body as Status[];
    return (await server.request('GET', `/api/webhooks/${status?.id}`)).body as Status;
  };
  const changesOf = ({ id }: ConversationClient): unknown[] =>
    receiver
      .changes()
      .filter((change) => change['id'] === id)
      .map((change) => change['execution_status']);

  it('are delivered at least once and in order by the servers that are left, also of a deleted conversation', async () => {
    await receiver.down();
    const [first, second, third] = [await start(), await start(), await start()];
    const kept = [
      await finished(first),
      await finished(first),
      await finished(second),
      await finished(third),
    ];
    const deleted = await finished(first);
    const wanted = new Map<ConversationClient, string[]>();
    for (const conversation of [...kept, deleted]) wanted.set(conversation, await stored(conversation));
    expect((await first.request('DELETE', deleted.route)).status).toBe(200);
    const count = [...wanted.values()].flat().length;

    // All servers say what the cluster has pending; snapshots are only counted by their own.
    for (const server of servers) {
      const { pending_events, pending_changes, pending_conversations, oldest_pending_at } =
        await details(server);
      expect(pending_events).toBeGreaterThanOrEqual(count);
      expect([pending_changes, pending_conversations]).toEqual([6, 5]);
      expect(Math.abs(Date.now() - Date.parse(oldest_pending_at ?? ''))).toBeLessThan(300_000);
    }
    const { lanes } = await details(third);
    expect(lanes.filter(({ state }) => state === 'elsewhere')).toHaveLength(8);

    await first.end('SIGKILL');
    await database.restart('immediate');
    await second.end('SIGKILL');
    await receiver.up();
    for (const [conversation, events] of wanted) await expectDelivered(conversation, events);
    for (const conversation of kept) {
      await receiver.has(() => changesOf(conversation).length > 0, 'the creation');
      expect(new Set(changesOf(conversation))).toEqual(new Set(['idle']));
    }
    await receiver.has(() => changesOf(deleted).includes('deleting'), 'the deletion');
    expect(changesOf(deleted)[0]).toBe('idle');
    await eventually(async () => {
      const { pending_events, pending_changes, pending_conversations } = await details(third);
      return pending_events + pending_changes + pending_conversations === 0;
    }, 'nothing pending');
    await eventually(
      async () => (await queryOn(database.url(), 'SELECT FROM webhook_entry')).length === 0,
      'no entries',
    );
  });

  it.each(MESSAGE_PAIRS)(
    'lose no acknowledged message when owners are killed after %i pairs of them',
    async (pairs) => {
      let [writer, other] = [await start(), await start()];
      const conversation = await create(writer);
      const acknowledged: string[] = [];
      for (let kill = 0; kill < 3; kill += 1) {
        for (let count = 0; count < 2 * pairs; count += 1) {
          const text = `message ${kill} ${count}`;
          const message = userMessage(text, false);
          await eventually(async () => {
            const { status } = await writer.request('POST', `${conversation.route}/events`, message);
            return status === 200;
          }, 'a message');
          acknowledged.push(text);
        }
        await writer.end('SIGKILL');
        if (kill === 1) await database.restart('immediate');
        [writer, other] = [other, await start()];
      }
      await other.end('SIGKILL');
      await expectDelivered(conversation, await stored(conversation));
      const texts = receiver
        .durable(conversation.id)
        .filter(({ kind }) => kind === 'MessageEvent')
        .map(messageText);
      expect(texts).toEqual(acknowledged);
    },
  );

  it('are handed over at a shutdown, and delivered once', async () => {
    receiver.behave = () => ({ status: 503 });
    const [first, second] = [await start(), await start()];
    const conversations = [await finished(first), await finished(first)];
    const wanted = await Promise.all(conversations.map(stored));
    expect(await first.end('SIGTERM')).toBe(0);
    receiver.behave = () => ({ status: 200 });
    for (const [index, conversation] of conversations.entries())
      await expectDelivered(conversation, wanted[index] ?? []);
    for (const { id } of conversations) {
      const all = receiver.events(id).filter(({ key }) => key !== 'full_state');
      expect(all).toHaveLength(receiver.durable(id).length);
    }
    await eventually(async () => (await details(second)).pending_conversations === 0, 'nothing pending');
  });

  it('are attempted at once, and delivered again, on request of any server', async () => {
    receiver.behave = () => ({ status: 503 });
    // After the first failures the next attempt is minutes away.
    const [first, second] = [await start({ retry_delay: 3600 }), await start({ retry_delay: 3600 })];
    const conversation = await finished(first);
    const wanted = await stored(conversation);
    const { id } = await details(second);
    const redeliver = async (body?: unknown) => second.request('POST', `/api/webhooks/${id}/redeliver`, body);
    await eventually(async () => {
      const { lanes } = await details(first);
      return lanes.length === 2 && lanes.every(({ state }) => state === 'retrying');
    }, 'both kinds have failed');

    receiver.behave = () => ({ status: 200 });
    expect(await redeliver({ conversation_id: conversation.id })).toMatchObject({
      status: 202,
      body: { conversations: 1, changes: 1 },
    });
    await expectDelivered(conversation, wanted);
    await eventually(async () => (await details(second)).pending_conversations === 0, 'nothing pending');
    expect((await redeliver()).status).toBe(409);

    receiver.received.length = 0;
    const from = { conversation_id: conversation.id, from_event_id: wanted[2] };
    expect((await redeliver({ ...from, from_event_id: 'none' })).status).toBe(404);
    expect(await redeliver(from)).toMatchObject({ status: 202, body: { conversations: 1 } });
    await expectDelivered(conversation, wanted.slice(2));

    // Nobody owns it any more: whoever is asked takes it.
    await first.end('SIGTERM');
    receiver.received.length = 0;
    expect((await redeliver(from)).status).toBe(202);
    await expectDelivered(conversation, wanted.slice(2));
  });
});
