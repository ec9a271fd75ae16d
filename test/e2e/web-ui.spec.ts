import { mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { rawRequest } from '../support/raw-request.js';
import { ServerProcess, type ServerOptions } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const PAGE = '<!doctype html><html><head lang="en"><title>UI</title></head><body>$&</body></html>';
const AS_BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('a web UI on the port of the API', () => {
  let folder: string;
  let built: string;
  /** For the tests that only read. */
  let shared: ServerProcess;
  /** For the tests with options of their own. */
  let server: ServerProcess | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'web-ui-'));
    built = path.join(folder, 'build');
    await writeFiles(folder, {
      'build/index.html': PAGE,
      'build/assets/root-D1y82Lhg.js': 'run()',
      'build/assets/plain.js': 'plain()',
      'build/favicon.svg': '<svg/>',
      'build/api/health': 'shadow',
      'build/openapi.json': 'shadow',
      'build/.env': 'SECRET=1',
      'build/sub/other.html': '<html><head></head>other</html>',
      'empty/readme.txt': 'nothing here',
      'outside.txt': 'outside',
    });
    await symlink('../outside.txt', path.join(built, 'out.txt'));
    shared = await ServerProcess.start({ args: ['--ui', built] });
  });
  afterEach(() => server?.stop());
  afterAll(async () => {
    await shared.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(options: ServerOptions): Promise<string> {
    server = await ServerProcess.start(options);
    return server.url;
  }
  const page = (url: string, address: string) => rawRequest(url, { path: address, headers: AS_BROWSER });

  it('serves its page for every path that a browser navigates to, and its files', async () => {
    const { url } = shared;
    for (const address of ['/', '/conversations/1?tab=2', '/settings/llm', '/mcp', '/index.html']) {
      const answer = await page(url, address);
      expect([
        address,
        answer.status,
        answer.headers['content-type'],
        answer.headers['cache-control'],
      ]).toEqual([address, 200, 'text/html; charset=utf-8', 'no-store']);
      expect(answer.text).toContain('<title>UI</title></head><body>$&</body>');
    }
    const hashed = await page(url, '/assets/root-D1y82Lhg.js');
    expect([hashed.text, hashed.headers['content-type'], hashed.headers['cache-control']]).toEqual([
      'run()',
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ]);
    expect((await page(url, '/assets/plain.js')).headers['cache-control']).toBe('no-cache');
    expect((await page(url, '/sub/other.html')).text).toContain('__AGENT_CANVAS');
  });

  it('hides neither routes of the API nor missing files', async () => {
    const { url } = shared;
    expect(JSON.parse((await rawRequest(url)).text)).toMatchObject({ title: 'OpenHands Agent Server' });
    expect(JSON.parse((await page(url, '/openapi.json')).text)).toMatchObject({ openapi: '3.1.0' });
    expect((await page(url, '/docs')).text).toContain('swagger');
    for (const address of [
      '/api/nothing',
      '/v1/nothing',
      '/sockets/nothing',
      '/assets/gone-D1y82Lhg.js',
      '/.env',
    ])
      expect([address, (await page(url, address)).status]).toEqual([address, 404]);
    for (const headers of [{}, { ...AS_BROWSER, 'sec-fetch-dest': 'empty' }])
      expect((await rawRequest(url, { path: '/conversations/1', headers })).status).toBe(422);
    for (const address of ['/health', '/server_info', '/api/conversations/count'])
      expect((await page(url, address)).headers['content-type']).toContain('application/json');
    const post = await rawRequest(url, { method: 'POST', path: '/settings', headers: AS_BROWSER });
    expect(post.status).toBe(404);
    expect((await rawRequest(url, { path: '/settings' })).status).toBe(404);
  });

  it.each([
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/out.txt',
    '/assets/..%5c..%5coutside.txt',
    '/%00',
    '/%',
    '/%2e%65nv',
  ])('serves no file outside its folder for the path %s', async (address) => {
    const { url } = shared;
    const answer = await rawRequest(url, { path: address });
    expect(answer.status).toBe(404);
    expect(answer.text).not.toMatch(/outside|SECRET/);
  });

  it('tells the page whether a key is needed', async () => {
    const shown = (await page(shared.url, '/')).text;
    expect(shown).toContain('window.__AGENT_CANVAS_SESSION_API_KEY__="no-key-needed";');
    expect(shown).toContain('window.__AGENT_CANVAS_DO_NOT_TRACK__=true;');
    await server?.stop();
    const closed = await start({ args: ['--ui', built], env: { SESSION_API_KEY: 'key-of-mine' } });
    const asking = await page(closed, '/');
    expect(asking.text).toContain('window.__AGENT_CANVAS_AUTH_REQUIRED__=true;');
    expect(asking.text).not.toContain('key-of-mine');
    expect(asking.headers['content-security-policy']).toBe("frame-ancestors 'self'");
    await server?.stop();
    const named = await start({ args: ['--ui', built], env: { OH_REQUIRE_KEYS: 'true' } });
    expect((await page(named, '/')).text).toContain('window.__AGENT_CANVAS_AUTH_REQUIRED__=true;');
  });

  it('puts the key into the page when configured, escaped for a script', async () => {
    const url = await start({
      env: { OH_UI_PATH: built, OH_UI_GIVE_KEY: 'true', SESSION_API_KEY: "a$&</script><b>'" },
    });
    const { text } = await page(url, '/');
    expect(text).toContain(
      `<head lang="en"><script>window.__AGENT_CANVAS_SESSION_API_KEY__="a$&\\u003c/script\\u003e\\u003cb\\u003e'";`,
    );
  });

  it('puts the key into no page for another origin or for an unknown host name', async () => {
    const url = await start({
      host: null,
      env: {
        OH_UI_PATH: built,
        OH_UI_GIVE_KEY: 'true',
        SESSION_API_KEY: 'key-of-mine',
        OH_WEB_URL: 'https://mine.example',
      },
    });
    const { port } = new URL(url);
    const isGiven = async (address: string, headers: Record<string, string>) => {
      const { status, text } = await rawRequest(url, {
        path: address,
        headers: { ...AS_BROWSER, ...headers },
      });
      expect([status, text]).toEqual([200, expect.stringContaining('__AGENT_CANVAS')]);
      return text.includes('key-of-mine');
    };
    const others: Record<string, string>[] = [
      { origin: 'http://localhost:3000' },
      { origin: 'null' },
      { host: 'evil.example' },
      { host: `localhost.evil.example:${port}` },
      { host: 'evil.example', origin: 'http://evil.example' },
      { 'sec-fetch-dest': 'iframe' },
    ];
    for (const headers of others) {
      for (const address of ['/', '/index.html', '/sub/other.html', '/settings'])
        expect([headers, address, await isGiven(address, headers)]).toEqual([headers, address, false]);
    }
    const own = [
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      `192.168.1.5:${port}`,
      `[::1]:${port}`,
      'mine.example',
    ];
    for (const host of own) expect([host, await isGiven('/', { host })]).toEqual([host, true]);
    expect(await isGiven('/index.html', { host: own[0] ?? '', origin: `http://localhost:${port}` })).toBe(
      true,
    );
  });

  it('is served below /static with the option of the original', async () => {
    const url = await start({ env: { OH_STATIC_FILES_PATH: built } });
    const home = await rawRequest(url);
    expect([home.status, home.headers.location]).toEqual([302, '/static/index.html']);
    expect((await page(url, '/static/index.html')).text).toContain('<title>UI</title>');
    expect((await page(url, '/static/assets/root-D1y82Lhg.js')).text).toBe('run()');
    expect((await page(url, '/assets/root-D1y82Lhg.js')).text).toBe('run()');
    expect((await page(url, '/static/gone')).status).toBe(404);
    expect((await rawRequest(url, { path: '/server_info' })).status).toBe(200);
  });

  it('redirects to /static/ when there is no page, and not at all when there is no folder', async () => {
    const url = await start({ env: { OH_STATIC_FILES_PATH: path.join(folder, 'empty') } });
    expect((await rawRequest(url)).headers.location).toBe('/static/');
    expect((await rawRequest(url, { path: '/static/readme.txt' })).text).toBe('nothing here');
    await server?.stop();
    const without = await start({ env: { OH_STATIC_FILES_PATH: path.join(folder, 'gone') } });
    expect((await rawRequest(without)).status).toBe(200);
    await server?.logs('static_files_path is not a folder');
  });

  it.each(['empty', 'gone'])('does not start with a --ui folder without a page: %s', async (name) => {
    await expect(ServerProcess.start({ args: ['--ui', path.join(folder, name)] })).rejects.toThrow(
      /configuration: ui_path: .*index\.html/,
    );
  });
});
