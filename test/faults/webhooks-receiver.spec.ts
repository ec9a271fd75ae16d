import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver, type Behaviour } from '../support/webhook-receiver.js';

const SCRIPT = 'RUN: echo hook\nFINISH: ok';

describe('webhooks with a receiver in trouble', () => {
  let folder: string;
  let receiver: WebhookReceiver;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    receiver = await WebhookReceiver.start();
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (more: Record<string, unknown> = {}) => {
    const hook = { base_url: receiver.url, event_buffer_size: 3, flush_delay: 0.1, retry_delay: 0, ...more };
    const server = await ServerProcess.start({ cwd: folder, env: { OH_WEBHOOKS: JSON.stringify([hook]) } });
    servers.push(server);
    return server;
  };
  const create = (server: ServerProcess, script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script));
  const getsAll = async (conversation: ConversationClient): Promise<void> => {
    const ids = (await conversation.events()).map(({ id }) => id);
    await receiver.has((it) => it.durable(conversation.id).length === ids.length, 'all events');
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(ids);
  };

  it.each<[string, Behaviour, string]>([
    ['answers 500', { status: 500 }, 'it answered 500'],
    ['redirects', { status: 302, headers: { location: '/elsewhere' } }, 'it answered 302'],
    ['cuts the connection', { cut: true }, 'the connection was reset'],
    ['dies in the middle of its answer', { dieAfterStatus: 200 }, 'the response was incomplete'],
  ])('sends the same again to one that %s, and then the rest in order', async (_what, behaviour, reason) => {
    const server = await start();
    receiver.behave = () => behaviour;
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    const ofEvents = () => receiver.received.filter(({ path: at }) => at.startsWith('/hook/events/'));
    await eventually(() => Promise.resolve(ofEvents().length >= 3), 'three attempts');
    const attempts = ofEvents().slice(0, 3);
    // A receiver that had it already knows it by its id.
    expect(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(attempts.map(({ text }) => text)).size).toBe(1);
    expect((await server.request('GET', '/api/webhooks')).body).toMatchObject([{ last_error: { reason } }]);
    receiver.behave = () => ({ status: 200 });
    await getsAll(conversation);
    await receiver.has((it) => it.changes().length === 1, 'the change');
    expect(receiver.received.map(({ path: at }) => at)).not.toContain('/elsewhere');
    const taken = receiver.events(conversation.id).map(({ id }) => id);
    expect(new Set(taken).size).toBe(taken.length);
  });

  it('pauses longer and longer while the receiver is down, and says once that it fails', async () => {
    await receiver.down();
    const server = await start({ num_retries: 1 });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await eventually(
      () => Promise.resolve(/events of conversation .* not delivered/.test(server.log)),
      'the log',
    );
    expect(server.log.match(/events of conversation .* not delivered/g)).toHaveLength(1);
    await server.logs('the connection was refused');
    await receiver.up();
    await getsAll(conversation);
  });

  it('delivers other conversations while the events of one are refused', async () => {
    const server = await start({ retry_delay: 1 });
    const poisoned = await create(server, SCRIPT);
    receiver.behave = ({ headers, path: at }) => ({
      status: headers['x-conversation-id'] === poisoned.id && at.includes('/events/') ? 400 : 200,
    });
    await poisoned.send(SCRIPT);
    const fine = await Promise.all([1, 2, 3].map(() => create(server, SCRIPT)));
    for (const conversation of fine) {
      await conversation.reaches('finished');
      await getsAll(conversation);
    }
    receiver.behave = () => ({ status: 200 });
    await poisoned.reaches('finished');
    await getsAll(poisoned);
  });

  it('gives up changes that the receiver does not want, and no events', async () => {
    const server = await start({ num_retries: 1 });
    receiver.behave = ({ path: at }) => ({ status: at.endsWith('/conversations') ? 404 : 200 });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await getsAll(conversation);
    await eventually(() => Promise.resolve(server.log.includes('; dropped')), 'the log');
    expect(receiver.received.filter(({ path: at }) => at.endsWith('/conversations'))).toHaveLength(2);
  });

  it.each([
    ['one trouble of another kind', [500]],
    ['more of it than there are retries', [500, 503, 500, 500]],
  ])('counts for that only refusals in a row: %s comes first', async (_what, troubles) => {
    const server = await start({ num_retries: 1 });
    const answers = [...troubles, 404, 404];
    receiver.behave = ({ path: at }) => ({
      status: at.endsWith('/conversations') ? (answers.shift() ?? 200) : 200,
    });
    const conversation = await create(server);
    await eventually(() => Promise.resolve(server.log.includes('; dropped')), 'the log');
    expect(answers).toEqual([]);
    await server.request('PATCH', conversation.route, { title: 'after that' });
    await receiver.has((it) => it.changes().length === 1, 'the next change');
    expect(receiver.changes()).toMatchObject([{ title: 'after that' }]);
  });

  it('answers a deletion at once while the receiver hangs, and delivers its events afterwards', async () => {
    const server = await start();
    receiver.behave = () => ({ hang: true });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await receiver.has((it) => it.received.some(({ path: at }) => at.includes('/events/')), 'a request');
    const ids = (await conversation.events()).map(({ id }) => id);
    const startedAt = Date.now();
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    expect(Date.now() - startedAt).toBeLessThan(5000);
    expect((await server.request('GET', conversation.route)).status).toBe(404);
    const pending = async () => {
      const [status] = (await server.request('GET', '/api/webhooks')).body as Record<string, number>[];
      return status?.['pending_events'] ?? -1;
    };
    // At least: there are snapshots, too.
    expect(await pending()).toBeGreaterThanOrEqual(ids.length);

    receiver.behave = () => ({ status: 200 });
    // The requests that hang end with their connections.
    await receiver.down();
    await receiver.up();
    await receiver.has((it) => it.durable(conversation.id).length === ids.length, 'all events');
    expect(receiver.durable(conversation.id).map(({ id }) => id)).toEqual(ids);
    await receiver.has((it) => it.changes().at(-1)?.['execution_status'] === 'deleting', 'the deletion');
    await eventually(async () => (await pending()) === 0, 'nothing pending');
    const [hook = ''] = await readdir(path.join(folder, 'workspace/conversations/.webhooks'));
    await eventually(async () => {
      const all = await readdir(path.join(folder, 'workspace/conversations/.webhooks', hook), {
        recursive: true,
        withFileTypes: true,
      });
      return all.every((entry) => entry.isDirectory() || entry.name === 'owner.json');
    }, 'an empty folder');
  });

  it('keeps its pace, and ends in time, with a receiver that hangs', async () => {
    const server = await start();
    receiver.behave = () => ({ hang: true });
    const conversations = await Promise.all([1, 2, 3, 4, 5, 6].map(() => create(server, SCRIPT)));
    for (const conversation of conversations) await conversation.reaches('finished');
    const startedAt = Date.now();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(6000);
  });

  it('takes a receiver that talks without end for one that has it', async () => {
    const server = await start();
    receiver.behave = () => ({ status: 200, body: 'x'.repeat(1_000_000) });
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await getsAll(conversation);
    const taken = receiver.events(conversation.id).map(({ id }) => id);
    expect(new Set(taken).size).toBe(taken.length);
  });
});
