import { access, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ScriptedEngine } from '../support/scripted-engine.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const describeWithContainers = ScriptedEngine.canRun ? describe : describe.skip;

describeWithContainers('What containers leave on the disk', () => {
  let engine: ScriptedEngine;
  let server: ServerProcess;
  beforeAll(async () => {
    engine = await ScriptedEngine.start();
    server = await ServerProcess.start({ env: engine.env });
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
  });

  const create = (tags: Record<string, string>) => {
    const { workspace: _workspace, ...rest } = scriptedRequest('/workspace', 'RUN: touch made\nFINISH: x', {
      tags,
    });
    return ConversationClient.create(server, rest);
  };
  const dataOf = ({ id }: ConversationClient) =>
    path.join(server.cwd, 'persistence/runtime-data', id.replaceAll('-', ''));
  const exists = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );

  it('is thrown away: caches when they stop, homes and workspaces of conversations after some days', async () => {
    const [kept, old] = [await create({ bookmark: 'yes' }), await create({})];
    for (const conversation of [kept, old]) {
      await conversation.reaches('finished');
      const home = path.join(dataOf(conversation), 'persistence');
      await mkdir(path.join(home, '.npm/deep'), { recursive: true });
      await writeFile(path.join(server.cwd, 'outside'), '');
      await symlink(server.cwd, path.join(home, '.cache'));
      expect((await server.request('DELETE', `${conversation.route}/runtime`)).status).toBe(204);
      expect(await exists(path.join(home, '.npm'))).toBe(false);
      expect(await readdir(home)).not.toContain('.cache');
    }
    expect(await exists(path.join(server.cwd, 'outside'))).toBe(true);

    const days = { OH_CONVERSATION_STORAGE_RETENTION_DAYS: '0.000001' };
    server = await server.restart('SIGTERM', { env: { ...engine.env, ...days } });
    const [bookmarked, archived] = [kept.on(server), old.on(server)];
    await eventually(async () => !(await exists(dataOf(old))), 'the archiving');
    expect((await server.request('GET', `${archived.route}/runtime`)).body).toMatchObject({
      ...{ runtime_status: 'missing', can_resume: false },
    });
    const refused = await archived.post('run');
    expect([refused.status, refused.body]).toEqual([
      ...[410, { detail: 'Conversation runtime was archived; its history is read-only' }],
    ]);
    expect((await archived.info()).execution_status).toBe('finished');
    const trash = path.join(server.cwd, 'persistence/runtime-data/.trash');
    await eventually(async () => (await readdir(trash)).length === 0, 'an empty trash');
    expect(await exists(path.join(dataOf(kept), 'workspace/made'))).toBe(true);
    expect((await bookmarked.post('run')).status).toBeLessThan(500);

    // Also by the next server, which knows it from the disk.
    server = await server.restart('SIGTERM', { env: engine.env });
    expect((await old.on(server).post('run')).status).toBe(410);
    expect((await server.request('DELETE', archived.route)).status).toBe(200);
    const control = await readdir(path.join(server.cwd, 'persistence/runtime-control'));
    expect(control.filter((name) => name.includes(old.id.replaceAll('-', '')))).toEqual([]);
  });
});
