import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, SocketRecorder, userMessage } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

const SESSION = 'session-key';
const CURRENT = '/api/keys/current';

describe('named keys', () => {
  const fixture = ServerFixture.forTests({
    key: SESSION,
    env: {
      SESSION_API_KEY: SESSION,
      OH_SECRET_KEY: 'secret',
      OH_MAX_FAILED_KEYS_PER_MINUTE: '0',
      OH_GATEWAY_KEEP_ALIVE_SECONDS: '0.2',
    },
  });
  const request = (method: string, route: string, body?: unknown, headers?: Record<string, string>) =>
    fixture.server.request(method, route, body, headers);
  const as = (key: string, method: string, route: string, body?: unknown) =>
    request(method, route, body, shown(key));

  it('show their secret once, and are stored as hashes that only the owner may read', async () => {
    const made = await makeKey(fixture.server, { scope: 'read', name: 'once' });
    expect(made.key).toMatch(/^ohk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const secret = made.key.split('_').slice(2).join('_');
    const listed = await request('GET', '/api/keys');
    expect(JSON.stringify(listed.body)).toContain('"once"');
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    expect(Object.keys((await request('GET', '/api/keys/once')).body as object)).not.toContain('hash');
    const file = path.join(fixture.persistence, 'api-keys.json');
    if (process.env['TEST_CLUSTER'] !== undefined) return;
    expect(await readFile(file, 'utf8')).not.toContain(secret);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('are accepted as a header and as a bearer token, and say what they may do', async () => {
    const { key, id, name } = await makeKey(fixture.server, { scope: 'read', reach: 'own' });
    const expected = { status: 200, body: { id, name, scope: 'read', reach: 'own' } };
    expect(await as(key, 'GET', CURRENT)).toMatchObject(expected);
    const headers = { authorization: `Bearer ${key}`, 'x-session-api-key': '' };
    expect(await request('GET', CURRENT, undefined, headers)).toMatchObject(expected);
    expect(await request('GET', CURRENT)).toMatchObject({
      body: { id: 'session', name: 'session', scope: 'admin', reach: 'all' },
    });
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'a'.repeat(65) }, 'name'],
    [{ name: '<b>' }, 'name'],
    [{ name: 'current' }, 'name'],
    [{ name: '0123456789abcdef' }, 'name'],
    [{ scope: 'root' }, 'scope'],
    [{ scope: undefined }, 'scope'],
    [{ reach: 'some' }, 'reach'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: '2099-01-01T00:00:00' }, 'expires_at'],
    [{ expires_at: 'tomorrow' }, 'expires_at'],
    [{ limits: { usd_per_day: 0 } }, 'usd_per_day'],
    [{ limits: { euro_per_day: 1 } }, 'euro_per_day'],
    [{ owner: 'me' }, 'owner'],
  ])('are refused with 422 as %j', async (fields, field) => {
    const { status, body } = await request('POST', '/api/keys', { name: 'odd', scope: 'read', ...fields });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(field);
  });

  it('have unique names, are found by them, and can be renamed', async () => {
    const { id } = await makeKey(fixture.server, { name: 'Ci Runner', scope: 'write' });
    const twice = await request('POST', '/api/keys', { name: 'ci runner', scope: 'read' });
    expect(twice).toMatchObject({ status: 409 });
    const changed = { name: 'builds', limits: { usd_per_day: 2.5 } };
    expect(await request('PATCH', '/api/keys/ci%20runner', changed)).toMatchObject({
      status: 200,
      body: { id, name: 'builds', scope: 'write', limits: { usd_per_day: 2.5, sockets: null } },
    });
    expect((await request('GET', '/api/keys/ci%20runner')).status).toBe(404);
    expect((await request('DELETE', '/api/keys/BUILDS')).status).toBe(204);
    expect((await request('DELETE', '/api/keys/builds')).status).toBe(404);
  });

  it('are refused everywhere at once when they are revoked, and their sockets are closed', async () => {
    const conversation = await fixture.run('FINISH: ok');
    const { key, id } = await makeKey(fixture.server, { scope: 'admin' });
    expect((await as(key, 'GET', CURRENT)).status).toBe(200);
    const sockets = [
      new SocketRecorder(fixture.server.socketUrl(`/sockets/events/${conversation.id}`), shown(key)),
      new SocketRecorder(fixture.server.socketUrl(`/sockets/session/${conversation.id}`)),
      new SocketRecorder(fixture.server.socketUrl('/sockets/conversations'), shown(key)),
      new SocketRecorder(fixture.server.socketUrl('/sockets/bash-events'), shown(key)),
    ];
    await Promise.all(sockets.map((socket) => socket.opened()));
    sockets[1]?.socket.send(JSON.stringify({ type: 'auth', session_api_key: key }));
    await Promise.all([0, 1, 2].map((index) => eventually(() => sockets[index]?.frames.length !== 0)));
    expect((await request('DELETE', `/api/keys/${id}`)).status).toBe(204);
    await eventually(() => sockets.every(({ closeCode }) => closeCode === 4001), 'all sockets closed');
    const routes = [CURRENT, '/metrics', '/v1/models', '/conversations/count', conversation.route];
    for (const route of routes) {
      await eventually(async () => (await as(key, 'GET', route)).status === 401, route);
    }
    const cookie = { cookie: `oh_workspace_session_key=${key}` };
    const file = await fetch(`${fixture.server.url}${conversation.route}/workspace/a.txt`, {
      headers: cookie,
    });
    expect(file.status).toBe(401);
  });

  it('are refused when their time is over, on open sockets, too', async () => {
    const conversation = await fixture.run('FINISH: ok');
    const { key } = await makeKey(fixture.server, {
      scope: 'read',
      expires_at: new Date(Date.now() + 4000).toISOString(),
    });
    const socket = new SocketRecorder(
      fixture.server.socketUrl(`/sockets/events/${conversation.id}`),
      shown(key),
    );
    await socket.opened();
    expect((await as(key, 'GET', CURRENT)).status).toBe(200);
    await eventually(() => socket.closeCode === 4001, 'the socket closed');
    expect((await as(key, 'GET', CURRENT)).status).toBe(401);
  });

  it('end streams that were begun with them', async () => {
    await request('POST', '/api/profiles/streamed', { llm: { model: 'scripted/test' } });
    const { key, id } = await makeKey(fixture.server, { scope: 'write' });
    const response = await fetch(`${fixture.server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openhands_streamed',
        stream: true,
        messages: [{ role: 'user', content: 'WAIT: 1000\nSAY: late' }],
      }),
    });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    await reader?.read();
    expect((await request('DELETE', `/api/keys/${id}`)).status).toBe(204);
    const ended = (async () => {
      for (;;) if ((await reader?.read())?.done !== false) return 'ended';
    })();
    expect(await ended.catch(() => 'cut')).toBe('cut');
  });

  it('of scope read may watch a conversation, and not send messages to it', async () => {
    const conversation = await fixture.run('FINISH: ok');
    const { key } = await makeKey(fixture.server, { scope: 'read' });
    const url = fixture.server.socketUrl(`/sockets/events/${conversation.id}`);
    const socket = new SocketRecorder(url, shown(key));
    await socket.opened();
    socket.socket.send(JSON.stringify(userMessage('FINISH: not this')));
    const refusal = await socket.sees(({ kind }) => kind === 'ServerErrorEvent');
    expect(refusal['code']).toBe('PermissionError');
    expect(refusal['detail']).toContain("'write'");
    await socket.close();
    expect(await as(key, 'POST', `${conversation.route}/run`)).toMatchObject({
      status: 403,
      body: { detail: "This key has the scope 'read'; this needs 'write'." },
    });
    expect((await conversation.info()).execution_status).toBe('finished');
  });

  it('see secrets as their scope allows', async () => {
    const ask = async (scope: string, expose: string) => {
      const { key } = await makeKey(fixture.server, { scope });
      const headers = { ...shown(key), 'x-expose-secrets': expose };
      return (await request('GET', '/api/settings', undefined, headers)).status;
    };
    expect(await ask('read', '')).toBe(200);
    expect(await ask('read', 'encrypted')).toBe(403);
    expect(await ask('write', 'encrypted')).toBe(200);
    expect(await ask('write', 'plaintext')).toBe(403);
    expect(await ask('admin', 'plaintext')).toBe(200);
  });

  it('open the files of a workspace by the cookie, which contains them', async () => {
    const { id } = await ConversationClient.create(fixture.server, {
      agent: { llm: { model: 'scripted/test', usage_id: 'agent' }, tools: [] },
      workspace: { working_dir: fixture.workspace },
      autotitle: false,
    });
    const { key } = await makeKey(fixture.server, { scope: 'read' });
    const { headers } = await as(key, 'POST', '/api/auth/workspace-session');
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(cookie).toContain(key);
    const ask = (given: string) =>
      fetch(`${fixture.server.url}/api/conversations/${id}/workspace/none.txt`, {
        headers: { cookie: given },
      });
    expect((await ask(cookie)).status).toBe(404);
    expect((await ask(`${cookie.slice(0, -4)}AAAA`)).status).toBe(401);
  });

  it('tell when they were used last', async () => {
    const { key, name } = await makeKey(fixture.server, { scope: 'read' });
    const before = await request('GET', `/api/keys/${encodeURIComponent(name)}`);
    expect(before.body).toMatchObject({ last_used_at: null });
    expect((await as(key, 'GET', CURRENT)).status).toBe(200);
    await eventually(async () => {
      const { body } = await request('GET', `/api/keys/${encodeURIComponent(name)}`);
      return (body as { last_used_at: string | null }).last_used_at !== null;
    }, 'the use');
  });

  it('never appear in the log', async () => {
    const { key } = await makeKey(fixture.server, { scope: 'read' });
    await as(key, 'GET', `/api/keys/${key}`);
    await as(key, 'GET', `/api/conversations/count?session_api_key=${key}`);
    await fixture.server.request('GET', `/api/nothing/${key}`);
    const url = fixture.server.socketUrl(`/sockets/conversations?session_api_key=${key}`);
    const socket = new SocketRecorder(url);
    await socket.opened();
    await socket.close();
    const secret = key.split('_').slice(2).join('_');
    const log = await fixture.server.flushedLog();
    expect(log.split('\n').filter((line) => line.includes(secret)).length).toBe(0);
  });
});
