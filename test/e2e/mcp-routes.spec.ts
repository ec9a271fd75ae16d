import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from '../support/is-alive.js';
import { startMcpServer, type TestMcpServer } from '../support/mcp-http.mjs';
import { mcpNotes, mcpPids, mcpProgram } from '../support/mcp-program.js';
import { startSignIn, type SignInServer } from '../support/mcp-sign-in.mjs';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { asJson, at, SettingsFixture, type Json, type SettingsAnswer } from '../support/settings-fixture.js';
import { eventually } from '../support/server-process.js';

describe('MCP test and sign-in routes', () => {
  let fixture: SettingsFixture;
  let mcp: TestMcpServer;
  let front: SignInServer;
  beforeAll(async () => {
    fixture = await SettingsFixture.start(WITHOUT_SANDBOX);
    mcp = await startMcpServer();
    front = await startSignIn({ to: mcp.url, secret: true });
  });
  afterAll(async () => {
    await fixture.stop();
    await front.close();
    await mcp.close();
  });

  const notesFile = (name: string): string => path.join(fixture.folder, name);
  const program = (name = 'notes') => mcpProgram(notesFile(name));
  const test = (server: object, more = {}) => fixture.ask('POST', '/api/mcp/test', { server, ...more });
  const signIn = (auth = {}, more = {}) =>
    fixture.ask('POST', '/api/mcp/oauth/start', {
      server: { url: front.url, auth: { strategy: 'oauth2', ...auth } },
      ...more,
    });
  const status = (id: unknown): Promise<Json> => fixture.done('GET', `/api/mcp/oauth/status/${String(id)}`);
  const callback = (id: unknown, callback_url: string): Promise<SettingsAnswer> =>
    fixture.ask('POST', `/api/mcp/oauth/callback/${String(id)}`, { callback_url });

  /** Signs in as the user's browser does. @returns the callback address with the code */
  async function signedIn({ body }: SettingsAnswer): Promise<string> {
    const answer = await fetch(String(body['authorization_url']), { redirect: 'manual' });
    return answer.headers.get('location') ?? '';
  }

  async function finished(): Promise<Json> {
    const started = await signIn();
    const { body } = await callback(started.body['job_id'], await signedIn(started));
    expect(body).toMatchObject({ ok: true, status: 'succeeded' });
    return asJson(body['oauth_state']);
  }

  it('starts a server, lists its tools, calls one and ends the server', async () => {
    const { status: code, body } = await test(program(), {
      tool_call: { name: 'add', arguments: { a: 1, b: 2 } },
    });
    expect([code, body]).toMatchObject([200, { ok: true, tool_result: { is_error: false, text: '3' } }]);
    expect(body['tools']).toContain('boom');
    expect(Object.keys(body)).toEqual(['ok', 'tools', 'tool_result']);
    const pids = await mcpPids(notesFile('notes'));
    expect(pids.map(isAlive)).toEqual([false]);
  });

  it.each([
    ['boom', { msg: 'x' }, /nope x/],
    ['nope', {}, /^Tool 'nope' not advertised by server \(available: add, boom/],
  ])('reports what is wrong with a call of %s', async (name, args, text) => {
    const { body } = await test({ type: 'shttp', url: mcp.url }, { tool_call: { name, arguments: args } });
    expect(body).toMatchObject({ ok: true, tool_result: { is_error: true } });
    expect(at(body, 'tool_result', 'text')).toMatch(text);
  });

  it.each([
    [
      { command: '/nonexistent-mcp' },
      'connection',
      /^Client failed to connect: \[Errno 2\] No such file or directory: '\/nonexistent-mcp'$/,
    ],
    [{ command: os.tmpdir() }, 'connection', /^Client failed to connect: \[Errno 13\] Permission denied: '/],
    [
      { command: process.execPath, args: ['-e', 'process.exit(3)'] },
      'unknown',
      /^McpError: Connection closed$/,
    ],
    [{ command: 'true' }, 'unknown', /^McpError: Connection closed$/],
    [
      { url: 'http://127.0.0.1:1/mcp' },
      'connection',
      /^Client failed to connect: All connection attempts failed$/,
    ],
    [{ type: 'sse', url: 'http://127.0.0.1:1/mcp' }, 'connection', /: All connection attempts failed$/],
    [{ url: 'no address' }, 'unknown', /^ValueError: Invalid HTTP\/S URL provided for Streamable HTTP\.$/],
    [
      { type: 'sse', url: 'ftp://127.0.0.1/' },
      'unknown',
      /^ValueError: Invalid HTTP\/S URL provided for SSE\.$/,
    ],
    [
      { command: 'sleep', args: ['20'] },
      'timeout',
      /^MCP tool listing timed out after 0\.5 seconds\.\nMCP servers configured: test-server\n\nPossible solutions:\n/,
    ],
  ])('reports why %j cannot be used', async (server, error_kind, error) => {
    const timeout = error_kind === 'timeout' ? 0.5 : 20;
    const { status: code, body } = await test(server, { timeout });
    expect([code, body]).toMatchObject([200, { ok: false, error_kind }]);
    expect(body['error']).toMatch(error);
  });

  it.each([
    ['http', 404, 'McpError: Session terminated'],
    ['http', 401, "HTTPStatusError: Client error '401 Unauthorized' for url '"],
    ['http', 503, "HTTPStatusError: Server error '503 Service Unavailable' for url '"],
    ['sse', 404, "HTTPStatusError: Client error '404 Not Found' for url '"],
  ])('reports what a server that is not an MCP server answers over %s: %i', async (type, code, error) => {
    const other = createServer((_request, response) => response.writeHead(code).end('{}'));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    try {
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/mcp`;
      const { body } = await test({ type, url });
      expect(body).toMatchObject({ ok: false, error_kind: 'unknown' });
      const more = error.endsWith("'")
        ? `${url}'\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/${code}`
        : '';
      expect(body['error']).toBe(`${error}${more}`);
    } finally {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('masks secrets in errors and results, and accepts values that this server has encrypted', async () => {
    const env = { TOKEN: 'hush-hush-token' };
    await fixture.done('POST', '/api/settings/mcp/demo', { ...program('demo'), env });
    const shown = await fixture.done('GET', '/api/settings', undefined, { 'X-Expose-Secrets': 'encrypted' });
    const server = asJson(at(shown, 'agent_settings', 'mcp_config', 'demo'));
    expect(JSON.stringify(server)).not.toContain('hush');
    const tool_call = { name: 'environment', arguments: { name: 'TOKEN' } };
    expect((await test(server, { tool_call })).body).toMatchObject({ tool_result: { text: '**********' } });
    const broken = await test({ command: `/nonexistent/${env.TOKEN}`, env });
    expect(broken.body['error']).toContain('**********');
    // Node quotes such a value in its error, in a form that no mask matches.
    const refused = await test({ command: 'true', env: { TOKEN: 'hush-hush\0token' } });
    expect(refused.body['error']).toContain("'TOKEN'");
    expect(JSON.stringify([broken.body, refused.body, fixture.server.log])).not.toContain('hush');
    const forged = String(at(server, 'env', 'TOKEN')).replace(/.(?=.{20}$)/, (character) =>
      character === 'A' ? 'B' : 'A',
    );
    expect(await test({ ...server, env: { TOKEN: forged } })).toMatchObject({ status: 422 });
  });

  it.each<[object, string[]]>([
    [{ server: {} }, ['body', 'server', 'http', 'url']],
    [{ server: { type: 'ftp', url: 'x' } }, ['body', 'server']],
    [{ server: { command: '' } }, ['body', 'server', 'stdio', 'command']],
    [{ server: { url: 'http://x', authentication: {} } }, ['body']],
    [{ server: { url: 'http://x', auth: { strategy: 'magic' } } }, ['body', 'server', 'http', 'auth']],
    [
      { server: { url: 'http://x', headers: { authorization: 'x' }, auth: { strategy: 'bearer' } } },
      ['body', 'server', 'http'],
    ],
    [{ server: { command: 'x' }, timeout: 121 }, ['body', 'timeout']],
    [{ server: { command: 'x' }, tool_call: {} }, ['body', 'tool_call', 'name']],
  ])('rejects the invalid request %j', async (request, loc) => {
    const { status: code, body } = await fixture.ask('POST', '/api/mcp/test', request);
    expect([code, at(body, 'detail', '0', 'loc')]).toEqual([422, loc]);
  });

  it('completes a sign-in and returns encrypted credentials that work', async () => {
    const started = await signIn({}, { tool_call: { name: 'echo', arguments: { text: 'hi' } } });
    const { job_id: id, authorization_url: url } = started.body;
    expect(new URL(String(url)).searchParams.get('code_challenge_method')).toBe('S256');
    expect(await status(id)).toEqual({
      ok: true,
      status: 'authorizing',
      job_id: id,
      authorization_url: url,
      callback_ready: true,
    });
    const back = await signedIn(started);
    for (const wrong of ['https://evil.test/callback', 'http://evil.test/callback', 'nonsense']) {
      expect(await callback(id, wrong)).toEqual({
        status: 400,
        body: { detail: 'Invalid OAuth callback URL' },
      });
    }
    const unexpected = { status: 400, body: { detail: 'Unexpected OAuth callback URL' } };
    expect(await callback(id, 'http://localhost:1/callback?code=x')).toEqual(unexpected);
    expect(await callback(id, back.replace(/state=[^&]+/, 'state=guessed'))).toEqual(unexpected);
    const { body } = await callback(id, back);
    expect(body).toMatchObject({
      ok: true,
      status: 'succeeded',
      tool_result: { is_error: false, text: 'hi' },
    });
    expect(await callback(id, back)).toMatchObject({ status: 409 });

    const state = asJson(body['oauth_state']);
    for (const secret of [at(state, 'tokens', 'access_token'), at(state, 'client_info', 'client_secret')]) {
      expect(secret).toMatch(/^gAAAAA/);
    }
    const used = await test({ url: front.url, auth: { strategy: 'oauth2', state } });
    expect(used.body).toMatchObject({ ok: true, oauth_state: { tokens: { token_type: 'Bearer' } } });
    for (const secret of [...front.state.access, ...front.state.refresh.keys()]) {
      expect(fixture.server.log).not.toContain(secret);
    }
  });

  it('completes a sign-in by the callback port when the browser runs on this machine', async () => {
    const started = await signIn();
    const page = await fetch(await signedIn(started));
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('close this page')]);
    await eventually(async () => (await status(started.body['job_id']))['status'] === 'succeeded');
  });

  it('rejects callbacks without the state of the sign-in', async () => {
    const started = await signIn();
    const back = new URL(await signedIn(started));
    const { port } = back;
    for (const query of ['', '?code=x', '?code=x&state=guessed', '?error=denied&state=guessed']) {
      expect((await fetch(`http://127.0.0.1:${port}/callback${query}`)).status).toBe(400);
    }
    expect((await fetch(back, { method: 'POST' })).status).toBe(400);
    expect(await status(started.body['job_id'])).toMatchObject({ status: 'authorizing' });
    expect((await fetch(back)).status).toBe(200);
  });

  it('reports a sign-in that was denied', async () => {
    const started = await signIn();
    const back = new URL(await signedIn(started));
    back.searchParams.delete('code');
    back.searchParams.set('error', 'access_denied');
    expect((await callback(started.body['job_id'], back.href)).body).toMatchObject({
      ok: false,
      status: 'failed',
      error: 'Client failed to connect: access_denied access_denied',
      error_kind: 'connection',
    });
    await expect(fetch(back)).rejects.toThrow('fetch failed');
  });

  it('renews expired tokens, and asks for a new sign-in when that fails', async () => {
    const state = await finished();
    front.state.access.clear();
    const auth = { strategy: 'oauth2', state };
    const { body } = await test({ url: front.url, auth });
    expect(body).toMatchObject({ ok: true });
    expect(at(body, 'oauth_state', 'tokens', 'refresh_token')).not.toBe(at(state, 'tokens', 'refresh_token'));
    // A refresh token can be used once.
    front.state.access.clear();
    const again = await test({ url: front.url, auth });
    expect(again.body).toMatchObject({ ok: false, error: expect.stringContaining('sign in') as unknown });
    // A client that signed in before uses the same callback address, so it does not register again.
    const clients = front.state.clients.size;
    const started = await signIn({ state });
    expect((await callback(started.body['job_id'], await signedIn(started))).body).toMatchObject({
      ok: true,
    });
    expect(front.state.clients.size).toBe(clients);
  });

  it('rejects sign-ins that cannot start, and unknown jobs', async () => {
    const start = (server: object) => fixture.ask('POST', '/api/mcp/oauth/start', { server, timeout: 5 });
    expect(await start({ url: front.url })).toEqual({
      status: 400,
      body: { detail: "MCP OAuth start requires auth.strategy='oauth2'" },
    });
    const refused = await start({ url: 'http://127.0.0.1:1/mcp', auth: { strategy: 'oauth2' } });
    expect(refused.body).toMatchObject({ ok: false, error_kind: 'connection' });
    const { job_id: id } = refused.body;
    expect(await status(id)).toMatchObject({ ok: false, status: 'failed', callback_ready: false });
    expect(await callback(id, 'http://localhost:1/callback')).toEqual({
      status: 409,
      body: { detail: 'OAuth callback is not ready' },
    });
    const unknown = { status: 404, body: { detail: 'MCP OAuth job not found' } };
    expect(await fixture.ask('GET', '/api/mcp/oauth/status/x')).toEqual(unknown);
    expect(await callback('x', 'http://localhost:1/callback')).toEqual(unknown);
  });

  it('ends trials and sign-ins with the server', async () => {
    const own = await SettingsFixture.start(WITHOUT_SANDBOX);
    const server = { ...program('last'), env: {} };
    const call = { server, tool_call: { name: 'wait', arguments: {} }, timeout: 60 };
    const pendingTest = own.ask('POST', '/api/mcp/test', call).catch(() => undefined);
    await eventually(async () => (await mcpNotes(notesFile('last'))).includes('waiting'), 'the call');
    const pids = await mcpPids(notesFile('last'));
    const body = { server: { url: front.url, auth: { strategy: 'oauth2' } } };
    expect((await own.done('POST', '/api/mcp/oauth/start', body))['ok']).toBe(true);
    await own.stop();
    await pendingTest;
    expect(pids.map(isAlive)).toEqual([false]);
  });
});
