import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ask, upload } from '../support/file-requests.js';
import { ServerProcess } from '../support/server-process.js';

const UNKNOWN = '00000000-0000-0000-0000-000000000001';
const OUTSIDE = 'path must be inside the conversation workspace';

describe('runtime routes of a conversation', () => {
  let server: ServerProcess;
  let folder: string;
  let work: string;
  let route: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'runtime-'));
    work = path.join(folder, 'work');
    await mkdir(path.join(work, 'src'), { recursive: true });
    await mkdir(path.join(folder, 'other'));
    await writeFile(path.join(folder, 'outside.txt'), 'outside');
    await symlink('../outside.txt', path.join(work, 'link.txt'));
    await symlink('..', path.join(work, 'up'));
    await writeFile(path.join(work, 'a.txt'), 'one\n');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], { cwd: work });
    git('init', '-q');
    git('add', 'a.txt');
    git('commit', '-qm', 'first');
    await writeFile(path.join(work, 'a.txt'), 'two\n');
    server = await ServerProcess.start();
    ({ route } = await ConversationClient.create(server, scriptedRequest(work)));
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const get = (below: string) => server.request('GET', route + below);

  it('runs commands in the workspace of the conversation, with a history of their own', async () => {
    const execute = (body: object) => server.request('POST', `${route}/bash/execute_bash_command`, body);
    expect(await execute({ command: 'pwd' })).toMatchObject({ body: { stdout: `${work}\n`, exit_code: 0 } });
    expect(await execute({ command: 'pwd', cwd: path.join(work, 'src') })).toMatchObject({
      body: { stdout: `${path.join(work, 'src')}\n` },
    });
    for (const cwd of ['/tmp', folder, `${work}/..`, `${work}/up`, 'src', `${work}/a.txt/x`, '/none']) {
      expect(await execute({ command: 'pwd', cwd })).toMatchObject({
        status: 422,
        body: { detail: 'cwd must be inside the conversation workspace' },
      });
    }
    expect((await get('/bash/bash_events/search')).body).toMatchObject({
      items: [{ cwd: work }, {}, { cwd: path.join(work, 'src') }, {}],
    });
    const machine = await server.request('GET', '/api/bash/bash_events/search');
    expect(machine.body).toEqual({ items: [], next_page_id: null });
  });

  it.each([
    'UP/outside.txt',
    'WORK/../outside.txt',
    'WORK/link.txt',
    'WORK/up/outside.txt',
    'a.txt',
    './../outside.txt',
    './link.txt',
    './up/outside.txt',
    '/etc/passwd',
    '',
  ])('rejects the path %j, which is outside of the workspace', async (spelling) => {
    const target = spelling.replace('WORK', work).replace('UP', folder);
    const refused = { status: 422, body: { detail: OUTSIDE } };
    expect(await upload(server, target, 'x', route)).toEqual(refused);
    const answer = await ask(server, 'download', { path: target }, {}, route);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([422, refused.body]);
    for (const below of ['file/archive', 'git/changes', 'git/diff', 'git/commits']) {
      expect(await get(`/${below}?path=${encodeURIComponent(target)}`)).toMatchObject(refused);
    }
    const made = await server.request(
      'POST',
      `${route}/file/create_directory?path=${encodeURIComponent(target)}`,
    );
    expect(made).toMatchObject(refused);
  });

  it('serves files, git and the editor inside the workspace', async () => {
    expect(await upload(server, `${work}/new/b.txt`, 'xy', route)).toEqual({
      status: 200,
      body: { success: true, file_size: 2 },
    });
    expect((await ask(server, 'download', { path: `${work}/new/b.txt` }, {}, route)).text).toBe('xy');
    expect(await upload(server, './new/b.txt', 'xyz', route)).toMatchObject({ body: { file_size: 3 } });
    expect((await ask(server, 'download', { path: `${work}/new/b.txt` }, {}, route)).text).toBe('xyz');
    expect((await ask(server, 'download', { path: './a.txt' }, {}, route)).text).toBe('two\n');
    const changes = [
      { status: 'UPDATED', path: 'a.txt' },
      { status: 'ADDED', path: 'link.txt' },
      { status: 'ADDED', path: 'new/b.txt' },
      { status: 'ADDED', path: 'up' },
    ];
    expect((await get(`/git/changes?path=${work}`)).body).toEqual(changes);
    expect((await get('/git/changes?path=./')).body).toEqual(changes);
    expect((await get(`/git/diff?path=${work}/a.txt`)).body).toEqual({ modified: 'two', original: 'one' });
    const runtime = { runtime_status: 'available', can_resume: true, runtime_error: null };
    expect((await get('/runtime')).body).toEqual(runtime);
    expect((await server.request('POST', `${route}/runtime/reprovision`)).body).toEqual(runtime);
    expect((await get('/vscode/url')).body).toEqual({ url: null });
    expect((await get('/vscode/status')).body).toMatchObject({ running: false });
    expect(await get('/vscode/url?workspace_dir=/tmp')).toMatchObject({
      status: 422,
      body: { detail: 'workspace_dir must be inside the conversation workspace' },
    });
    const info = (await server.request('GET', '/server_info')).body as { capabilities: string[] };
    expect(info.capabilities).toContain('conversation_runtime_routes_v1');
  });

  it('rejects unknown conversations, and trajectories of other ones', async () => {
    for (const below of [
      'bash/bash_events/search',
      'git/changes?path=/',
      'file/download?path=/',
      'runtime',
      'vscode/url',
    ]) {
      const unknown = await server.request('GET', `/api/conversations/${UNKNOWN}/${below}`);
      expect(unknown).toMatchObject({ status: 404, body: { detail: `Conversation not found: ${UNKNOWN}` } });
      expect((await server.request('GET', `/api/conversations/nope/${below}`)).status).toBe(422);
    }
    const own = route.split('/').at(-1) ?? '';
    expect(await get(`/file/download-trajectory/${UNKNOWN}`)).toMatchObject({
      status: 422,
      body: { detail: 'Trajectory must belong to the selected conversation' },
    });
    expect((await get(`/file/download-trajectory/${own}`)).status).toBe(200);
    for (const below of ['file/home', 'file/search_subdirs', 'git/repositories/search']) {
      expect((await get(`/${below}`)).status).toBe(404);
    }
  });
});
