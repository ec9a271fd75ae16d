import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const SCRIPT = 'RUN: echo hook\nFINISH: ok';
const hex = (id: string): string => id.replaceAll('-', '');

describe('webhooks', () => {
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

  const start = async (configuration: Record<string, unknown>, env: Record<string, string> = {}) => {
    const server = await ServerProcess.start({
      cwd: folder,
      env: { OH_WEBHOOKS: JSON.stringify([configuration]), ...env },
    });
    servers.push(server);
    return server;
  };
  const create = (server: ServerProcess, script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(folder, 'work'), script));
  const hook = (more: Record<string, unknown> = {}) => ({
    base_url: `${receiver.url}/`,
    event_buffer_size: 3,
    flush_delay: 0.2,
    retry_delay: 0,
    ...more,
  });

  it('receive every event once and in order, in batches, with nulls, after a snapshot', async () => {
    const server = await start(hook({ headers: { 'X-Extra': 'yes' } }), { SESSION_API_KEY: 'key-a' });
    const key = { 'x-session-api-key': 'key-a' };
    const { body } = await server.request(
      'POST',
      '/api/conversations',
      scriptedRequest(path.join(folder, 'work'), SCRIPT),
      key,
    );
    const { id } = body as { id: string };
    const events = async () =>
      (
        (await server.request('GET', `/api/conversations/${id}/events/search?limit=100`, undefined, key))
          .body as { items: { id: string; kind: string; value?: unknown }[] }
      ).items;
    await receiver.has((it) => it.events(id).some(({ value }) => value === 'finished'), 'the end');
    await receiver.has((it) => it.events(id).at(-1)?.key === 'full_state', 'the last snapshot');

    const stored = await events();
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

    for (const { method, path: at, headers, text } of receiver.taken('events')) {
      expect([method, at]).toEqual(['POST', `/hook/events/${hex(id)}`]);
      expect(headers).toMatchObject({
        'x-extra': 'yes',
        'x-session-api-key': 'key-a',
        'x-conversation-id': id,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
      });
      expect(headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/);
      expect(headers['webhook-signature']).toBeUndefined();
      expect((JSON.parse(text) as unknown[]).length).toBeLessThanOrEqual(3);
    }
    expect((JSON.parse(receiver.taken('events')[0]?.text ?? '') as unknown[]).length).toBe(3);
  });

  it('webhooks are notified of creation, pause, interrupt, changes and deletion', async () => {
    const server = await start(hook());
    const conversation = await create(server);
    await server.request('POST', `${conversation.route}/pause`);
    await server.request('POST', `${conversation.route}/interrupt`);
    await server.request('PATCH', conversation.route, { title: 'New title', tags: { a: 'b' } });
    const info = await conversation.info();
    await server.request('DELETE', conversation.route);
    await receiver.has((it) => it.changes().length === 5, 'five changes');

    const changes = receiver.changes();
    expect(changes.map((change) => change['execution_status'])).toEqual([
      'idle',
      'paused',
      'paused',
      'paused',
      'deleting',
    ]);
    expect(changes[3]).toEqual({ ...info, runtime_info: null });
    expect(Object.keys(changes[0] ?? {})).toEqual(Object.keys(info));
    for (const { method, path: at, headers } of receiver.taken('conversations')) {
      expect([method, at]).toEqual(['POST', '/hook/conversations']);
      expect(headers['x-conversation-id']).toBe(conversation.id);
    }
  });

  it('receive a batch flush_delay seconds after its first event, not sooner', async () => {
    const server = await start(hook({ event_buffer_size: 1000, flush_delay: 1 }));
    const startedAt = Date.now();
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await receiver.has((it) => it.taken('events').length > 0, 'the batch');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(950);
    expect(receiver.events(conversation.id)[0]?.key).toBe('full_state');
    const { length } = await conversation.events();
    // The last events may be in the next batch if the run took longer.
    await receiver.has((it) => it.durable(conversation.id).length === length, 'all events');
  });

  it('receive large batches in parts, and a single large event alone', async () => {
    const server = await start(hook({ event_buffer_size: 1000, max_batch_bytes: 2000 }));
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    const stored = await conversation.events();
    await receiver.has((it) => it.durable(conversation.id).length === stored.length, 'all events');
    const bodies = receiver.taken('events').map(({ text }) => text);
    const large = bodies.filter((text) => Buffer.byteLength(text) > 2000);
    expect(large.length).toBeGreaterThan(0);
    for (const text of large) expect((JSON.parse(text) as unknown[]).length).toBe(1);
    expect(bodies.some((text) => (JSON.parse(text) as unknown[]).length > 1)).toBe(true);
  });

  it.each(['PUT', 'PATCH'])(
    'accept the older option webhook_url, which is called unchanged, with %s',
    async (method) => {
      const server = await start({ webhook_url: `${receiver.url}/x?token=t`, method, flush_delay: 3 });
      const conversation = await create(server, SCRIPT);
      await conversation.reaches('finished');
      const stored = await conversation.events();
      await receiver.has((it) => it.durable(conversation.id).length === stored.length, 'all events');
      expect(receiver.received.map((request) => [request.method, request.path])).toEqual(
        receiver.received.map(() => [method, '/hook/x?token=t']),
      );
      expect((JSON.parse(receiver.received[0]?.text ?? '') as unknown[]).length).toBe(10);
    },
  );

  it('webhooks are signed by the Standard Webhooks scheme', async () => {
    const bytes = Buffer.alloc(32, 7);
    const server = await start(hook({ secret: `whsec_${bytes.toString('base64')}` }));
    const conversation = await create(server, SCRIPT);
    await conversation.reaches('finished');
    await receiver.has((it) => it.taken('events').length > 1, 'two batches');
    for (const { headers, text } of receiver.received) {
      const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
      const expected = createHmac('sha256', bytes).update(`${id}.${timestamp}.${text}`).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${expected}`);
      expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
    }
  });

  it('webhooks keep the query of their URL at its end', async () => {
    const server = await start(hook({ base_url: `${receiver.url}/?token=t` }));
    const { id } = await create(server);
    await receiver.has((it) => it.received.length >= 2, 'both kinds');
    expect(new Set(receiver.received.map(({ path: at }) => at))).toEqual(
      new Set(['/hook/conversations?token=t', `/hook/events/${hex(id)}?token=t`]),
    );
  });

  it('report their deliveries over REST, with a key only and without secrets', async () => {
    const url = new URL(receiver.url);
    url.username = 'not-for-the-log-user';
    url.password = 'not-for-the-log-password';
    const server = await start(hook({ base_url: url.href, name: 'mine' }), { SESSION_API_KEY: 'key-a' });
    const ask = () => server.request('GET', '/api/webhooks', undefined, { 'x-session-api-key': 'key-a' });
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
      'x-session-api-key': 'key-a',
    });
    await receiver.has((it) => it.received.length >= 3, 'attempts');
    const [status] = (await ask()).body as Record<string, unknown>[];
    expect(status).toMatchObject({ pending_changes: 1, last_error: { reason: 'it answered 500' } });
    expect(Date.parse(String(status?.['next_attempt_at']))).not.toBeNaN();
    expect(receiver.received[0]?.headers.authorization).toMatch(/^Basic /);
    receiver.behave = () => ({ status: 204 });
    await receiver.has((it) => it.changes().length === 1, 'the change');
    expect(server.log + JSON.stringify((await ask()).body)).not.toMatch(/not-for-the-log/);
  });

  it('webhooks have no effect when none is configured', async () => {
    const server = await ServerProcess.start({ cwd: folder });
    servers.push(server);
    await (await create(server, SCRIPT)).reaches('finished');
    expect((await server.request('GET', '/api/webhooks')).body).toEqual([]);
    expect(await readdir(path.join(folder, 'workspace/conversations'))).not.toContain('.webhooks');
  });

  it('webhooks are refused with a reason, without values, when their configuration is invalid', async () => {
    const invalid = { base_url: receiver.url, secret: 'short', headers: { 'X-A': 'not-for-the-log\nvalue' } };
    const twice = JSON.stringify([
      { ...invalid, name: 'a' },
      { webhook_url: receiver.url, name: 'a' },
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
