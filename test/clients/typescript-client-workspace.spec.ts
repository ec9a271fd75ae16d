import type * as Client from '@openhands/typescript-client';
import type * as Clients from '@openhands/typescript-client/clients';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventually, type ServerProcess } from '../support/server-process.js';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';
import { zipEntries } from '../support/zip-entries.js';

describe('the TypeScript client on commands, files and git', () => {
  let fixture: TypeScriptClientFixture;
  let client: typeof Client;
  let clients: typeof Clients;
  let server: ServerProcess;
  let folder: string;

  beforeAll(async () => {
    fixture = await TypeScriptClientFixture.start();
    ({ client, clients, server, folder } = fixture);
  });
  afterAll(() => fixture.stop());

  it('runs commands and follows their output', async () => {
    const bash = new clients.BashClient(fixture.options);
    const seen: unknown[] = [];
    const socket = new client.BashWebSocketClient({
      ...fixture.options,
      resendMode: 'all',
      callback: (event) => seen.push(event),
    });
    socket.start();
    const output = await bash.executeCommand('echo out; exit 3', folder, 20);
    expect(output).toMatchObject({ exit_code: 3, stdout: 'out\n' });
    const started = await bash.startCommand({ command: 'pwd', cwd: folder });
    const outputs = async () => (await bash.searchEvents({ command_id__eq: started.id })).items;
    await eventually(async () => (await outputs()).length === 1, 'the output');
    expect(await outputs()).toMatchObject([{ stdout: `${folder}\n`, exit_code: 0 }]);
    expect(await bash.getEvent(started.id)).toEqual(started);
    expect(await bash.getEvents([started.id, 'none'])).toEqual([started, null]);
    expect(await bash.batchGetEvents([started.id, 'none'])).toEqual([started, null]);
    await eventually(() => Promise.resolve(seen.length === 4), 'all events live');
    expect(await bash.clearEvents()).toEqual({ cleared_count: 4 });
    socket.stop();
    bash.close();
  });

  it('uploads and downloads files', async () => {
    const files = new clients.FileClient(fixture.options);
    const target = path.join(folder, 'deep/ünï.txt');
    expect(await files.uploadTextFile('text', target)).toMatchObject({ success: true, file_size: 4 });
    expect(await files.downloadTextFile(target)).toBe('text');
    expect(new Uint8Array(await files.downloadFile(target))).toHaveLength(4);
    expect((await files.searchSubdirectories(folder)).items).toEqual([
      { name: 'deep', path: path.join(folder, 'deep') },
    ]);
    expect((await files.getHome({ includeHidden: true })).home).toBe(process.env['HOME']);
    const { body } = await server.request('POST', '/api/conversations', {
      agent: { llm: { model: 'scripted/test' } },
      workspace: { working_dir: folder },
    });
    const { id } = body as { id: string };
    const zip = await files.downloadTrajectory(id);
    const names = [...zipEntries(Buffer.from(await new Blob([zip]).arrayBuffer())).keys()];
    expect(names).toContain(`${id.replaceAll('-', '')}/meta.json`);
    files.close();
  });

  it('runs commands, reads git and transfers files in a remote workspace', async () => {
    const repository = path.join(folder, 'repo');
    await mkdir(repository);
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], { cwd: repository });
    git('init', '-q');
    await writeFile(path.join(repository, 'a b.txt'), 'one\n');
    git('add', '--all');
    git('commit', '-qm', 'first');
    const workspace = new client.RemoteWorkspace({ ...fixture.options, workingDir: repository });
    expect(await workspace.executeCommand('echo two > "a b.txt"; echo done', repository)).toMatchObject({
      exit_code: 0,
      stdout: 'done\n',
    });
    expect(await workspace.gitChanges(repository)).toEqual([{ status: 'UPDATED', path: 'a b.txt' }]);
    const diff = await workspace.gitDiff(path.join(repository, 'a b.txt'));
    expect(diff).toEqual({ modified: 'two', original: 'one' });
    const target = path.join(repository, 'up.txt');
    expect(await workspace.uploadText('sent', target)).toMatchObject({ success: true, file_size: 4 });
    expect(await readFile(target, 'utf8')).toBe('sent');
    expect(await workspace.downloadAsText(target)).toBe('sent');
    workspace.close();
  });
});
