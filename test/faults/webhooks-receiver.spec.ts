import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver, type Behaviour } from '../support/webhook-receiver.js';

/** What an answer may take while the receiver hangs (ms): a delivery would wait for it for half a minute. */
const PATIENCE_MS = 20_000;
const SCRIPT = 'TOOL: think {"thought": "hook"}\nFINISH: ok';

describe('webhooks with a failing receiver', () => {
  let receiver: WebhookReceiver;
  /** Servers by what their webhook has besides. */
  const servers = new Map<string, ServerProcess>();

  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
  });
  /** The next test begins with nothing pending. */
  afterEach(async () => {
    receiver.behave = () => ({ status: 200 });
    for (const server of servers.values()) await eventually(() => hasNothingPending(server), 'no deliveries');
    receiver.received.length = 0;
  });
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await receiver.down();
  });

  const start = (more: Record<string, unknown> = {}) => {
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.1, retry_delay: 0, ...more };
    return ServerProcess.start({ env: { OH_WEBHOOKS: JSON.stringify([hook]) } });
  };
  /** A server for several tests. */
  const running = async (more: Record<string, unknown> = {}): Promise<ServerProcess> => {
    const name = JSON.stringify(more);
    const server = servers.get(name) ?? (await start(more));
    servers.set(name, server);
    return server;
  };
  const hasNothingPending = async (server: ServerProcess): Promise<boolean> => {
    const [status] = (await server.request('GET', '/api/webhooks')).body as Record<string, number>[];
    const { pending_events, pending_changes, pending_conversations } = status ?? {};
    return pending_events === 0 && pending_changes === 0 && pending_conversations === 0;
  };
  const create = (server: ServerProcess, script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(server.cwd, 'work'), script));
  const expectAllDelivered = async (conversation: ConversationClient): Promise<void> => {
    const ids = (await conversation.events()).map(({ id }) => id);
    await receiver.has((it) => it.durable(conversation.id).length === ids.length, 'all events');
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(ids);
  };

  it.each<[string, Behaviour, string]>([
    ['answers 500', { status: 500 }, 'it answered 500'],
    ['redirects', { status: 302, headers: { location: '/elsewhere' } }, 'it answered 302'],
    ['cuts the connection', { cut: true }, 'the connection was reset'],
    ['dies in the middle of its answer', { dieAfterStatus: 200 }, 'the response was incomplete'],
  ])(
    'repeat the same request when the receiver %s, and then deliver the rest in order',
    async (_what, behaviour, reason) => {
      const server = await running();
      receiver.behave = () => behaviour;
      const conversation = await create(server, SCRIPT);
      await conversation.reaches('finished');
      const ofEvents = () => receiver.received.filter(({ path: at }) => at.startsWith('/hook/events/'));
      await eventually(() => Promise.resolve(ofEvents().length >= 3), 'three attempts');
      const attempts = ofEvents().slice(0, 3);
      // A receiver recognises a repeated delivery by its id.
      expect(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(new Set(attempts.map(({ text }) => text)).size).toBe(1);
      expect((await server.request('GET', '/api/webhooks')).body).toMatchObject([{ last_error: { reason } }]);
      receiver.behave = () => ({ status: 200 });
      await expectAllDelivered(conversation);
      await receiver.has((it) => it.changes().length === 1, 'the change');
      expect(receiver.received.map(({ path: at }) => at)).not.toContain('/elsewhere');
      const taken = receiver.events(conversation.id).map(({ id }) => id);
      expect(new Set(taken).size).toBe(taken.length);
    },
  );

  it('webhooks with a failing receiver are delivered after the receiver was down, which is logged once', async () => {
    const server = await running({ num_retries: 1 });
    await receiver.down();
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    const line = new RegExp(`events of conversation ${conversation.id} .*not delivered.*`, 'g');
    await server.logs(line);
    const told = (await server.flushedLog()).match(line);
    expect(told).toEqual([expect.stringContaining('the connection was refused')]);
    await receiver.up();
    await expectAllDelivered(conversation);
  });

  it('deliver other conversations while the events of one are refused', async () => {
    const server = await running({ retry_delay: 1 });
    const poisoned = await create(server, SCRIPT);
    receiver.behave = ({ headers, path: at }) => ({
      status: headers['x-conversation-id'] === poisoned.id && at.includes('/events/') ? 400 : 200,
    });
    await poisoned.send(SCRIPT);
    const fine = await Promise.all([1, 2, 3].map(() => create(server, SCRIPT)));
    for (const conversation of fine) {
      await conversation.reaches('finished');
      await expectAllDelivered(conversation);
    }
    receiver.behave = () => ({ status: 200 });
    await poisoned.reaches('finished');
    await expectAllDelivered(poisoned);
  });

  it('drop changes that the receiver refuses, but no events', async () => {
    const server = await running({ num_retries: 1 });
    const { length } = server.log;
    receiver.behave = ({ path: at }) => ({ status: at.endsWith('/conversations') ? 404 : 200 });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await expectAllDelivered(conversation);
    await eventually(() => server.log.includes('; dropped', length), 'what is dropped');
    expect(receiver.received.filter(({ path: at }) => at.endsWith('/conversations'))).toHaveLength(2);
  });

  it.each([
    ['one failure of another kind', [500]],
    ['more failures than there are retries', [500, 503, 500, 500]],
  ])('count only consecutive refusals as retries of a change: %s come first', async (_what, failures) => {
    const server = await running({ num_retries: 1 });
    const { length } = server.log;
    const answers = [...failures, 404, 404];
    receiver.behave = ({ path: at }) => ({
      status: at.endsWith('/conversations') ? (answers.shift() ?? 200) : 200,
    });
    const conversation = await create(server);
    await eventually(() => server.log.includes('; dropped', length), 'what is dropped');
    expect(answers).toEqual([]);
    await server.request('PATCH', conversation.route, { title: 'after that' });
    await receiver.has((it) => it.changes().length === 1, 'the next change');
    expect(receiver.changes()).toMatchObject([{ title: 'after that' }]);
  });

  it('webhooks with a failing receiver do not delay a deletion while the receiver hangs, and deliver its events afterwards', async () => {
    const server = await start();
    receiver.behave = () => ({ hang: true });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await receiver.has((it) => it.received.some(({ path: at }) => at.includes('/events/')), 'a request');
    const ids = (await conversation.events()).map(({ id }) => id);
    const startedAt = Date.now();
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    expect(Date.now() - startedAt).toBeLessThan(PATIENCE_MS);
    expect((await server.request('GET', conversation.route)).status).toBe(404);
    const pending = async () => {
      const [status] = (await server.request('GET', '/api/webhooks')).body as Record<string, number>[];
      return status?.['pending_events'] ?? -1;
    };
    // At least, because snapshots are counted as well.
    expect(await pending()).toBeGreaterThanOrEqual(ids.length);

    receiver.behave = () => ({ status: 200 });
    // Hanging requests end with their connections.
    await receiver.down();
    await receiver.up();
    await receiver.has((it) => it.durable(conversation.id).length === ids.length, 'all events');
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(ids);
    await receiver.has((it) => it.changes().at(-1)?.['execution_status'] === 'deleting', 'the deletion');
    await eventually(async () => (await pending()) === 0, 'nothing pending');
    const [hook = ''] = await readdir(path.join(server.cwd, 'workspace/conversations/.webhooks'));
    await eventually(async () => {
      const all = await readdir(path.join(server.cwd, 'workspace/conversations/.webhooks', hook), {
        recursive: true,
        withFileTypes: true,
      });
      return all.every((entry) => entry.isDirectory() || entry.name === 'owner.json');
    }, 'an empty folder');
    await server.stop();
  });

  it('webhooks with a failing receiver do not delay runs or the shutdown when the receiver hangs', async () => {
    const server = await start();
    receiver.behave = () => ({ hang: true });
    const conversations = await Promise.all([1, 2, 3, 4, 5, 6].map(() => create(server, SCRIPT)));
    for (const conversation of conversations) await conversation.reaches('finished');
    const startedAt = Date.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(PATIENCE_MS);
    await server.stop();
  });

  it('accept an endless answer of the receiver as a delivery', async () => {
    const server = await running();
    receiver.behave = () => ({ status: 200, body: 'x'.repeat(1_000_000) });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await expectAllDelivered(conversation);
    const taken = receiver.events(conversation.id).map(({ id }) => id);
    expect(new Set(taken).size).toBe(taken.length);
  });
});
