import { lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, messageText, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Item {
  step: number;
  event_id: string | null;
  seq: number | null;
  tool: string;
  files: {
    path: string;
    change: string;
    renamed_from: string | null;
    before: { mode: string } | null;
    after: object | null;
  }[];
  incomplete: { reason: string }[];
  restore: object | null;
}

describe('checkpoints', () => {
  let server: ServerProcess;
  let count = 0;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  async function start(script: string): Promise<{ conversation: ConversationClient; folder: string }> {
    const folder = path.join(server.cwd, `work-${(count += 1)}`);
    await mkdir(folder, { recursive: true });
    return { conversation: await begin(folder, script), folder };
  }

  async function begin(folder: string, script: string): Promise<ConversationClient> {
    const conversation = await ConversationClient.create(server, scriptedRequest(folder, script));
    await conversation.reaches('finished');
    return conversation;
  }

  const edit = (args: Record<string, unknown>) => `TOOL: file_editor ${JSON.stringify(args)}`;
  const get = async (conversation: ConversationClient, route: string) =>
    (await conversation.server.request('GET', `${conversation.route}/${route}`)).body;
  const list = async (conversation: ConversationClient): Promise<Item[]> =>
    ((await get(conversation, 'checkpoints')) as { items: Item[] }).items.toReversed();

  it('lists what file tools and commands have done to which files', async () => {
    const { conversation, folder } = await start('SAY: hi');
    const file = path.join(folder, 'a.txt');
    await writeFile(path.join(folder, 'old.txt'), 'old');
    await conversation.send(
      [
        edit({ command: 'create', path: file, file_text: 'one\ntwo\n' }),
        edit({ command: 'str_replace', path: file, old_str: 'two', new_str: 'three' }),
        edit({ command: 'view', path: file }),
        'RUN: mkdir sub && mv old.txt sub/new.txt && chmod +x a.txt && ln -s a.txt link',
        'RUN: ls',
        'FINISH: done',
      ].join('\n'),
    );
    await conversation.reaches('finished');
    const items = await list(conversation);
    expect(
      items.map(({ step, tool, files, incomplete }) => ({
        ...{ step, tool, incomplete },
        files: files.map(({ path: name, change, renamed_from }) => [name, change, renamed_from]),
      })),
    ).toEqual([
      { step: 1, tool: 'file_editor', incomplete: [], files: [['a.txt', 'created', null]] },
      { step: 2, tool: 'file_editor', incomplete: [], files: [['a.txt', 'modified', null]] },
      {
        step: 3,
        tool: 'terminal',
        incomplete: [],
        files: expect.arrayContaining([
          ['old.txt', 'deleted', null],
          ['sub/new.txt', 'created', 'old.txt'],
          ['a.txt', 'modified', null],
          ['link', 'created', null],
        ]) as unknown,
      },
    ]);
    const actions = await conversation.events('&kind=ActionEvent');
    expect(items[0]?.event_id).toBe(actions[0]?.id);
    expect(items[0]?.seq).toEqual(expect.any(Number));
    expect(await get(conversation, 'checkpoints/diff?from=1&to=2')).toMatchObject({
      from: 1,
      to: 2,
      files: [{ path: 'a.txt', diff: expect.stringContaining('-two\n+three\n') as unknown }],
    });
    const whole = await get(conversation, 'checkpoints/diff');
    expect((whole as { files: { path: string }[] }).files.map((found) => found.path)).toEqual([
      'a.txt',
      'link',
      'old.txt',
      'sub/new.txt',
    ]);
    expect(await get(conversation, 'checkpoints/3/content?path=old.txt')).toEqual('old');
    expect((await server.request('GET', `${conversation.route}/checkpoints/9/content?path=a`)).status).toBe(
      404,
    );
  });

  const restore = (conversation: ConversationClient, body: Record<string, unknown>) =>
    conversation.post('restore', body);
  const text = (file: string) => readFile(file, 'utf8');

  it('puts files back as they were before a step, tells the agent, and takes that back again', async () => {
    const { conversation, folder } = await start('SAY: hi');
    const at = (name: string) => path.join(folder, name);
    await writeFile(at('kept.sh'), 'echo 1', { mode: 0o750 });
    await writeFile(at('binary'), Buffer.from([0, 200, 7]));
    await symlink('kept.sh', at('link'));
    await conversation.send(
      [
        edit({ command: 'create', path: at('new.txt'), file_text: 'new' }),
        'RUN: rm kept.sh link && printf xyz > binary && mkdir -p deep/er && echo 1 > deep/er/file',
        'FINISH: done',
      ].join('\n'),
    );
    await conversation.reaches('finished');
    const { status, body } = await restore(conversation, { step: '2' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        failed: [],
        checkpoint: { step: 3, tool: 'restore', restore: { step: 2, mode: 'since', paths: null } },
      },
    });
    expect(await text(at('kept.sh'))).toBe('echo 1');
    expect((await stat(at('kept.sh'))).mode & 0o777).toBe(0o750);
    expect(await readlink(at('link'))).toBe('kept.sh');
    expect([...(await readFile(at('binary')))]).toEqual([0, 200, 7]);
    expect(await text(at('new.txt'))).toBe('new');
    await expect(lstat(at('deep'))).rejects.toThrow('ENOENT');
    const told = (await conversation.events('&kind=MessageEvent')).at(-1);
    expect(told).toMatchObject({
      source: 'environment',
      id: (body as { checkpoint: Item }).checkpoint.event_id,
    });
    expect(messageText(told as never)).toContain('The user has undone what step 2');
    expect(messageText(told as never)).toContain('Removed: "deep/er/file"');
    // Nothing is left to do, and the restore can be undone.
    expect((await restore(conversation, { step: '2' })).body).toEqual({ checkpoint: null, failed: [] });
    expect((await restore(conversation, { step: '3', mode: 'only' })).status).toBe(200);
    expect(await text(at('binary'))).toBe('xyz');
    expect(await text(at('deep/er/file'))).toBe('1\n');
    await expect(lstat(at('kept.sh'))).rejects.toThrow('ENOENT');
    // The agent goes on.
    await conversation.send('RUN: echo again > new.txt\nFINISH: done');
    await conversation.reaches('finished');
    expect((await list(conversation)).map(({ tool }) => tool)).toEqual([
      ...['file_editor', 'terminal', 'restore', 'restore', 'terminal'],
    ]);
    const diff = (await get(conversation, 'checkpoints/diff?path=binary')) as { files: object[] };
    expect(diff.files).toMatchObject([{ path: 'binary', binary: true, omitted: 'binary', diff: null }]);
  });

  it('refuses to overwrite what somebody else has changed, lists it, and does it with force', async () => {
    const { conversation, folder } = await start('SAY: hi');
    await writeFile(path.join(folder, 'b'), 'old');
    await conversation.send('RUN: echo 1 > a; echo 1 > b; echo 1 > c\nFINISH: done');
    await conversation.reaches('finished');
    await writeFile(path.join(folder, 'a'), 'by a person');
    await rm(path.join(folder, 'b'));
    await mkdir(path.join(folder, 'b'));
    await writeFile(path.join(folder, 'b', 'theirs'), '');
    const [first] = await list(conversation);
    const refused = await restore(conversation, { step: first?.event_id });
    expect(refused).toMatchObject({
      status: 409,
      body: {
        detail: 'Files are not as the agent has left them: a and 1 more',
        conflicts: [
          { path: 'a', reason: 'changed', step: null, can_force: true },
          { path: 'b', reason: 'not_a_file', step: null, can_force: false },
        ],
      },
    });
    expect(await text(path.join(folder, 'c'))).toBe('1\n');
    expect((await restore(conversation, { step: '1', force: true })).status).toBe(409);
    expect(await restore(conversation, { step: '1', force: true, paths: ['a', 'c'] })).toMatchObject({
      status: 200,
      body: { failed: [] },
    });
    await expect(lstat(path.join(folder, 'a'))).rejects.toThrow('ENOENT');
    // What the person had written is kept.
    expect(await get(conversation, 'checkpoints/2/content?path=a')).toBe('by a person');
    expect((await restore(conversation, { step: '77' })).status).toBe(404);
    expect((await restore(conversation, {})).status).toBe(422);
    expect((await restore(conversation, { step: '1', paths: [] })).status).toBe(422);
    for (const name of ['../a', '/etc/passwd', '.git/config', 'a//b', '.'])
      expect((await restore(conversation, { step: '1', paths: [name] })).status).toBe(422);
    // A folder.
    expect((await restore(conversation, { step: '1', paths: ['nothing/'] })).status).toBe(200);
  });

  it('restores nothing while a run is active', async () => {
    const { conversation, folder } = await start('RUN: echo 1 > a\nFINISH: done');
    await conversation.send('WAIT: 60000\nSAY: late');
    await conversation.reaches('running');
    expect((await restore(conversation, { step: '1' })).status).toBe(409);
    await conversation.post('interrupt');
    await conversation.reaches('paused');
    expect((await restore(conversation, { step: '1' })).status).toBe(200);
    await expect(lstat(path.join(folder, 'a'))).rejects.toThrow('ENOENT');
  });

  it('compares while a tool runs, which does not wait for it, and leaves out what is too much', async () => {
    const { conversation, folder } = await start('SAY: hi');
    const many = 'for i in $(seq 600); do echo $i > f$i; done';
    await conversation.send(
      `RUN: ${many}\nRUN: until [ -e go ]; do sleep 0.2; done; echo 1 > z\nFINISH: done`,
    );
    await eventually(async () => (await list(conversation)).length === 1, 'the first step');
    const [one, other] = await Promise.all(
      ['checkpoints/diff', 'checkpoints/diff?from=beginning&to=1&path=f7'].map(
        async (route) => (await get(conversation, route)) as { files: object[]; truncated: boolean },
      ),
    );
    expect(one?.truncated).toBe(true);
    expect(one?.files.length).toBeLessThanOrEqual(500);
    expect(other).toMatchObject({ truncated: false, files: [{ path: 'f7', truncated: false }] });
    expect((await restore(conversation, { step: '1' })).status).toBe(409);
    await writeFile(path.join(folder, 'go'), '');
    await conversation.reaches('finished');
    expect((await list(conversation)).map(({ files }) => files.length)).toEqual([600, 2]);
  });

  it('takes files along when the head moves, and into a fork, if asked', async () => {
    const { conversation, folder } = await start('RUN: echo 1 > a\nFINISH: one');
    const end = (await conversation.events()).findLast(({ kind }) => kind === 'ObservationEvent');
    await conversation.send('RUN: echo 2 > a; echo 2 > b\nFINISH: two');
    await conversation.reaches('finished');
    const a = path.join(folder, 'a');
    await conversation.post('navigate', { event_id: end?.id });
    expect(await text(a)).toBe('2\n');
    await writeFile(a, 'by a person');
    expect(await conversation.post('navigate', { event_id: end?.id, restore_files: true })).toMatchObject({
      status: 409,
      body: { conflicts: [{ path: 'a' }] },
    });
    expect(await conversation.post('fork', { from_event_id: end?.id, restore_files: true })).toMatchObject({
      status: 409,
      body: { conflicts: [{ path: 'a' }] },
    });
    await writeFile(a, '2\n');
    const { status, body } = await conversation.post('fork', { from_event_id: end?.id, restore_files: true });
    expect(status).toBe(201);
    expect(await text(a)).toBe('1\n');
    await expect(lstat(path.join(folder, 'b'))).rejects.toThrow('ENOENT');
    const fork = new ConversationClient(server, (body as { id: string }).id);
    expect((await list(fork)).map(({ tool }) => tool)).toEqual(['terminal', 'terminal', 'restore']);
    expect((await restore(fork, { step: '3', mode: 'only' })).status).toBe(200);
    const moved = await conversation.post('navigate', { event_id: end?.id, restore_files: true });
    expect(moved).toMatchObject({ status: 200, body: { leaf_event_id: end?.id } });
    expect(await text(a)).toBe('1\n');
    const back = await conversation.post('navigate', { event_id: null, restore_files: true });
    expect(back.status).toBe(200);
    await expect(lstat(a)).rejects.toThrow('ENOENT');
  });

  it('finishes a restore that a crash has cut off, and tells the agent once', async () => {
    const { conversation, folder } = await start(
      'RUN: for i in $(seq 400); do echo $i > f$i; done\nFINISH: done',
    );
    const left = async () => (await readdir(folder)).filter((name) => name !== '.git').length;
    const answer = restore(conversation, { step: '1' }).catch(() => undefined);
    await eventually(async () => (await left()) < 400, 'the first removed file');
    server = await server.restart('SIGKILL');
    await answer;
    const again = conversation.on(server);
    expect(
      (await list(again)).map(({ tool, files, incomplete }) => [tool, files.length, incomplete]),
    ).toEqual([
      ['terminal', 400, []],
      ['restore', 400, []],
    ]);
    expect(await left()).toBe(0);
    const told = (await again.events('&kind=MessageEvent')).filter(({ source }) => source === 'environment');
    expect(told).toHaveLength(1);
    expect((await restore(again, { step: '2', mode: 'only' })).status).toBe(200);
    expect(await left()).toBe(400);
  });

  it('is removed with its conversation, and counted', async () => {
    const { conversation } = await start('RUN: echo 1 > a\nFINISH: done');
    const folder = path.resolve(server.cwd, (await conversation.info()).persistence_dir);
    expect((await stat(path.join(folder, 'checkpoints'))).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(folder, 'checkpoints', 'steps.jsonl'))).mode & 0o777).toBe(0o600);
    const metrics = String((await server.request('GET', '/metrics')).body);
    expect(metrics).toMatch(/checkpoint_files_total [1-9]/);
    await server.request('DELETE', conversation.route);
    await eventually(
      () =>
        stat(folder).then(
          () => false,
          () => true,
        ),
      'the removed folder',
    );
    const audit = await server.request('GET', '/api/audit?limit=100');
    expect(JSON.stringify(audit.body)).toContain('Checkpoints_restore');
  });
});
