import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { isAlive } from '../support/is-alive.js';
import { makeKey, shown } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { asJson, type Json } from '../support/settings-fixture.js';

const FAKE = fileURLToPath(new URL('../support/fake-editor.cjs', import.meta.url));

describe('the VS Code server', () => {
  let folder: string;
  let port: number;
  let server: ServerProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'editor-'));
    port = await freePort();
  });
  afterEach(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
    const given = { OH_VSCODE_PATH: folder, OH_VSCODE_PORT: String(port), ...env };
    server = await ServerProcess.start({ env: given });
    return server;
  }
  async function install(): Promise<void> {
    await mkdir(path.join(folder, 'bin'));
    const program = path.join(folder, 'bin', 'openvscode-server');
    await copyFile(FAKE, program);
    await chmod(program, 0o755);
  }
  const get = async (on: ServerProcess, route: string) => (await on.request('GET', route)).body;
  const url = async (on: ServerProcess, query = ''): Promise<string> => {
    const body = await get(on, `/api/vscode/url${query}`);
    return typeof body === 'object' && body !== null && 'url' in body ? String(body.url) : '';
  };
  const notes = async (): Promise<Json[]> =>
    (await readFile(path.join(folder, 'notes'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => asJson(JSON.parse(line)));

  it('is not running when it is not installed', async () => {
    const on = await start();
    expect(await get(on, '/api/vscode/status')).toEqual({ running: false, enabled: true });
    expect(await get(on, '/api/vscode/url?base_url=http://h:1&workspace_dir=/w')).toEqual({ url: null });
  });

  it('is started once, when its URL is requested, and ends with the server', async () => {
    await install();
    const on = await start();
    expect(await get(on, '/api/vscode/status')).toEqual({ running: false, enabled: true });
    expect(await notes()).toEqual([]);
    const [first, second] = await Promise.all([
      url(on),
      url(on, '?base_url=https://h/x/&workspace_dir=/a%20b'),
    ]);
    expect(first).toMatch(new RegExp(`^http://localhost:${port}/\\?tkn=[\\w-]{32}&folder=workspace$`));
    expect(second).toBe(first.replace(/^.*\/\?/, 'https://h/x/?').replace(/workspace$/, '/a%20b'));
    expect(await get(on, '/api/vscode/status')).toEqual({ running: true, enabled: true });
    const [note, ...more] = await notes();
    expect([note?.['mode'], more]).toEqual(['600', []]);
    const { searchParams } = new URL(first);
    const token = searchParams.get('tkn') ?? '';
    expect((await fetch(`http://127.0.0.1:${port}/?tkn=${token}`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/?tkn=x`)).status).toBe(403);
    expect(JSON.stringify(note?.['argv']) + on.log).not.toContain(token);
    await on.end();
    expect(isAlive(Number(note?.['pid']))).toBe(false);
  });

  it('is started again after it has ended', async () => {
    await install();
    const on = await start({ OH_VSCODE_BASE_PATH: '/editor' });
    expect(await url(on)).toContain(`:${port}/editor/?tkn=`);
    const [note] = await notes();
    expect(note?.['argv']).toContain('--server-base-path');
    process.kill(Number(note?.['pid']), 'SIGKILL');
    await eventually(async () => JSON.stringify(await get(on, '/api/vscode/status')).includes('false'));
    expect(await url(on)).toContain(`:${port}/editor/?tkn=`);
    expect(await notes()).toHaveLength(2);
  });

  it('opens the folder of a conversation', async () => {
    await install();
    const on = await start();
    const conversation = await ConversationClient.create(on, scriptedRequest(folder, 'SAY: hi'));
    const { body } = await on.request('GET', `${conversation.route}/vscode/url`);
    expect(body).toEqual({ url: expect.stringMatching(new RegExp(`&folder=${folder}$`)) as unknown });
  });

  it('ends with a key that was told its token, and is started again with another one', async () => {
    await install();
    const key = 'the session key';
    server = await ServerProcess.start({
      env: { OH_VSCODE_PATH: folder, OH_VSCODE_PORT: String(port), SESSION_API_KEY: key },
      key,
    });
    const made = await makeKey(server, { scope: 'admin' });
    const told = await server.request('GET', '/api/vscode/url', undefined, shown(made.key));
    const before = (told.body as { url: string }).url;
    const opens = async (address: string): Promise<boolean> =>
      fetch(address).then(
        ({ status }) => status === 200,
        () => false,
      );
    expect(await opens(before)).toBe(true);
    await server.request('DELETE', `/api/keys/${made.id}`);
    await eventually(async () => !(await opens(before)), 'the end of the token');
    const after = await url(server);
    expect([await opens(after), await opens(before)]).toEqual([true, false]);
  });

  it('does not reveal its token to another program on its port', async () => {
    await install();
    const on = await start({ OH_VSCODE_PORT: String(port) });
    const other = await ServerProcess.start({ args: ['--port', String(port)] });
    try {
      expect(await get(on, '/api/vscode/url')).toEqual({ url: null });
      expect(await notes()).toEqual([]);
      await on.logs('the editor does not start');
    } finally {
      await other.stop();
    }
  });

  it('the VS Code server can be disabled', async () => {
    await install();
    const on = await start({ OH_ENABLE_VSCODE: 'false' });
    expect(await get(on, '/api/vscode/status')).toMatchObject({ running: false, enabled: false });
    expect(await on.request('GET', '/api/vscode/url')).toMatchObject({ status: 503 });
    expect(await notes()).toEqual([]);
  });
});
