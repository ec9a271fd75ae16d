import { knock } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';

const KEY = 'right-key';
const COUNT = '/api/conversations/count';

describe('session keys', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_SESSION_API_KEYS: '["key-a","key-b"]' } });
  });
  afterAll(() => server.stop());

  it.each(['/alive', '/health', '/ready', '/server_info', '/', '/docs', '/openapi.json'])(
    'serves %s without a session key',
    async (route) => {
      expect((await server.request('GET', route)).status).toBe(200);
    },
  );

  it.each([
    [{ 'x-session-api-key': 'key-a' }, 200],
    [{ 'x-session-api-key': 'key-b' }, 200],
    [{ authorization: 'Bearer key-a' }, 200],
    [{ authorization: 'bearer  key-b' }, 200],
    [{}, 401],
    [{ 'x-session-api-key': '' }, 401],
    [{ 'x-session-api-key': 'key-' }, 401],
    [{ authorization: 'key-a' }, 401],
    [{ cookie: 'oh_workspace_session_key=key-a' }, 401],
  ])('answers the headers %j with %s', async (headers, status) => {
    for (const route of ['/api/conversations/count', '/conversations/count']) {
      const answer = await server.request('GET', route, undefined, headers);
      expect(answer.status).toBe(status);
      if (status === 401) expect(answer.body).toEqual({ detail: 'Unauthorized' });
    }
  });

  it('checks session keys after the route and before the body is read', async () => {
    expect((await server.request('GET', '/api/nope')).status).toBe(404);
    expect((await server.request('PUT', '/api/conversations')).status).toBe(405);
    expect((await server.request('GET', '/api/conversations/not-a-uuid')).status).toBe(401);
    expect((await server.request('POST', '/api/conversations', {})).status).toBe(401);
    const malformed = await fetch(`${server.url}/api/conversations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{bad',
    });
    expect(malformed.status).toBe(401);
  });

  it('refuses a session key in the query of an HTTP request', async () => {
    expect((await server.request('GET', '/api/conversations/count?session_api_key=key-a')).status).toBe(401);
  });
});

describe('limits on wrong session keys', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({
      env: {
        SESSION_API_KEY: KEY,
        OH_MAX_FAILED_KEYS_PER_MINUTE: '5',
        OH_TRUST_FORWARDED_HEADERS: '1',
      },
    });
  });
  afterAll(() => server.stop());

  const from = (address: string, key: string) =>
    server.request('GET', COUNT, undefined, {
      'x-session-api-key': key,
      'x-forwarded-for': `203.0.113.9, ${address}`,
    });

  it('answers only the client that shows too many wrong keys with 429', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1)
      statuses.push((await from('198.51.100.1', `wrong-${count}`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const refused = await from('198.51.100.1', 'wrong');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('198.51.100.2', 'wrong')).status).toBe(401);
    expect((await from('198.51.100.2', KEY)).status).toBe(200);
    await server.logs('wrong keys in a minute from 198.51.100.1');
  });

  it('answers a client that has guessed too often with 429 whether its key is right or wrong', async () => {
    for (let count = 0; count < 6; count += 1) await from('198.51.100.3', `wrong-${count}`);
    const { status, headers, body } = await from('198.51.100.3', KEY);
    expect([status, (await from('198.51.100.3', 'wrong')).body]).toEqual([429, body]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    const url = server.socketUrl(`/sockets/bash-events?session_api_key=${KEY}`);
    expect(await knock(url, { 'x-forwarded-for': '198.51.100.3' })).toMatch(/^429/);
  });

  it('keeps serving the right key from an address that has shown it before', async () => {
    expect((await from('198.51.100.4', KEY)).status).toBe(200);
    for (let count = 0; count < 8; count += 1) await from('198.51.100.4', `wrong-${count}`);
    expect((await from('198.51.100.4', 'wrong')).status).toBe(429);
    expect((await from('198.51.100.4', KEY)).status).toBe(200);
  });

  it('counts all addresses of an IPv6 network as one client', async () => {
    const statuses: number[] = [];
    for (let host = 1; host <= 7; host += 1) {
      const headers = { 'x-session-api-key': 'wrong', 'x-forwarded-for': `2001:db8:1:2::${host}` };
      statuses.push((await server.request('GET', COUNT, undefined, headers)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  it('does not count requests that show no key', async () => {
    for (let count = 0; count < 10; count += 1) {
      const answer = await fetch(`${server.url}${COUNT}`, {
        headers: { 'x-forwarded-for': '192.0.2.7' },
      });
      expect(answer.status).toBe(401);
    }
  });
});
