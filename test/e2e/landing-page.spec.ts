import { rawRequest } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';

const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8';

describe('the page at / of a server without a web UI', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const root = (headers: Record<string, string>, method = 'GET') =>
    rawRequest(server.url, { method, headers });

  it.each([
    ['Chrome', { accept: CHROME, 'sec-fetch-dest': 'document' }],
    ['Safari', { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }],
    ['a client that asks for HTML', { accept: 'text/html' }],
  ])('tells %s what runs here and where to go on', async (_name, headers) => {
    const { status, headers: answered, text } = await root(headers);
    expect([status, answered['content-type'], answered['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-store',
    ]);
    const info = (await server.request('GET', '/server_info')).body as { implementation: string };
    const version = /[\d.]+$/.exec(info.implementation)?.[0] ?? 'none';
    expect(text).toContain('<h1>OpenHands Agent Server</h1>');
    expect(text).toContain(`Version ${version} `);
    expect(text).toContain('href="docs"');
    expect(text).toContain('npm run ui');
  });

  it('runs no script, loads nothing, and is shown in no frame', async () => {
    const { headers, text } = await root({ accept: CHROME });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(text).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)|url\(|@import/);
    for (const [, address = ''] of text.matchAll(/ (?:href|src)="([^"]*)"/g))
      expect(address).toMatch(/^(data:image\/svg\+xml;|[\w./]+$)/);
  });

  it('leads only to addresses that answer', async () => {
    const { text } = await root({ accept: CHROME });
    const addresses = [...text.matchAll(/ href="([^":]+)"/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) {
      const answer = await rawRequest(server.url, { path: `/${address}`, headers: { accept: CHROME } });
      expect([address, answer.status]).toEqual([address, 200]);
    }
  });

  it.each([
    ['curl and requests', { accept: '*/*' }],
    ['axios', { accept: 'application/json, text/plain, */*' }],
    ['a client that accepts both', { accept: 'application/json, text/html;q=0.9' }],
    ['a client that says nothing', {}],
    ['a script in a page', { accept: CHROME, 'sec-fetch-dest': 'empty' }],
  ])('answers %s with what GET /server_info answers', async (_name, headers) => {
    const { status, headers: answered, text } = await root(headers);
    expect([status, answered['content-type'], answered.vary]).toEqual([200, 'application/json', 'Origin']);
    expect(Object.keys(JSON.parse(text) as object)).toEqual(
      Object.keys((await server.request('GET', '/server_info')).body as object),
    );
  });

  it('hides no other method, path or refusal', async () => {
    expect((await root({ accept: CHROME }, 'POST')).status).toBe(405);
    const head = await root({ accept: CHROME }, 'HEAD');
    expect([head.status, head.headers['content-type'], head.text]).toEqual([
      200,
      'text/html; charset=utf-8',
      '',
    ]);
    expect((await root({ accept: CHROME, host: 'evil.example' })).status).toBe(403);
    const unknown = await rawRequest(server.url, { path: '/nothing', headers: { accept: CHROME } });
    expect([unknown.status, unknown.headers['content-type']]).toEqual([404, 'application/json']);
  });

  it('is open on a server with a session key and says that the API needs it', async () => {
    const closed = await ServerProcess.start({ env: { SESSION_API_KEY: 'key-of-mine' } });
    const { status, text } = await rawRequest(closed.url, { headers: { accept: CHROME } });
    await closed.stop();
    expect(status).toBe(200);
    expect(text).toContain('need the session key of this server');
    expect(text).not.toContain('key-of-mine');
  });

  it('is there while the server waits for its initialisation', async () => {
    const waiting = await ServerProcess.start({ env: { OH_DEFERRED_INIT: 'true' } });
    const { text } = await rawRequest(waiting.url, { headers: { accept: CHROME } });
    await waiting.stop();
    expect(text).toContain('<h1>OpenHands Agent Server</h1>');
  });
});
