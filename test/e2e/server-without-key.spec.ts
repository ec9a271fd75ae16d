import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { knock, rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const EVIL = 'https://evil.example';

describe('a server without a key and without --host', () => {
  let server: ServerProcess;
  let id: string;
  beforeAll(async () => {
    const env = { OH_WEB_URL: 'https://agents.example/', OH_ALLOW_CORS_ORIGINS_0: 'https://good.example/' };
    server = await ServerProcess.start({ host: null, env: { ...env, DOCKER_HOST_ADDR: '172.17.0.1' } });
    ({ id } = await ConversationClient.create(server, scriptedRequest(server.cwd)));
  });
  afterAll(() => server.stop());

  it('logs that only this machine has access', async () => {
    await server.logs('access: this machine only, without a key');
  });

  it('refuses requests and sockets from other machines', async () => {
    const address = Object.values(os.networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    // A machine without a network has no other address.
    if (address === undefined) return;
    const url = server.url.replace('127.0.0.1', address);
    const answer = await rawRequest(url, { path: '/alive' });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('Set SESSION_API_KEY');
    expect(await knock(url.replace('http', 'ws') + `/sockets/events/${id}`)).toMatch(
      /^403 .*SESSION_API_KEY/,
    );
  });

  it.each([
    ['localhost:8000', 200],
    ['LOCALHOST', 200],
    ['app.localhost:1', 200],
    ['127.0.0.1', 200],
    ['[::1]:8000', 200],
    ['agents.example', 200],
    ['172.17.0.1:8000', 200],
    ['rebound.example:8000', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['evil.example@localhost', 403],
    ['localhost\\.evil.example', 403],
    ['localhost.', 403],
    ['localhost:80:evil', 403],
  ])('answers a request with the Host header %j with status %s', async (host, status) => {
    const answer = await rawRequest(server.url, { path: '/server_info', headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.text).toContain('web_url');
    const socket = await knock(server.socketUrl(`/sockets/events/${id}`), { host });
    expect(socket.slice(0, 4)).toBe(status === 200 ? 'open' : '403 ');
  });

  it.each([
    ['http://localhost:3000', true],
    ['http://127.0.0.1:1', true],
    ['https://good.example', true],
    ['https://agents.example', true],
    ['http://172.17.0.1:8080', true],
    [EVIL, false],
    ['https://good.example.evil.example', false],
    ['http://good.example', false],
    ['http://localhost\\.evil.example', false],
    ['http://localhost.evil.example', false],
    ['http://localhost:80:evil', false],
    ['http://evil.example@localhost', false],
    ['http://localhost/', false],
    ['null', false],
    ['', false],
  ])('allows pages of the origin %j to change things and open sockets: %s', async (origin, allowed) => {
    const path = `/api/conversations/${id}/pause`;
    const answer = await rawRequest(server.url, { method: 'POST', path, headers: { origin } });
    expect(answer.status).toBe(allowed ? 200 : 403);
    if (!allowed) expect(answer.text).toContain('allow_cors_origins');
    for (const route of ['/sockets/events/', '/sockets/session/']) {
      const socket = await knock(server.socketUrl(route + id), { origin });
      expect(socket).toMatch(allowed ? /^open$/ : /^403 .*allow_cors_origins/);
    }
  });

  it('refuses JSON without a content type from a foreign page, which browsers send without a preflight', async () => {
    const body = JSON.stringify(scriptedRequest(server.cwd));
    const before = await server.request('GET', '/api/conversations/count');
    const answer = await rawRequest(server.url, {
      method: 'POST',
      path: '/api/conversations',
      headers: { origin: EVIL },
      body,
    });
    expect(answer.status).toBe(403);
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(before.body);
  });

  it('accepts pages whose origin is the requested host', async () => {
    const host = 'app.localhost:8000';
    const path = `/api/conversations/${id}/pause`;
    const headers = { host, origin: `http://${host}` };
    expect((await rawRequest(server.url, { method: 'POST', path, headers })).status).toBe(200);
  });

  it('answers reads of a foreign page without CORS headers', async () => {
    const answer = await rawRequest(server.url, { path: '/alive', headers: { origin: EVIL } });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('lets no page of another origin read workspace files, because no cookie protects them', async () => {
    await writeFile(path.join(server.cwd, 'secret.txt'), 'secret');
    const file = `/api/conversations/${id}/workspace/secret.txt`;
    const shownTo = async (origin: string) =>
      (await rawRequest(server.url, { path: file, headers: { origin } })).headers[
        'access-control-allow-origin'
      ];
    for (const origin of [EVIL, 'http://localhost\\.evil.example', 'null'])
      expect(await shownTo(origin)).toBeUndefined();
    expect(await shownTo('http://localhost:3000')).toBe('http://localhost:3000');
    const session = { method: 'POST', path: '/api/auth/workspace-session', headers: { origin: EVIL } };
    expect((await rawRequest(server.url, session)).status).toBe(403);
  });

  it('logs once per refused origin how to allow it', async () => {
    const origin = 'https://frontend.example';
    for (let time = 0; time < 3; time += 1)
      await rawRequest(server.url, { path: '/alive', headers: { origin } });
    await rawRequest(server.url, { path: '/alive', headers: { origin: 'http://localhost:1' } });
    const log = await server.flushedLog();
    const lines = log.split('\n').filter((line) => line.includes('refused a page'));
    expect(lines.filter((line) => line.includes(origin))).toEqual([
      expect.stringMatching(
        /add it to allow_cors_origins in the configuration file or in OH_ALLOW_CORS_ORIGINS_0/,
      ),
    ]);
    expect(lines.filter((line) => line.includes('http://localhost:1 '))).toEqual([]);
  });
});

describe('a server without a key and with --host', () => {
  it('logs that it serves this machine only with --host 127.0.0.1', async () => {
    const server = await ServerProcess.start({ host: '127.0.0.1' });
    await eventually(() =>
      Promise.resolve(server.log.includes('access: this machine only (--host), without')),
    );
    expect(server.log).not.toContain('EVERYBODY');
    await server.stop();
  });

  it('accepts any host name with --host 0.0.0.0, logs a warning, and still refuses pages of other origins', async () => {
    const server = await ServerProcess.start({ host: '0.0.0.0' });
    await server.logs('access: EVERYBODY who can reach it');
    const { id } = await ConversationClient.create(server, scriptedRequest(server.cwd));
    const host = 'box.example:8000';
    expect((await rawRequest(server.url, { headers: { host } })).status).toBe(200);
    const route = server.socketUrl(`/sockets/events/${id}`);
    expect(await knock(route, { host, origin: 'http://box.example:8000' })).toBe('open');
    expect(await knock(route, { host, origin: EVIL })).toMatch(/^403/);
    await server.stop();
  });
});

describe('a server with a key', () => {
  it('requires nothing but the key, whatever the origin and the host name', async () => {
    const server = await ServerProcess.start({ host: null, env: { SESSION_API_KEY: 'key' } });
    const headers = { host: 'agents.example', origin: EVIL, 'x-session-api-key': 'key' };
    const answer = await rawRequest(server.url, { path: '/api/conversations/count', headers });
    expect([answer.status, answer.text]).toEqual([200, '0']);
    const id = '00000000-0000-0000-0000-000000000001';
    expect(await knock(server.socketUrl(`/sockets/events/${id}?session_api_key=key`), { origin: EVIL })).toBe(
      'open',
    );
    expect(await knock(server.socketUrl(`/sockets/events/${id}?session_api_key=no`))).toBe('403');
    await server.stop();
  });
});
