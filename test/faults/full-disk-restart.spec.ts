import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { canMount, SmallDisk } from '../support/small-disk.js';

const mountable = await canMount();
if (!mountable) process.stderr.write('no tests of a full disk: this machine lets nobody mount a tmpfs\n');

(mountable ? describe : describe.skip)('a server whose disk is full when it starts', () => {
  let folder: string;
  let disk: SmallDisk;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    disk = await SmallDisk.mount(path.join(folder, 'data'));
    await mkdir(disk.at('tmp'));
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await disk.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a server that writes only to the small disk. */
  const start = (): Promise<ServerProcess> =>
    ServerProcess.start({
      cwd: folder,
      wrapper: disk.wrapper(folder),
      env: {
        OH_CONVERSATIONS_PATH: 'data/conversations',
        OH_BASH_EVENTS_DIR: 'data/bash',
        OH_PERSISTENCE_DIR: 'data/persistence',
        OH_CONVERSATION_WORKTREE_ROOT: path.join(disk.folder, 'worktrees'),
        TMPDIR: path.join(disk.folder, 'tmp'),
      },
    });
  const request = (script?: string) => scriptedRequest(path.join(folder, 'work'), script);
  const saveProfile = (name: string) =>
    server.request('POST', `/api/profiles/${name}`, { llm: { model: 'scripted/x' } });

  it('starts, logs it, reads, deletes, refuses writes without leaving files, and recovers when there is space', async () => {
    server = await start();
    const finished = await ConversationClient.create(server, request('FINISH: one'));
    await finished.reaches('finished');
    const deleted = await ConversationClient.create(server, request());
    const running = await ConversationClient.create(server, request('RUN: sleep 1000'));
    await running.startsTool();
    expect((await saveProfile('before')).status).toBe(201);
    await disk.fill();
    await server.end('SIGKILL');

    server = await start();
    await server.logs(/"level":"warn".*the disk of \S+ \(conversations_path\) is full \(ENOSPC\)/);
    const [kept, killed] = [finished.on(server), running.on(server)];
    const texts = async () => JSON.stringify(await kept.events('&kind=MessageEvent'));
    expect(await texts()).toContain('FINISH: one');
    expect((await killed.events('&kind=ActionEvent')).length).toBe(1);
    expect((await server.request('GET', '/api/profiles/before')).status).toBe(200);
    const list = await server.request('GET', '/api/conversations/search');
    expect((list.body as { items: unknown[] }).items).toHaveLength(3);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect((await saveProfile('after')).status).toBe(507);
      expect((await server.request('POST', `${kept.route}/events`, userMessage('two'))).status).toBe(507);
      expect((await server.request('POST', '/api/conversations', request())).status).toBe(507);
      await server.request('POST', '/api/bash/execute_bash_command', { command: 'true' });
    }
    const left = await readdir(disk.at(), { recursive: true });
    // Node 24 keeps compiled code in the folder for temporary files.
    const traces = /\.lock|\.tmp$|write-test|^bash\/.+|^tmp\/(?!node-compile-cache).+/;
    expect(left.filter((name) => traces.test(name))).toEqual([]);
    expect((await server.request('DELETE', deleted.route)).status).toBe(200);

    await disk.makeRoom();
    await kept.send('FINISH: three');
    await kept.reaches('finished');
    expect((await saveProfile('after')).status).toBe(201);
    await killed.reaches('paused');
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(2);
  });
});
