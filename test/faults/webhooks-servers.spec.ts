import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { ServerPool } from '../support/cluster/server-pool.js';
import { describeWithPostgres, PostgresInstance, queryOn, TestDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SCRIPT = 'TOOL: think {"thought": "hook"}\nFINISH: ok';
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
  let workspace: string;
  let receiver: WebhookReceiver;
  let postgres: PostgresInstance;
  let url: string;
  let servers: ServerPool;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cluster-'));
    postgres = await PostgresInstance.start();
    receiver = await WebhookReceiver.start();
  });
  beforeEach(async () => {
    receiver.behave = () => ({ status: 200 });
    workspace = await mkdtemp(path.join(folder, 'work-'));
  });
  afterAll(async () => {
    await postgres.stop();
    await receiver.down();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  /** Servers with a database of their own. @param retry_delay seconds after a first failure */
  const withServers = (retry_delay: number): void => {
    beforeAll(async () => {
      ({ url } = await TestDatabase.create(postgres.url()));
      const below = await mkdtemp(path.join(folder, 'servers-'));
      const hook = {
        base_url: receiver.url,
        name: 'audit',
        event_buffer_size: 2,
        flush_delay: 0.1,
        retry_delay,
      };
      const env = {
        OH_DATABASE_URL: url,
        OH_SERVER_LEASE_SECONDS: String(LEASE),
        OH_WORKSPACES_SHARED: 'true',
        OH_CONVERSATIONS_PATH: path.join(below, 'conversations'),
        OH_SECRET_KEY: 'the key of the cluster',
        OH_WEBHOOKS: JSON.stringify([hook]),
      };
      servers = new ServerPool(below, (cwd) => ServerProcess.start({ cwd, env }));
    });
    afterAll(() => servers.stop());
  };
  const create = (server: ServerProcess, script?: string): Promise<ConversationClient> =>
    ConversationClient.create(server, scriptedRequest(workspace, script));
  const finished = async (server: ServerProcess): Promise<ConversationClient> => {
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    return conversation;
  };
  /** The ids of all stored events, in order. */
  const stored = async ({ id }: ConversationClient): Promise<string[]> =>
    (await queryOn(url, 'SELECT id FROM event WHERE conversation = $1 ORDER BY seq', [id])).map((row) =>
      String(row['id']),
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
  const nothingPending = (server: ServerProcess): Promise<void> =>
    eventually(async () => {
      const { pending_events, pending_changes, pending_conversations } = await details(server);
      return pending_events + pending_changes + pending_conversations === 0;
    }, 'nothing pending');
  const changesOf = ({ id }: ConversationClient): unknown[] =>
    receiver
      .changes()
      .filter((change) => change['id'] === id)
      .map((change) => change['execution_status']);

  describe('that try again at once', () => {
    withServers(0);

    it('are delivered at least once and in order by the servers that are left, also of a deleted conversation', async () => {
      const [first, second, third] = await servers.take(3);
      await nothingPending(first);
      await receiver.down();
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
      for (const server of [first, second, third]) {
        const { pending_events, pending_changes, pending_conversations, oldest_pending_at } =
          await details(server);
        expect(pending_events).toBeGreaterThanOrEqual(count);
        expect([pending_changes, pending_conversations]).toEqual([6, 5]);
        expect(Math.abs(Date.now() - Date.parse(oldest_pending_at ?? ''))).toBeLessThan(300_000);
      }
      const { lanes } = await details(third);
      expect(lanes.filter(({ state }) => state === 'elsewhere')).toHaveLength(8);

      await servers.end(first, 'SIGKILL');
      await postgres.restart('immediate');
      await servers.end(second, 'SIGKILL');
      await receiver.up();
      for (const [conversation, events] of wanted) await expectDelivered(conversation, events);
      for (const conversation of kept) {
        await receiver.has(() => changesOf(conversation).length > 0, 'the creation');
        expect(new Set(changesOf(conversation))).toEqual(new Set(['idle']));
      }
      await receiver.has(() => changesOf(deleted).includes('deleting'), 'the deletion');
      expect(changesOf(deleted)[0]).toBe('idle');
      await nothingPending(third);
      await eventually(
        async () => (await queryOn(url, 'SELECT FROM webhook_entry')).length === 0,
        'no entries',
      );
    });

    it.each(MESSAGE_PAIRS)(
      'lose no acknowledged message when owners are killed after %i pairs of them',
      async (pairs) => {
        let [writer, other] = await servers.take(2);
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
          await servers.end(writer, 'SIGKILL');
          if (kill === 1) await postgres.restart('immediate');
          [writer, other] = [other, await servers.add()];
        }
        await servers.end(other, 'SIGKILL');
        await expectDelivered(conversation, await stored(conversation));
        const texts = receiver
          .durable(conversation.id)
          .filter(({ kind }) => kind === 'MessageEvent')
          .map(messageText);
        expect(texts).toEqual(acknowledged);
      },
    );

    it('are handed over at a shutdown, and delivered once', async () => {
      const [first, second] = await servers.take(2);
      receiver.behave = () => ({ status: 503 });
      const conversations = [await finished(first), await finished(first)];
      const wanted = await Promise.all(conversations.map(stored));
      expect(await servers.end(first, 'SIGTERM')).toBe(0);
      receiver.behave = () => ({ status: 200 });
      for (const [index, conversation] of conversations.entries())
        await expectDelivered(conversation, wanted[index] ?? []);
      for (const { id } of conversations) {
        const all = receiver.events(id).filter(({ key }) => key !== 'full_state');
        expect(all).toHaveLength(receiver.durable(id).length);
      }
      await eventually(async () => (await details(second)).pending_conversations === 0, 'nothing pending');
    });
  });

  describe('whose next attempt after a failure is minutes away', () => {
    withServers(3600);

    it('are attempted at once, and delivered again, on request of any server', async () => {
      receiver.behave = () => ({ status: 503 });
      const [first, second] = await servers.take(2);
      const conversation = await finished(first);
      const wanted = await stored(conversation);
      const { id } = await details(second);
      const redeliver = async (body?: unknown) =>
        second.request('POST', `/api/webhooks/${id}/redeliver`, body);
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
      await servers.end(first, 'SIGTERM');
      receiver.received.length = 0;
      expect((await redeliver(from)).status).toBe(202);
      await expectDelivered(conversation, wanted.slice(2));
    });
  });
});
