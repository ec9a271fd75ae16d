import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { knock, rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const INIT = '/api/init';
const KEY = { 'x-init-api-key': 'init-key' };
const SESSION = { 'x-session-api-key': 'u-key' };
const DORMANT = "503: server is in deferred-init state 'dormant'; call POST /api/init first";
const CANNOT_WRITE: unknown = expect.stringContaining('cannot write to /dev/null/x');
const ID = '00000000-0000-0000-0000-000000000001';

function waitingServer(env: Record<string, string> = { OH_SECRET_KEY: 'init-key' }, host?: null) {
  return ServerProcess.start({ host, env: { OH_DEFERRED_INIT: 'true', ...env } });
}

describe('a server that waits for its initialisation', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await waitingServer();
  });
  afterAll(() => server.stop());

  it('is alive and ready before initialisation and creates no folder', async () => {
    expect((await server.request('GET', '/alive')).body).toEqual({ status: 'ok' });
    expect((await server.request('GET', '/ready')).body).toEqual({ status: 'ready' });
    expect((await server.request('GET', '/server_info')).body).toMatchObject({ version: '1.58.2' });
    expect(existsSync(path.join(server.cwd, 'workspace'))).toBe(false);
    await server.logs('waiting for POST /api/init with the secret key in X-Init-API-Key');
  });

  it.each([
    ['GET', '/api/conversations/search'],
    ['POST', '/api/conversations'],
    ['GET', '/conversations/count'],
    ['GET', '/v1/models'],
    ['GET', `/api/conversations/${ID}/workspace/x`],
  ])('answers 503 to %s %s before initialisation', async (method, route) => {
    const { status, body } = await server.request(method, route, undefined, SESSION);
    expect(status).toBe(503);
    expect(body).toMatchObject({ detail: DORMANT.replace('503: ', ''), exception: DORMANT });
  });

  it('serves the console before initialisation, and leads browsers to it', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const page = await rawRequest(server.url, { path: '/console/new', headers: { accept } });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const root = await rawRequest(server.url, { path: '/', headers: { accept } });
    expect([root.status, root.headers.location]).toEqual([302, 'console/']);
  });

  it('refuses sockets before initialisation', async () => {
    expect(await knock(server.socketUrl(`/sockets/events/${ID}`))).toBe('403');
  });

  it('shows its state without a key', async () => {
    const { status, body } = await server.request('GET', INIT);
    expect([status, body]).toEqual([200, { state: 'dormant', error: null }]);
  });

  it.each([
    [{}, { zzz: 1 }, 401, 'Unauthorized'],
    [{ 'x-init-api-key': 'no' }, {}, 401, 'Unauthorized'],
    [SESSION, {}, 401, 'Unauthorized'],
    [
      KEY,
      { zzz: 1 },
      422,
      [{ type: 'extra_forbidden', loc: ['body', 'zzz'], msg: 'Extra inputs are not permitted', input: 1 }],
    ],
    [KEY, { session_api_keys: [''] }, 422, 'session_api_keys cannot contain empty keys'],
    [
      KEY,
      { max_concurrent_runs: 0 },
      422,
      [
        {
          type: 'greater_than_equal',
          loc: ['body', 'max_concurrent_runs'],
          msg: 'Input should be greater than or equal to 1',
          input: 0,
          ctx: { ge: 1 },
        },
      ],
    ],
    [
      KEY,
      { webhooks: [{ base_url: 'http://x', num_retries: -1 }], telemetry: { exporter: 'nope' } },
      422,
      [
        expect.objectContaining({ loc: ['body', 'webhooks', 0, 'num_retries'], input: -1 }),
        expect.objectContaining({ loc: ['body', 'telemetry', 'exporter'], input: 'nope' }),
      ],
    ],
    [KEY, { env: { 'A=B': 'x' } }, 422, [expect.objectContaining({ loc: ['body', 'env', 'A=B'] })]],
  ])(
    'answers an initialisation with the headers %j and the settings %j with %s',
    async (headers, settings, status, detail) => {
      const answer = await server.request('POST', INIT, settings, headers);
      expect([answer.status, answer.body]).toEqual([status, { detail }]);
      expect((await server.request('GET', INIT)).body).toMatchObject({ state: 'dormant' });
    },
  );

  it('checks the initialisation key before it reads the body', async () => {
    const send = (headers: Record<string, string>) =>
      fetch(server.url + INIT, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{bad',
      });
    expect((await send({ 'x-init-api-key': 'no' })).status).toBe(401);
    expect((await send(KEY)).status).toBe(422);
  });

  it('reports why initialisation failed and keeps waiting', async () => {
    const settings = { conversations_path: '/dev/null/x', env: { LEFT_BEHIND: '1' } };
    const answer = await server.request('POST', INIT, settings, KEY);
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).toContain('cannot write to /dev/null/x');
    expect((await server.request('GET', INIT)).body).toEqual({
      state: 'dormant',
      error: CANNOT_WRITE,
    });
  });
});

describe('a server after its initialisation', () => {
  let server: ServerProcess;
  let conversation: ConversationClient;
  beforeAll(async () => {
    server = await waitingServer({
      OH_SECRET_KEY: 'init-key',
      OH_ALLOW_CORS_ORIGINS_0: 'https://before.example',
    });
    const settings = {
      session_api_keys: ['u-key'],
      secret_key: 'other',
      conversations_path: 'mine/conversations',
      allow_cors_origins: ['https://after.example'],
      max_concurrent_runs: 1,
      env: { INIT_VARIABLE: 'given' },
    };
    expect((await server.request('POST', INIT, settings)).status).toBe(401);
    const attempts = await Promise.all([1, 2].map(() => server.request('POST', INIT, settings, KEY)));
    expect(attempts.map(({ status }) => status).sort()).toEqual([200, 400]);
    const ready = attempts.find(({ status }) => status === 200);
    expect(ready?.body).toEqual({ state: 'ready', error: null });
  });
  afterAll(() => server.stop());

  it('refuses a second initialisation and the old key', async () => {
    expect((await server.request('GET', INIT)).body).toEqual({ state: 'ready', error: null });
    expect(await server.request('POST', INIT, {}, { 'x-init-api-key': 'other' })).toMatchObject({
      status: 400,
      body: { detail: 'server already in state: ready' },
    });
    expect((await server.request('POST', INIT, {}, KEY)).status).toBe(401);
    expect((await server.request('GET', '/ready')).body).toEqual({ status: 'ready' });
  });

  it('requires the session keys of the initialisation', async () => {
    expect((await server.request('GET', '/api/conversations/count')).status).toBe(401);
    const counted = await server.request('GET', '/api/conversations/count', undefined, SESSION);
    expect([counted.status, counted.body]).toEqual([200, 0]);
  });

  it('has the attempts in the audit log, refused ones and the one that succeeded', async () => {
    await eventually(async () => {
      const { body } = await server.request(
        'GET',
        '/api/audit?operation=Init_start&limit=200',
        undefined,
        SESSION,
      );
      const { items } = body as { items: object[] };
      const seen = (wanted: object): boolean =>
        items.some((item) =>
          Object.entries(wanted).every(([name, value]) => Reflect.get(item, name) === value),
        );
      return (
        seen({ outcome: 'done', status: 200, key_id: 'init-key' }) &&
        seen({ outcome: 'refused', status: 401, key_id: null, address: '127.0.0.1' }) &&
        seen({ outcome: 'failed', status: 400, key_id: 'init-key' })
      );
    }, 'the entries');
  });

  it('stores conversations in the given folder and runs them with the given environment', async () => {
    const script = 'RUN: echo "[$INIT_VARIABLE]"\nFINISH: done';
    const request = scriptedRequest(server.cwd, script);
    const { body } = await server.request('POST', '/api/conversations', request, SESSION);
    conversation = new ConversationClient(server, (body as { id: string }).id);
    const found = () =>
      server.request('GET', `${conversation.route}/events/search?limit=100`, undefined, SESSION);
    await eventually(async () => JSON.stringify((await found()).body).includes('[given]'), 'the output');
    expect(existsSync(path.join(server.cwd, 'mine/conversations', conversation.id.replaceAll('-', '')))).toBe(
      true,
    );
  });

  it('opens sockets after initialisation', async () => {
    const route = `/sockets/events/${conversation.id}`;
    expect(await knock(server.socketUrl(`${route}?session_api_key=u-key`))).toBe('open');
    expect(await knock(server.socketUrl(`${route}?session_api_key=no`))).toBe('403');
  });

  it('allows the CORS origins of the initialisation only', async () => {
    const ask = async (origin: string) => (await rawRequest(server.url, { headers: { origin } })).headers;
    expect(await ask('https://after.example')).toHaveProperty('access-control-allow-origin');
    expect(await ask('https://before.example')).not.toHaveProperty('access-control-allow-origin');
  });

  it('serves the whole API document after initialisation', async () => {
    const { body } = await server.request('GET', '/openapi.json');
    expect(body).toHaveProperty('paths./api/conversations.post');
  });

  it('shuts down gracefully after initialisation', async () => {
    expect(await server.end()).toBe(0);
    await server.logs('done');
  });
});

describe('a waiting server without a key', () => {
  it('accepts an initialisation without a key from its own machine only', async () => {
    const server = await waitingServer({}, null);
    const otherHost = { host: 'rebound.example', 'content-type': 'application/json' };
    const sent = { method: 'POST', path: INIT, body: '{"session_api_keys":["u-key"]}' };
    expect((await rawRequest(server.url, { ...sent, headers: otherHost })).status).toBe(403);
    const page = { origin: 'https://evil.example', 'content-type': 'text/plain' };
    expect((await rawRequest(server.url, { ...sent, headers: page })).status).toBe(403);
    expect((await server.request('POST', INIT, { session_api_keys: ['u-key'] })).status).toBe(200);
    const headers = { host: 'agents.example', ...SESSION };
    expect((await rawRequest(server.url, { path: '/api/conversations/count', headers })).status).toBe(200);
    await server.stop();
  });
});

describe('a server without deferred initialisation', () => {
  it('answers 404 to an initialisation request', async () => {
    const server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'init-key' } });
    const detail = 'server is not running with deferred_init=True; the /api/init endpoint is not available';
    expect(await server.request('GET', INIT)).toMatchObject({ status: 404, body: { detail } });
    expect(await server.request('POST', INIT, {}, KEY)).toMatchObject({ status: 404, body: { detail } });
    expect((await server.request('POST', INIT, {})).status).toBe(401);
    await server.stop();
  });
});
