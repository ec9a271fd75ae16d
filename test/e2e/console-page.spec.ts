import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { rawRequest } from '../support/raw-request.js';
import { ServerProcess, type ServerOptions } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8';

describe('/ of a server without a web UI', () => {
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
  ])('leads %s to the console, by an address that works behind a prefix', async (_name, headers) => {
    const { status, headers: answered } = await root(headers);
    expect([status, answered.location, answered.vary]).toEqual([302, 'console/', 'Accept']);
    expect((await root(headers, 'HEAD')).status).toBe(302);
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
    expect((await root({ accept: CHROME, host: 'evil.example' })).status).toBe(403);
    const unknown = await rawRequest(server.url, { path: '/nothing', headers: { accept: CHROME } });
    expect([unknown.status, unknown.headers['content-type']]).toEqual([404, 'application/json']);
  });
});

describe('the console at /console/', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { SESSION_API_KEY: 'key-of-mine' } });
  });
  afterAll(() => server.stop());

  const get = (address: string, headers: Record<string, string> = { accept: CHROME }) =>
    rawRequest(server.url, { path: address, headers });

  it.each([
    ['/console/', './'],
    ['/console/new', './'],
    ['/console/conversations/0a1b', '../'],
    ['/console/settings/models/one', '../../'],
  ])('answers %s with the page, whose addresses begin at %s', async (address, base) => {
    const { status, headers, text } = await get(address);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-store',
    ]);
    expect(text).toContain(`<base href="${base}"`);
    expect(new URL(base, `http://host${address}`).pathname).toBe('/console/');
  });

  it('needs no key for the page, which contains none', async () => {
    const { status, text } = await get('/console/');
    expect(status).toBe(200);
    expect(text).not.toContain('key-of-mine');
  });

  it('runs only its own scripts and styles, reaches only its own server, and is shown in no frame', async () => {
    const { headers, text } = await get('/console/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
        "base-uri 'self'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(text).not.toMatch(/<script(?![^>]* src="assets\/)|<style| style="| on\w+="/);
    for (const [, address = ''] of text.matchAll(/ (?:href|src)="([^"]*)"/g))
      expect(address).toMatch(/^(data:image\/svg\+xml,|[\w./-]+$)/);
  });

  it('leads a browser without scripts only to addresses that answer', async () => {
    const { text } = await get('/console/');
    const links = [...text.matchAll(/<a href="([^"]+)"/g)].map(([, href = '']) => href);
    expect(links.length).toBeGreaterThan(2);
    for (const href of links) {
      const { pathname } = new URL(href, `${server.url}/console/`);
      expect([pathname, (await get(pathname)).status]).toEqual([pathname, 200]);
    }
  });

  it('sends its scripts and styles once, compressed to those who accept that', async () => {
    const { text } = await get('/console/');
    const assets = [...text.matchAll(/(?:href|src)="(assets\/[^"]+)"/g)].map(([, name = '']) => name);
    expect(assets.length).toBeGreaterThan(1);
    for (const name of assets) {
      const plain = await get(`/console/${name}`, {});
      expect([plain.status, plain.headers['cache-control'], plain.headers['content-encoding']]).toEqual([
        200,
        'public, max-age=31536000, immutable',
        undefined,
      ]);
      const compressed = await fetch(`${server.url}/console/${name}`);
      expect(compressed.headers.get('content-encoding')).toBe('gzip');
      expect(compressed.headers.get('vary')).toContain('Accept-Encoding');
      expect(Number(compressed.headers.get('content-length'))).toBeLessThan(plain.text.length);
      expect(await compressed.text()).toBe(plain.text);
    }
  });

  it.each([
    '/console/assets/none.js',
    '/console/assets/../index.html.js',
    '/console/assets/..%2findex.html',
    '/console/assets/%2e%2e/index.html',
    '/console/a/b/c/d/e/f',
  ])('has nothing at %s', async (address) => {
    expect((await get(address)).status).toBe(404);
  });

  it('leads /console to /console/', async () => {
    const { status, headers } = await get('/console');
    expect([status, headers.location]).toEqual([302, 'console/']);
  });

  it('answers no other method than reading', async () => {
    const { status } = await rawRequest(server.url, { path: '/console/', method: 'POST' });
    expect(status).toBe(404);
  });
});

describe('the console beside other pages', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'console-'));
    await writeFiles(folder, { 'index.html': '<html><head></head>mine</html>' });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each<[string, ServerOptions, RegExp]>([
    ['a web UI', { env: { OH_UI_PATH: 'FOLDER' } }, /200 undefined .*mine/s],
    ['static files', { env: { OH_STATIC_FILES_PATH: 'FOLDER' } }, /302 \/static\/index.html/],
    ['a server that waits for its initialisation', { env: { OH_DEFERRED_INIT: 'true' } }, /302 console\//],
  ])('is there with %s, and / leads where it should', async (_name, options, expected) => {
    const env = Object.fromEntries(
      Object.entries(options.env ?? {}).map(([name, value]) => [name, value.replace('FOLDER', folder)]),
    );
    const server = await ServerProcess.start({ env });
    try {
      const get = (address: string) => rawRequest(server.url, { path: address, headers: { accept: CHROME } });
      const { status, headers, text } = await get('/');
      expect(`${status} ${headers.location} ${text}`).toMatch(expected);
      for (const address of ['/console/', '/console/conversations/1'])
        expect((await get(address)).text).toContain('<div id="console">');
    } finally {
      await server.stop();
    }
  });
});
