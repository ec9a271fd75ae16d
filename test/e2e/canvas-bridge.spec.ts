import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { WebSocket } from 'ws';
import { unseal, writeCanvasApp } from '../support/canvas-app.js';
import { rawRequest } from '../support/raw-request.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { asJson, containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

const HOST = 'apps.localhost:7777';
const INGRESS = `http://${HOST}`;
const PAGE = 'http://localhost:3000';
const KEY = { 'x-session-api-key': 'hush-key' };
const root = '/api/canvas-extensions';
const one = `${root}/installed/my-app`;
const app = '/app-backends/my-app';

describe('the bridge from browsers to canvas back ends', () => {
  let fixture: SettingsFixture;
  let revision: unknown;
  beforeAll(async () => {
    fixture = await SettingsFixture.start({
      OH_APP_BACKEND_PUBLIC_URL: INGRESS,
      SESSION_API_KEY: 'hush-key',
    });
    const source = path.join(fixture.folder, 'app');
    await writeCanvasApp(source);
    await fixture.done('POST', `${root}/install`, { source }, KEY);
    ({ revision } = await fixture.done('GET', `${one}/backend`, undefined, KEY));
    await fixture.done('POST', `${one}/backend/prepare`, { revision }, KEY);
  });
  beforeEach(() => start());
  afterAll(async () => {
    await fixture.server.end();
    await unseal(path.join(fixture.root, 'canvas-extensions'));
    await fixture.stop();
  });

  const start = () => fixture.done('POST', `${one}/backend/start`, { revision }, KEY);
  const stop = () => fixture.done('POST', `${one}/backend/stop`, undefined, KEY);
  const logs = async () => String((await fixture.done('GET', `${one}/backend/logs`, undefined, KEY))['logs']);

  interface BridgeRequest {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }
  const send = (route: string, { headers, ...rest }: BridgeRequest = {}) =>
    rawRequest(fixture.server.url, { ...rest, path: route, headers: { host: HOST, ...headers } });
  const session = (headers: Record<string, string> = {}) =>
    send(`${app}/session`, { method: 'POST', headers: { ...KEY, origin: PAGE, ...headers } });
  async function cookie(): Promise<string> {
    const { headers } = await session();
    return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  }
  const echo = async (route: string, request: BridgeRequest = {}): Promise<Json> =>
    asJson(JSON.parse((await send(route, request)).text));
  const refusal = async (route: string, request: BridgeRequest = {}): Promise<[number, unknown]> => {
    const { status, text } = await send(route, request);
    const { detail, exception } = asJson(JSON.parse(text));
    return [status, exception ?? detail];
  };
  /** A socket as a page of the extension opens it. */
  const socket = async (route = '/socket', protocols: string[] = [], headers: Record<string, string> = {}) =>
    new WebSocket(fixture.server.socketUrl(app + route), protocols, {
      headers: { host: HOST, origin: INGRESS, cookie: await cookie(), ...headers },
    });
  const outcomeOf = async (client: WebSocket): Promise<string> => {
    client.on('error', () => undefined);
    const rejection = once(client, 'unexpected-response').then(([, response]: { statusCode: number }[]) =>
      String(response?.statusCode),
    );
    return Promise.race([once(client, 'open').then(() => 'open'), rejection]);
  };

  it('announces the bridge in the server information', async () => {
    const info = await fixture.done('GET', '/server_info');
    expect(info['app_backend_ingress_url']).toBe(INGRESS);
    expect(info['capabilities']).toContain('canvas_app_backend_bridge_v1');
  });

  it('opens a bridge session for a page that has the key', async () => {
    const { status, headers, text } = await session();
    expect(status).toBe(200);
    const answer = asJson(JSON.parse(text));
    expect(answer).toEqual({
      ingress_url: `${INGRESS}${app}/`,
      expires_at: containing('Z'),
      iframe_sandbox: 'allow-forms allow-modals allow-popups allow-same-origin allow-scripts',
    });
    const seconds = (Date.parse(String(answer['expires_at'])) - Date.now()) / 1000;
    expect(Math.round(seconds)).toBeGreaterThan(290);
    expect(Math.round(seconds)).toBeLessThanOrEqual(300);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^oh_app_backend_session=[\w-]{43}; HttpOnly; Max-Age=300; Path=\/app-backends\/my-app; SameSite=none; Secure; Partitioned$/,
      ),
    ]);
    expect(headers['access-control-allow-origin']).toBe(PAGE);
  });

  it('refuses a bridge session to every other page', async () => {
    const post = (headers: Record<string, string>, route = `${app}/session`) =>
      refusal(route, { method: 'POST', headers: { ...KEY, ...headers } });
    expect(await post({ 'x-session-api-key': 'wrong', origin: PAGE })).toEqual([401, 'Unauthorized']);
    for (const origin of ['https://evil.example', 'null'])
      expect(await post({ origin })).toEqual([403, 'Origin is not allowed']);
    expect(await post({})).toEqual([403, 'Origin is not allowed']);
    expect(await post({ origin: INGRESS })).toEqual([
      409,
      'Canvas App ingress must use a separate browser origin',
    ]);
    const misdirected = 'Canvas App request must use the configured ingress origin';
    for (const host of ['localhost:7777', 'apps.localhost:7778'])
      expect(await post({ origin: PAGE, host })).toEqual([421, misdirected]);
    // Forwarded headers are not trusted by default.
    const forwarded = { 'x-forwarded-host': HOST, host: 'localhost:1' };
    expect(await post({ origin: PAGE, ...forwarded })).toEqual([421, misdirected]);
    expect(await post({ origin: PAGE }, '/app-backends/other/session')).toEqual([
      503,
      '503: Canvas App backend is not ready',
    ]);
    expect((await post({ origin: PAGE }, '/app-backends/Bad_/session'))[0]).toBe(422);
  });

  it('forwards requests without credentials and answers without cookies', async () => {
    const headers = {
      cookie: `other=1; ${await cookie()}`,
      authorization: 'Bearer hush-key',
      ...KEY,
      ...{ 'x-own': 'yes', connection: 'keep-alive, x-hop', 'x-hop': '1', te: 'trailers' },
    };
    const query = 'b=1&session_api_key=hush-key&X-Session-API-Key=hush-key&Authorization=x&c=%20d&e';
    const { headers: answered, text } = await send(`${app}/a%2Fb/%C3%A9?${query}`, { headers });
    const got = asJson(JSON.parse(text));
    expect(got['url']).toBe('/a%2Fb/%C3%A9?b=1&c=%20d&e');
    const { port } = await fixture.done('GET', `${one}/backend`, undefined, KEY);
    expect(got['headers']).toEqual({
      host: `127.0.0.1:${String(port)}`,
      'x-own': 'yes',
      connection: 'close',
    });
    expect(text).not.toContain('hush-key');
    expect(answered['x-own']).toBe('mine');
    expect(answered['set-cookie']).toBeUndefined();
    expect(answered['x-hop']).toBeUndefined();
    expect((await echo(app, { headers }))['url']).toBe('/');
    expect((await echo(`${app}/session`, { headers }))['url']).toBe('/session');
    expect((await send(`${app}/x`, { method: 'HEAD', headers })).status).toBe(200);
  });

  it('accepts requests that change something only from pages of the extension', async () => {
    const own = { cookie: await cookie(), origin: INGRESS, 'content-type': 'application/json' };
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const body = method === 'DELETE' ? '' : '{"not": json';
      expect(await echo(`${app}/x`, { method, headers: own, body })).toMatchObject({ method, body });
      for (const origin of [PAGE, 'https://evil.example'])
        expect(await refusal(`${app}/x`, { method, headers: { ...own, origin } })).toEqual([
          403,
          'Origin is not allowed',
        ]);
    }
    expect((await send(`${app}/x`, { method: 'TRACE', headers: own })).status).not.toBe(200);
  });

  it('refuses requests to a canvas back end without a bridge session', async () => {
    for (const shown of ['', 'oh_app_backend_session=made-up', `oh_app_backend_session="${await cookie()}"`])
      expect(await refusal(`${app}/x`, { headers: { ...KEY, cookie: shown } })).toEqual([
        401,
        'Unauthorized',
      ]);
    const headers = { cookie: await cookie() };
    expect(await refusal(`${app}/x`, { headers: { ...headers, host: 'localhost:1' } })).toEqual([
      421,
      'Canvas App request must use the configured ingress origin',
    ]);
    expect(await refusal('/app-backends/other/x', { headers })).toEqual([
      503,
      '503: Canvas App backend is not ready',
    ]);
  });

  it.each([
    '/a/../b',
    '/%2e%2e/b',
    '/%252e%252E/b',
    '/./b',
    '/a\\b',
    '/a%5Cb',
    '/a%255cb',
    '/%00',
    '/%0d%0a',
    '/%zz',
  ])('does not forward the path %s to a canvas back end', async (route) => {
    const headers = { cookie: await cookie() };
    expect(await refusal(app + route, { headers })).toEqual([400, 'Invalid backend path']);
  });

  it('refuses redirects of a canvas back end and reports when it is down', async () => {
    const headers = { cookie: await cookie() };
    const redirect = await send(`${app}/redirect`, { headers });
    expect([redirect.status, redirect.headers.location]).toEqual([502, undefined]);
    expect(redirect.text).toContain('502: Upstream redirect is not allowed');
    expect(await refusal(`${app}/crash`, { headers })).toEqual([502, '502: Canvas App backend unreachable']);
    await eventually(async () => (await send(`${app}/x`, { headers })).status === 503);
    await start();
    expect(await refusal(`${app}/x`, { headers })).toEqual([401, 'Unauthorized']);
  });

  it('streams in both directions and ends a request whose client has left', async () => {
    const headers = { cookie: await cookie(), origin: INGRESS };
    const { text } = await send(`${app}/flood`, { headers });
    expect(text).toHaveLength(64 * 1024 * 1024);
    const body = Buffer.alloc(40 * 1024 * 1024, 1);
    const sent = await rawRequest(fixture.server.url, {
      ...{ method: 'POST', path: `${app}/upload`, body },
      headers: { host: HOST, ...headers, 'content-type': 'application/json' },
    });
    expect(sent.text).toBe(String(body.length));
    const { hostname, port } = new URL(fixture.server.url);
    const slow = httpRequest({ hostname, port, path: `${app}/slow`, headers: { host: HOST, ...headers } });
    slow.on('error', () => undefined);
    slow.end();
    const [answer] = (await once(slow, 'response')) as [IncomingMessage];
    expect(String((await once(answer, 'data'))[0])).toBe('first');
    slow.destroy();
    await eventually(async () => (await logs()).includes('slow ended'));
  });

  it('connects WebSockets with the subprotocol and the frames of both sides', async () => {
    const client = await socket('/socket?b=1&session_api_key=hush-key', ['other', 'own.v1'], KEY);
    const first = once(client, 'message');
    expect(await outcomeOf(client)).toBe('open');
    expect(client.protocol).toBe('own.v1');
    const { url, headers } = asJson(JSON.parse(String((await first)[0])));
    expect(url).toBe('/socket?b=1');
    for (const name of ['cookie', 'origin', 'x-session-api-key', 'authorization'])
      expect(headers).not.toHaveProperty(name);
    for (const message of ['hello', Buffer.from([0, 255]), 'x'.repeat(3_000_000)]) {
      const answered = once(client, 'message');
      client.send(message);
      const [echoed, isBinary] = (await answered) as [Buffer, boolean];
      expect([String(echoed), isBinary]).toEqual([String(message), typeof message !== 'string']);
    }
    client.send('close');
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4321, 'bye']);
  });

  it('refuses WebSockets of other pages and of back ends without WebSockets', async () => {
    const refused: Record<string, string>[] = [
      { origin: PAGE },
      { origin: '' },
      { cookie: '' },
      { cookie: 'oh_app_backend_session=made-up', ...KEY },
      { host: 'localhost:1' },
    ];
    for (const headers of refused) expect(await outcomeOf(await socket('/socket', [], headers))).toBe('403');
    expect(await outcomeOf(await socket('/no-socket'))).toBe('502');
  });

  it('closes WebSockets when the session is revoked or the back end stops', async () => {
    const shown = await cookie();
    const opened = async (headers: Record<string, string>) => {
      const client = await socket('/socket', [], headers);
      expect(await outcomeOf(client)).toBe('open');
      return client;
    };
    const [own, another] = [await opened({ cookie: shown }), await opened({})];
    const revoke = (headers: Record<string, string>) =>
      send(`${app}/session`, { method: 'DELETE', headers: { cookie: shown, ...headers } });
    expect((await revoke({ origin: PAGE })).status).toBe(401);
    expect((await revoke({ ...KEY })).status).toBe(403);
    const closed = once(own, 'close');
    const { status, headers } = await revoke({ ...KEY, origin: PAGE });
    expect([status, headers['set-cookie']]).toEqual([
      204,
      [
        'oh_app_backend_session=""; HttpOnly; Max-Age=0; Path=/app-backends/my-app; SameSite=none; Secure; Partitioned',
      ],
    ]);
    await closed;
    expect((await send(`${app}/x`, { headers: { cookie: shown } })).status).toBe(401);
    expect(another.readyState).toBe(WebSocket.OPEN);
    const disconnected = once(another, 'close');
    await stop();
    await disconnected;
  });

  it('uses forwarded headers of a trusted proxy', async () => {
    const server = await ServerProcess.start({
      cwd: fixture.folder,
      env: { OH_APP_BACKEND_PUBLIC_URL: 'https://apps.example', OH_TRUST_FORWARDED_HEADERS: 'true' },
    });
    try {
      const statusOf = async (headers: Record<string, string>) =>
        (await rawRequest(server.url, { path: `${app}/x`, headers })).status;
      const proxy = { host: 'inside:1', 'x-forwarded-host': 'apps.example', 'x-forwarded-proto': 'https' };
      // 503: the request came through the bridge, but this server has no back end.
      expect(await statusOf(proxy)).toBe(503);
      expect(await statusOf({ ...proxy, 'x-forwarded-proto': 'http' })).toBe(421);
      expect(await statusOf({ host: 'apps.example' })).toBe(421);
    } finally {
      await server.end();
    }
  });

  it('answers 503 when the bridge is not configured', async () => {
    const server = await ServerProcess.start({ cwd: fixture.folder });
    try {
      const info = asJson((await server.request('GET', '/server_info')).body);
      expect(info['app_backend_ingress_url']).toBeNull();
      expect(info['capabilities']).not.toContain('canvas_app_backend_bridge_v1');
      for (const [method, route] of [
        ['POST', `${app}/session`],
        ['GET', `${app}/x`],
      ] as const)
        expect(await server.request(method, route)).toMatchObject({
          status: 503,
          body: { exception: '503: Canvas App backend ingress is not configured' },
        });
    } finally {
      await server.end();
    }
  });
});
