import { randomUUID } from 'node:crypto';
import { TaskState } from '@a2a-js/sdk';
import {
  a2aClient,
  A2aFixture,
  KEY,
  message,
  readStream,
  sending,
  sendTo,
  textOf,
} from '../support/a2a-fixture.js';
import { scriptedRequest } from '../support/conversation-client.js';
import { breakOff, encodeRequest } from '../support/broken-request.js';
import { makeKey, type MadeKey, shown } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const MIB = 1024 * 1024;

describe('the A2A endpoint', () => {
  let fixture: A2aFixture;
  const keys = {} as Record<'reader' | 'writer' | 'own' | 'other', MadeKey>;

  beforeAll(async () => {
    fixture = await A2aFixture.start({
      OH_OWN_KEYS_SANDBOX: 'off',
      OH_OWN_KEYS_LLM_PROFILES_0: 'shared',
      OH_GATEWAY_TIMEOUT_SECONDS: '2',
      OH_ON_RUN_LIMIT: 'wait',
      OH_MAX_BODY_BYTES_IN_FLIGHT: String(32 * MIB),
    });
    await fixture.ok('POST', '/api/profiles/shared', { llm: { model: 'scripted/test' } });
    const make = (fields: object) => makeKey(fixture.server, { ...fields }, shown(KEY));
    keys.reader = await make({ scope: 'read' });
    keys.writer = await make({ scope: 'write', limits: { sockets: 2 } });
    keys.own = await make({ scope: 'write', reach: 'own' });
    keys.other = await make({ scope: 'write', reach: 'own' });
  });
  afterAll(() => fixture.stop());

  const legacy = (text: string, more: object = {}) => ({
    message: {
      kind: 'message',
      role: 'user',
      messageId: randomUUID(),
      parts: [{ kind: 'text', text }],
      ...more,
    },
  });
  const answerTo = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await fixture.post(body, headers);
    const { id, error } = (await response.json()) as {
      id: unknown;
      error?: { code: number; message: string };
    };
    return [response.status, id, error?.code, error?.message];
  };
  const call = (method: string, params: unknown = {}) => ({ jsonrpc: '2.0', id: 7, method, params });

  it('answers what is no request of the protocol with errors of JSON-RPC', async () => {
    expect(await answerTo('{"jsonrpc"')).toEqual([400, null, -32700, expect.stringContaining('JSON')]);
    expect(await answerTo('')).toEqual([422, null, -32600, expect.any(String)]);
    expect(await answerTo('"text"')).toEqual([200, null, -32600, expect.any(String)]);
    expect(await answerTo([call('tasks/get'), call('tasks/get')])).toEqual([
      200,
      null,
      -32600,
      expect.stringContaining('Batches'),
    ]);
    expect(await answerTo({ ...call('tasks/get'), id: { a: 1 } })).toEqual([
      200,
      null,
      -32600,
      expect.any(String),
    ]);
    // Each event of a stream would repeat it.
    expect(await answerTo({ ...call('tasks/get'), id: 'x'.repeat(256) })).toEqual([
      200,
      null,
      -32600,
      expect.stringContaining('255'),
    ]);
    expect(await answerTo({ ...call('tasks/get'), jsonrpc: '1.0' })).toEqual([
      200,
      7,
      -32600,
      expect.any(String),
    ]);
    expect(await answerTo(call('tasks/explode'))).toEqual([200, 7, -32601, expect.any(String)]);
    expect(await answerTo(call('constructor'))).toEqual([200, 7, -32601, expect.any(String)]);
    expect(await answerTo(call('tasks/get', [1]))).toEqual([200, 7, -32602, expect.any(String)]);
    expect(await answerTo(call('GetTask', {}), { 'a2a-version': '9.9' })).toEqual([
      200,
      7,
      -32009,
      expect.stringContaining("'9.9'"),
    ]);
    expect(await answerTo('x', { 'content-type': 'text/plain' })).toEqual([
      415,
      null,
      -32600,
      expect.stringContaining('text/plain'),
    ]);
    expect(await answerTo('x'.repeat(17 * MIB + 1))).toEqual([413, null, -32600, expect.any(String)]);
    const deep = `{"jsonrpc":"2.0","id":7,"method":"SendMessage","params":${'['.repeat(100_000)}`;
    expect((await answerTo(deep))[0]).toBe(400);
  });

  it('refuses messages that are none, and what it does not support', async () => {
    const wrong = async (params: object, method = 'message/send') => {
      const { error } = await fixture.rpc(method, params);
      return [error?.code, error?.message];
    };
    expect(await wrong({})).toEqual([-32602, expect.any(String)]);
    expect(await wrong({ message: { kind: 'message' } })).toEqual([-32602, expect.any(String)]);
    const malformed = [-32602, 'A parameter is missing, or has the wrong type.'];
    for (const part of [null, { raw: 5, mediaType: 'image/png' }])
      expect(
        await wrong({ message: { messageId: 'x', role: 'ROLE_USER', parts: [part] } }, 'SendMessage'),
      ).toEqual(malformed);
    expect(await wrong({ id: { toString: 1 } }, 'GetTask')).toEqual(malformed);
    expect(await wrong(legacy('x', { parts: [{ kind: 'file', file: null }] }))).toEqual(malformed);
    expect(await wrong(legacy(' '))).toEqual([-32602, 'The message is empty.']);
    expect(await wrong(legacy('x', { messageId: 'x'.repeat(256) }))).toEqual([-32602, expect.any(String)]);
    expect(await wrong(legacy('x', { role: 'agent' }))).toEqual([-32602, expect.stringContaining('role')]);
    expect(await wrong(legacy('x', { contextId: 'mine' }))).toEqual([-32602, expect.any(String)]);
    expect(await wrong(legacy('x', { contextId: randomUUID() }))).toEqual([
      -32602,
      expect.stringContaining('not found'),
    ]);
    expect(await wrong(legacy('x', { taskId: 'mine' }))).toEqual([-32001, expect.any(String)]);
    expect(await wrong(legacy('approve'))).toEqual([-32004, expect.stringContaining('needs the id')]);
    const parts = Array.from({ length: 201 }, () => ({ kind: 'text', text: 'x' }));
    expect(await wrong(legacy('x', { parts }))).toEqual([-32602, expect.stringContaining('200 parts')]);
    const unknown = `${randomUUID()}.${randomUUID()}`;
    for (const id of [unknown, `${unknown}.x`, '', 'x'.repeat(100_000), '../../etc'])
      for (const method of ['tasks/get', 'tasks/cancel', 'tasks/resubscribe'])
        expect([id, await wrong({ id }, method)]).toEqual([id, [-32001, expect.any(String)]]);
    const webhook = { pushNotificationConfig: { url: 'http://127.0.0.1:1/' } };
    expect(await wrong({ taskId: unknown, ...webhook }, 'tasks/pushNotificationConfig/set')).toEqual([
      -32003,
      expect.any(String),
    ]);
    expect(await wrong({ ...legacy('x'), configuration: webhook })).toEqual([-32003, expect.any(String)]);
    expect(await wrong({ ...legacy('x'), configuration: { acceptedOutputModes: ['audio/wav'] } })).toEqual([
      -32005,
      expect.any(String),
    ]);
    expect(await wrong({}, 'ListTasks')).toEqual([-32004, expect.any(String)]);
    expect(await wrong({}, 'agent/getAuthenticatedExtendedCard')).toEqual([-32007, expect.any(String)]);
  });

  it('obeys the scope and the reach of keys, and records what is changed', async () => {
    expect((await answerTo(call('tasks/get'), { authorization: 'Bearer wrong' }))[0]).toBe(401);
    const reader = await a2aClient(fixture.server.url, keys.reader.key);
    await expect(sendTo(reader, message('FINISH: x'))).rejects.toThrow("scope 'read'; this needs 'write'");
    expect(
      (
        await answerTo(call('message/send', legacy('FINISH: x')), {
          authorization: `Bearer ${keys.reader.key}`,
        })
      )[0],
    ).toBe(403);
    const all = await fixture.client();
    const task = await sendTo(all, message('FINISH: of the session'));
    expect(textOf((await reader.getTask({ tenant: '', id: task.id })).artifacts[0])).toBe('of the session');
    await expect(reader.cancelTask({ tenant: '', id: task.id, metadata: undefined })).rejects.toThrow(
      "needs 'write'",
    );

    const [own, other] = await Promise.all(
      [keys.own, keys.other].map(({ key }) => a2aClient(fixture.server.url, key)),
    );
    if (!own || !other) throw new Error('no clients');
    const id = { tenant: '', id: task.id };
    await expect(own.getTask(id)).rejects.toThrow();
    const missing = { tenant: '', id: `${randomUUID()}.${randomUUID()}` };
    const failureOf = (request: Promise<unknown>) => request.then(() => 'found', String);
    const unknown = await failureOf(own.getTask(missing));
    expect(await failureOf(own.getTask(id))).toBe(unknown.replace(/'[^']+'/, `'${task.id}'`));
    await expect(sendTo(own, message('x', { contextId: task.contextId }))).rejects.toThrow(/not found/i);

    const theirs = await sendTo(own, message('RUN: pwd\nFINISH: in my own folder'));
    expect(textOf(theirs.artifacts[0])).toBe('in my own folder');
    await expect(other.getTask({ tenant: '', id: theirs.id })).rejects.toThrow('There is no task');

    const acts: { operation: string; status: number; conversation_id: string | null }[] = [];
    const sends = () => acts.filter(({ operation }) => operation === 'A2a_SendMessage');
    await eventually(async () => {
      const { items } = await fixture.ok('GET', '/api/audit?limit=100');
      acts.splice(0, Infinity, ...(items as typeof acts));
      return sends().length >= 4;
    });
    expect(sends().map(({ status }) => status)).toEqual(expect.arrayContaining([200, 403]));
    expect(sends().map((act) => act.conversation_id)).toContain(theirs.contextId);
    expect(acts.some(({ operation }) => operation === 'A2a_GetTask')).toBe(false);
  });

  it('executes nothing that waits for an approval in a conversation begun with the same key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const policy = { confirmation_policy: { kind: 'AlwaysConfirm' } };
    const request = scriptedRequest('work', 'RUN: true\nFINISH: done', policy);
    const { body } = await fixture.server.request('POST', '/api/conversations', request, {
      ...shown(KEY),
      ...key,
    });
    const { id } = body as { id: string };
    const status = async () => (await fixture.ok('GET', `/api/conversations/${id}`))['execution_status'];
    await eventually(async () => (await status()) === 'waiting_for_confirmation');
    const { error } = await fixture.rpc('message/send', legacy('FINISH: x'), key);
    expect([error?.code, error?.message]).toEqual([-32004, expect.stringContaining('wait for an approval')]);
    expect(await status()).toBe('waiting_for_confirmation');
  });

  it('counts streams and waiting messages as sockets of a key, and gives them back', async () => {
    const writer = await a2aClient(fixture.server.url, keys.writer.key);
    const stops = [new AbortController(), new AbortController()];
    const begun: string[] = [];
    const streams = stops.map(({ signal }) =>
      readStream(writer.sendMessageStream(sending(message('RUN: sleep 60')), { signal }), ({ payload }) => {
        if (payload?.$case === 'task') begun.push(payload.value.id);
      }).catch(() => undefined),
    );
    await eventually(() => begun.length === 2);
    await expect(sendTo(writer, message('FINISH: x'))).rejects.toThrow(/sockets|connections/);
    const refused = await fixture.post(call('message/send', legacy('FINISH: x')), {
      authorization: `Bearer ${keys.writer.key}`,
    });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.any(String)]);
    for (const stop of stops) stop.abort();
    await Promise.all(streams);
    for (const id of begun) await writer.cancelTask({ tenant: '', id, metadata: undefined });
    const sent = async () =>
      (await sendTo(writer, message('FINISH: x')).catch(() => undefined)) !== undefined;
    await eventually(sent, 'a message');
  });

  it('answers a message after the time limit with its task, and ends waits with their key', async () => {
    const client = await fixture.client();
    const late = await sendTo(client, message('RUN: sleep 60'));
    expect(late.status?.state).toBe(TaskState.TASK_STATE_WORKING);
    await client.cancelTask({ tenant: '', id: late.id, metadata: undefined });

    const key = await makeKey(fixture.server, { scope: 'write' }, shown(KEY));
    const theirs = await a2aClient(fixture.server.url, key.key);
    const sent = message('RUN: sleep 60');
    const waiting = sendTo(theirs, sent).then(String, String);
    const stream = readStream(theirs.sendMessageStream(sending(message('RUN: sleep 60'))), ({ payload }) => {
      if (payload?.$case !== 'statusUpdate') return;
      revoked ??= fixture.server.request('DELETE', `/api/keys/${key.id}`, undefined, shown(KEY));
    });
    let revoked: Promise<unknown> | undefined;
    await expect(stream).rejects.toBeDefined();
    await revoked;
    expect(await waiting).toContain('Unauthorized');
    await expect(sendTo(theirs, sent)).rejects.toThrow('Unauthorized');
  });

  it('cancels a task whose run a person takes out of the queue, and ends its stream', async () => {
    const own = await makeKey(fixture.server, { reach: 'own', limits: { concurrent_runs: 1 } }, shown(KEY));
    const theirs = await a2aClient(fixture.server.url, own.key);
    const active = await sendTo(theirs, message('RUN: sleep 60'), true);
    const dequeue = ({ contextId }: { contextId: string }) =>
      fixture.ok('DELETE', `/api/conversations/${contextId}/queued_run`);
    const states = async (sent: ReturnType<typeof message>) => {
      const told = await readStream(theirs.sendMessageStream(sending(sent)), ({ payload }) => {
        if (payload?.$case === 'task') void dequeue(payload.value);
      });
      return { id: told.task.id, contextId: told.task.contextId, states: told.states };
    };
    const sent = message('FINISH: never');
    const queued = await states(sent);
    expect(queued.states).toEqual(['canceled']);
    const read = async (id: string) => (await theirs.getTask({ tenant: '', id })).status?.state;
    expect(await read(queued.id)).toBe(TaskState.TASK_STATE_CANCELED);
    // The same message again begins nothing.
    expect((await sendTo(theirs, sent)).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    expect(await read(queued.id)).toBe(TaskState.TASK_STATE_CANCELED);

    // A task that was paused is so again.
    await fixture.ok('POST', `/api/conversations/${active.contextId}/interrupt`);
    const other = await sendTo(theirs, message('RUN: sleep 60'), true);
    const resumed = await states(message('FINISH: never', { taskId: active.id }));
    expect([resumed.id, resumed.states]).toEqual([active.id, ['input_required']]);
    await theirs.cancelTask({ tenant: '', id: other.id, metadata: undefined });
    // Its context is free for another one.
    const next = await sendTo(theirs, message('FINISH: next', { contextId: queued.contextId }));
    expect(textOf(next.status?.message)).toBe('next');
  });

  it('serves 200 streams at once, of which many break off', async () => {
    const client = await fixture.client();
    const contextId = (await sendTo(client, message('FINISH: a context'))).contextId;
    const task = await sendTo(client, message('RUN: sleep 600\nFINISH: no', { contextId }), true);
    await eventually(
      async () =>
        (await client.getTask({ tenant: '', id: task.id })).status?.state === TaskState.TASK_STATE_WORKING,
    );
    const stop = new AbortController();
    let begun = 0;
    const streams = Array.from({ length: 200 }, (_, index) =>
      readStream(
        client.resubscribeTask(
          { tenant: '', id: task.id },
          index % 2 === 0 ? { signal: stop.signal } : undefined,
        ),
        ({ payload }) => void (begun += payload?.$case === 'task' ? 1 : 0),
      ).then(
        ({ states }) => states.join(),
        () => 'broken',
      ),
    );
    await eventually(() => begun === 200);
    stop.abort();
    await client.cancelTask({ tenant: '', id: task.id, metadata: undefined });
    const ends = await Promise.all(streams);
    expect(ends.filter((end) => end === 'canceled')).toHaveLength(100);
  });

  it('keeps nothing of the messages of streams', async () => {
    const client = await fixture.client();
    const metadata = { junk: 'x'.repeat(12 * MIB) };
    const stop = new AbortController();
    const begun: string[] = [];
    const streams = [1, 2, 3].map((count) =>
      eventually(() => begun.length === count - 1).then(() =>
        readStream(
          client.sendMessageStream(sending(message('RUN: sleep 60'), { metadata }), { signal: stop.signal }),
          ({ payload }) => {
            if (payload?.$case === 'task') begun.push(payload.value.id);
          },
        ).catch(() => undefined),
      ),
    );
    await eventually(() => begun.length === 3, 'three streams');
    stop.abort();
    await Promise.all(streams);
    for (const id of begun) await client.cancelTask({ tenant: '', id, metadata: undefined });
    expect(fixture.server.log).not.toContain('MaxListeners');
  });

  it('survives requests that break off at any byte', async () => {
    const body = JSON.stringify(call('message/stream', legacy('RUN: sleep 0.2\nFINISH: unheard')));
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
    const request = encodeRequest({ method: 'POST', path: '/a2a', headers, body });
    const { url } = fixture.server;
    for (let sent = 1; sent <= request.length; sent += 41)
      await breakOff(url, request, { sent, reset: sent % 2 === 0 });
    for (let received = 1; received < 900; received += 97)
      await breakOff(url, request, { received, reset: received % 2 === 0 });
    expect((await sendTo(await fixture.client(), message('FINISH: alive'))).status?.state).toBe(
      TaskState.TASK_STATE_COMPLETED,
    );
  });

  it('is not there on a server that has switched it off, nor is that of MCP', async () => {
    const env = { SESSION_API_KEY: KEY, OH_A2A: 'false', OH_MCP_SERVER: 'false' };
    const server = await ServerProcess.start({ key: KEY, env });
    try {
      expect((await server.request('GET', '/.well-known/agent-card.json')).status).toBe(404);
      for (const route of ['/a2a', '/mcp'])
        expect((await server.request('POST', route, call('ping'))).status).toBe(404);
    } finally {
      await server.stop();
    }
  });
});
