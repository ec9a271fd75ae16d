import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { writeFiles } from '../support/extension-files.js';
import { knock, rawRequest } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';

/** As on one machine: the UI at `localhost`, back ends at `127.0.0.1`, which is otherwise a trusted host. */
const HOST = '127.0.0.1:7777';
const INGRESS = `http://${HOST}`;
const KEY = 'hush-key';
const ROUTES = [
  ['GET', '/'],
  ['GET', '/health'],
  ['GET', '/docs'],
  ['GET', '/index.html'],
  ['GET', '/static/index.html'],
  ['GET', '/some/page'],
  ['GET', '/conversations'],
  ['GET', '/api/conversations/count'],
  ['GET', '/api/settings'],
  ['GET', '/v1/models'],
  ['GET', '/app-backends'],
  ['GET', '/app-backends/'],
  ['GET', '/app-backends/../api/conversations/count'],
  ['GET', '//app-backends/my-app/'],
  ['GET', 'http://localhost/app-backends/my-app/'],
  ['POST', '/api/bash/execute_bash_command'],
  ['POST', '/api/conversations'],
  ['OPTIONS', '/api/conversations'],
  ['DELETE', '/api/auth/workspace-session'],
] as const;

describe.each([
  ['without a key', {}],
  ['with a key', { SESSION_API_KEY: KEY, OH_UI_GIVE_KEY: 'true' }],
])('the host of canvas back ends at a server %s', (_, env) => {
  let server: ServerProcess;
  let id: string;
  let folder: string;
  const key = 'SESSION_API_KEY' in env ? KEY : undefined;
  const withKey: Record<string, string> = { 'x-session-api-key': KEY, authorization: `Bearer ${KEY}` };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'canvas-origin-'));
    await writeFiles(folder, { 'index.html': '<head></head>' });
    server = await ServerProcess.start({
      host: null,
      key,
      env: { ...env, OH_APP_BACKEND_PUBLIC_URL: INGRESS, OH_ALLOW_CORS_ORIGINS_0: '*' },
      args: ['--ui', folder],
    });
    ({ id } = await ConversationClient.create(server, scriptedRequest(server.cwd)));
    await writeFile(path.join(server.cwd, 'file.txt'), 'file');
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (method: string, route: string, headers: Record<string, string>) =>
    rawRequest(server.url, { method, path: route, headers: { accept: 'text/html', ...headers } });

  it.each(ROUTES)(
    'answers 404 to %s %s on the host of canvas back ends, with and without a key',
    async (method, route) => {
      for (const headers of [
        {},
        withKey,
        { ...withKey, origin: INGRESS },
        { ...withKey, origin: 'http://localhost' },
      ]) {
        const { status, text } = await ask(method, route, { ...headers, host: HOST });
        expect([status, text]).toEqual([404, '{"detail":"Not Found"}']);
      }
    },
  );

  it('routes requests on the host of canvas back ends to them', async () => {
    const { status } = await ask('GET', '/app-backends/my-app/x', { host: HOST });
    // No back end is installed.
    expect(status).toBe(503);
    const session = { ...withKey, host: HOST, origin: 'http://localhost:3000' };
    expect((await ask('POST', '/app-backends/my-app/session', session)).status).toBe(503);
  });

  it('opens only sockets of back ends on the host of canvas back ends', async () => {
    const paths = [
      `/sockets/events/${id}`,
      `/sockets/session/${id}`,
      '/sockets/bash-events',
      `/conversations/${id}/events/socket`,
      `/app-backends/../sockets/events/${id}`,
      `/app-backends/x/..%2f..%2fsockets/events/${id}`,
      `/app-backends/%2e%2e/sockets/events/${id}`,
    ];
    for (const route of paths) {
      for (const origin of [INGRESS, 'http://localhost:3000']) {
        const url = server.socketUrl(`${route}?session_api_key=${KEY}`);
        expect(await knock(url, { host: HOST, origin })).toMatch(/^40[34]/);
      }
    }
    const own = server.socketUrl(`/sockets/events/${id}?session_api_key=${KEY}`);
    expect(await knock(own, { host: 'localhost:7777', origin: 'http://localhost:3000' })).toBe('open');
  });

  it('does not allow pages of canvas back ends to read answers of other hosts', async () => {
    const file = `/api/conversations/${id}/workspace/file.txt`;
    const cookie = `oh_workspace_session_key=${KEY}`;
    for (const route of [file, '/api/conversations/count', '/server_info', '/api/auth/workspace-session']) {
      const preflight = { 'access-control-request-method': 'GET' };
      for (const [method, headers] of [
        ['GET', { ...withKey, cookie }],
        ['OPTIONS', preflight],
      ] as const) {
        const answer = await ask(method, route, { ...headers, host: 'localhost:7777', origin: INGRESS });
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
      const other = await ask('GET', route, {
        ...withKey,
        host: 'localhost:7777',
        origin: 'http://127.0.0.1:1',
      });
      expect(other.headers['access-control-allow-origin']).toBe('http://127.0.0.1:1');
    }
  });

  it('does not allow pages of canvas back ends to change anything without a key', async () => {
    const headers = { host: 'localhost:7777', origin: INGRESS };
    const pause = `/api/conversations/${id}/pause`;
    expect((await ask('POST', pause, headers)).status).toBe(key === undefined ? 403 : 401);
    const socket = await knock(server.socketUrl(`/sockets/events/${id}`), headers);
    // With a key the socket opens, and the first frame must hold the key.
    expect(socket).toMatch(key === undefined ? /^403/ : /^open$/);
  });
});

describe('the address of canvas back ends', () => {
  it('recognises the host of canvas back ends in the forwarded headers of a trusted proxy', async () => {
    const server = await ServerProcess.start({
      env: { OH_APP_BACKEND_PUBLIC_URL: 'https://apps.example', OH_TRUST_FORWARDED_HEADERS: 'true' },
    });
    const status = async (headers: Record<string, string>) =>
      (await rawRequest(server.url, { path: '/server_info', headers })).status;
    const forwarded = (host: string) => ({ host: 'inside:1', 'x-forwarded-host': host });
    expect(await status(forwarded('apps.example'))).toBe(404);
    expect(await status(forwarded('APPS.example:443'))).toBe(404);
    expect(await status(forwarded('ui.example, apps.example'))).toBe(404);
    expect(await status({ host: 'apps.example', 'x-forwarded-host': 'localhost' })).toBe(404);
    expect(await status(forwarded('localhost'))).toBe(200);
    await server.stop();
  });

  it('refuses to start when canvas back ends and the web UI share an origin', async () => {
    const env = { OH_APP_BACKEND_PUBLIC_URL: 'https://a.example:443/apps', OH_WEB_URL: 'https://A.example' };
    await expect(ServerProcess.start({ env })).rejects.toThrow(
      'app_backend_public_url: expected another host or port than web_url',
    );
  });
});
