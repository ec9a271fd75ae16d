import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SCRIPT = 'RUN: echo hook\nFINISH: ok';
const hex = (id: string): string => id.replaceAll('-', '');

const KEY = 'key-a';
const SECRET = Buffer.alloc(32, 7);
const common = { event_buffer_size: 3, flush_delay: 0.2, retry_delay: 0 };

/** The webhooks of the server that most tests share. Each has a receiver, whose address is given. */
const HOOKS: Record<string, (url: string) => Record<string, unknown>> = {
  plain: (url) => ({ ...common, flush_delay: 1, base_url: `${url}/`, headers: { 'X-Extra': 'yes' } }),
  late: (url) => ({ ...common, base_url: url, event_buffer_size: 1000, flush_delay: 1 }),
  small: (url) => ({ ...common, base_url: url, event_buffer_size: 1000, max_batch_bytes: 2000 }),
  PUT: (url) => ({ webhook_url: `${url}/x?token=t`, method: 'PUT', flush_delay: 3 }),
  PATCH: (url) => ({ webhook_url: `${url}/x?token=t`, method: 'PATCH', flush_delay: 3 }),
  signed: (url) => ({ ...common, base_url: url, secret: `whsec_${SECRET.toString('base64')}` }),
  query: (url) => ({ ...common, base_url: `${url}/?token=t` }),
};

describe('webhooks', () => {
  let folder: string;
  let server: ServerProcess;
  const receivers = new Map<string, WebhookReceiver>();

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    const hooks: Record<string, unknown>[] = [];
    for (const [name, hook] of Object.entries(HOOKS)) {
      const receiver = await WebhookReceiver.start();
      receivers.set(name, receiver);
      hooks.push(hook(receiver.url));
    }
    const env = { OH_WEBHOOKS: JSON.stringify(hooks), SESSION_API_KEY: KEY };
    server = await ServerProcess.start({ cwd: folder, env, key: KEY });
  });
  afterAll(async () => {
    await server.stop();
    for (const receiver of receivers.values()) await receiver.down();
    await rm(folder, { recursive: true, force: true });
  });

  const create = (script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script));
  const of = (name: string): WebhookReceiver => {
    const receiver = receivers.get(name);
    if (!receiver) throw new Error(`no receiver ${name}`);
    return receiver;
  };
  /** What a receiver got of a conversation. */
  const about = (receiver: WebhookReceiver, id: string) =>
    receiver.received.filter(({ headers }) => headers['x-conversation-id'] === id);
  const batches = (receiver: WebhookReceiver, id: string) =>
    receiver.taken('events').filter(({ headers }) => headers['x-conversation-id'] === id);

  it('receive every event once and in order, in batches, with nulls, after a snapshot', async () => {
    const receiver = of('plain');
    const conversation = await create(SCRIPT);
    const { id } = conversation;
    await receiver.has((it) => it.events(id).some(({ value }) => value === 'finished'), 'the end');
    await receiver.has((it) => it.events(id).at(-1)?.key === 'full_state', 'the last snapshot');

    const stored = await conversation.events();
    expect(receiver.durable(id).map((event) => event.id)).toEqual(stored.map((event) => event.id));
    const all = receiver.events(id);
    expect(new Set(all.map((event) => event.id)).size).toBe(all.length);
    expect(all[0]).toMatchObject({ key: 'full_state', parent_id: null, source: 'environment' });
    expect(all.map(({ kind }) => kind)).not.toContain('StreamingDeltaEvent');
    const message = all.find(({ kind }) => kind === 'MessageEvent');
    expect(Object.keys(message ?? {})).toEqual([
      'id',
      'timestamp',
      'source',
      'parent_id',
      'llm_message',
      'llm_response_id',
      'activated_skills',
      'extended_content',
      'sender',
      'critic_result',
      'kind',
    ]);
    expect(message?.['llm_message']).toMatchObject({ tool_calls: null, name: null, thinking_blocks: [] });

    for (const { method, path: at, headers, text } of batches(receiver, id)) {
      expect([method, at]).toEqual(['POST', `/hook/events/${hex(id)}`]);
      expect(headers).toMatchObject({
        'x-extra': 'yes',
        'x-session-api-key': KEY,
        'x-conversation-id': id,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
      });
      expect(headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/);
      expect(headers['webhook-signature']).toBeUndefined();
      expect((JSON.parse(text) as unknown[]).length).toBeLessThanOrEqual(3);
    }
    expect((JSON.parse(batches(receiver, id)[0]?.text ?? '') as unknown[]).length).toBe(3);
  });

  it('webhooks are notified of creation, pause, interrupt, changes and deletion', async () => {
    const receiver = of('plain');
    const conversation = await create();
    await server.request('POST', `${conversation.route}/pause`);
    await server.request('POST', `${conversation.route}/interrupt`);
    await server.request('PATCH', conversation.route, { title: 'New title', tags: { a: 'b' } });
    const info = await conversation.info();
    await server.request('DELETE', conversation.route);
    const changesOf = () => receiver.changes().filter(({ id }) => id === conversation.id);
    await receiver.has(() => changesOf().length === 5, 'five changes');

    const changes = changesOf();
    expect(changes.map((change) => change['execution_status'])).toEqual([
      'idle',
      'paused',
      'paused',
      'paused',
      'deleting',
    ]);
    expect(changes[3]).toEqual({ ...info, runtime_info: null });
    expect(Object.keys(changes[0] ?? {})).toEqual(Object.keys(info));
    const requests = about(receiver, conversation.id).filter(({ path: at }) => !at.includes('/events/'));
    expect(requests.map(({ method, path: at }) => [method, at])).toEqual(
      changes.map(() => ['POST', '/hook/conversations']),
    );
  });

  it('receive a batch flush_delay seconds after its first event, not sooner', async () => {
    const receiver = of('late');
    const startedAt = Date.now();
    const conversation = await create(SCRIPT);
    await receiver.has((it) => it.events(conversation.id).length > 0, 'the batch');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(950);
    await conversation.reaches('finished');
    expect(receiver.events(conversation.id)[0]?.key).toBe('full_state');
    const { length } = await conversation.events();
    // The last events may be in the next batch if the run took longer.
    await receiver.has((it) => it.durable(conversation.id).length === length, 'all events');
  });

  it('receive large batches in parts, and a single large event alone', async () => {
    const receiver = of('small');
    const conversation = await create(SCRIPT);
    await conversation.reaches('finished');
    const stored = await conversation.events();
    await receiver.has((it) => it.durable(conversation.id).length === stored.length, 'all events');
    const bodies = batches(receiver, conversation.id).map(({ text }) => text);
    const large = bodies.filter((text) => Buffer.byteLength(text) > 2000);
    expect(large.length).toBeGreaterThan(0);
    for (const text of large) expect((JSON.parse(text) as unknown[]).length).toBe(1);
    expect(bodies.some((text) => (JSON.parse(text) as unknown[]).length > 1)).toBe(true);
  });

  it.each(['PUT', 'PATCH'])(
    'accept the older option webhook_url, which is called unchanged, with %s',
    async (method) => {
      const receiver = of(method);
      const conversation = await create(SCRIPT);
      await conversation.reaches('finished');
      const stored = await conversation.events();
      await receiver.has((it) => it.durable(conversation.id).length === stored.length, 'all events');
      const requests = about(receiver, conversation.id);
      expect(requests.map((request) => [request.method, request.path])).toEqual(
        requests.map(() => [method, '/hook/x?token=t']),
      );
      expect((JSON.parse(requests[0]?.text ?? '') as unknown[]).length).toBe(10);
    },
  );

  it('webhooks are signed by the Standard Webhooks scheme', async () => {
    const receiver = of('signed');
    const startedAt = Date.now();
    const conversation = await create(SCRIPT);
    await conversation.reaches('finished');
    await receiver.has((it) => batches(it, conversation.id).length > 1, 'two batches');
    for (const { headers, text } of about(receiver, conversation.id)) {
      const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
      const expected = createHmac('sha256', SECRET).update(`${id}.${timestamp}.${text}`).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${expected}`);
      // In whole seconds.
      expect(Number(timestamp)).toBeGreaterThan(startedAt / 1000 - 2);
      expect(Number(timestamp)).toBeLessThan(Date.now() / 1000 + 2);
    }
  });

  it('webhooks keep the query of their URL at its end', async () => {
    const receiver = of('query');
    const { id } = await create();
    await receiver.has((it) => about(it, id).length >= 2, 'both kinds');
    expect(new Set(about(receiver, id).map(({ path: at }) => at))).toEqual(
      new Set(['/hook/conversations?token=t', `/hook/events/${hex(id)}?token=t`]),
    );
  });
});

describe('webhooks of a server of its own', () => {
  let folder: string;
  let running: ServerProcess | undefined;

  beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'))));
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  /** With a key, if it has a webhook. */
  const start = async (hook: Record<string, unknown> | undefined): Promise<ServerProcess> => {
    const env = hook && { OH_WEBHOOKS: JSON.stringify([hook]), SESSION_API_KEY: KEY };
    return (running = await ServerProcess.start({ cwd: folder, ...(env && { env }) }));
  };

  it('report their deliveries over REST, with a key only and without secrets', async () => {
    const receiver = await WebhookReceiver.start();
    const url = new URL(receiver.url);
    url.username = 'not-for-the-log-user';
    url.password = 'not-for-the-log-password';
    const server = await start({ ...common, base_url: url.href, name: 'mine' });
    const ask = () => server.request('GET', '/api/webhooks', undefined, { 'x-session-api-key': KEY });
    expect((await server.request('GET', '/api/webhooks')).status).toBe(401);
    expect((await ask()).body).toMatchObject([
      {
        name: 'mine',
        url: receiver.url,
        method: 'POST',
        signed: false,
        delivered_events: 0,
        last_error: null,
      },
    ]);
    receiver.behave = () => ({ status: 500 });
    await server.request('POST', '/api/conversations', scriptedRequest(path.join(folder, 'work')), {
      'x-session-api-key': KEY,
    });
    await receiver.has((it) => it.received.length >= 3, 'attempts');
    const [status] = (await ask()).body as Record<string, unknown>[];
    expect(status).toMatchObject({ pending_changes: 1, last_error: { reason: 'it answered 500' } });
    expect(Date.parse(String(status?.['next_attempt_at']))).not.toBeNaN();
    expect(receiver.received[0]?.headers.authorization).toMatch(/^Basic /);
    receiver.behave = () => ({ status: 204 });
    await receiver.has((it) => it.changes().length === 1, 'the change');
    expect(server.log + JSON.stringify((await ask()).body)).not.toMatch(/not-for-the-log/);
    await receiver.down();
  });

  it('webhooks have no effect when none is configured', async () => {
    const server = await start(undefined);
    const request = scriptedRequest(path.join(folder, 'work'), SCRIPT);
    await (await ConversationClient.create(server, request)).reaches('finished');
    expect((await server.request('GET', '/api/webhooks')).body).toEqual([]);
    expect(await readdir(path.join(folder, 'workspace/conversations'))).not.toContain('.webhooks');
  });

  it('webhooks are refused with a reason, without values, when their configuration is invalid', async () => {
    const invalid = {
      base_url: 'http://127.0.0.1:9/',
      secret: 'short',
      headers: { 'X-A': 'not-for-the-log\nvalue' },
    };
    const twice = JSON.stringify([
      { ...invalid, name: 'a' },
      { webhook_url: 'http://127.0.0.1:9/', name: 'a' },
    ]);
    const starting = ServerProcess.start({ cwd: folder, env: { OH_WEBHOOKS: twice } });
    const message = await starting.then(
      () => '',
      (error: unknown) => String(error),
    );
    for (const part of ['webhooks[0].secret', 'webhooks[0].headers', 'webhooks[1].name'])
      expect(message).toContain(part);
    expect(message).not.toMatch(/not-for-the-log|short/);
  });
});
