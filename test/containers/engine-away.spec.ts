import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ScriptedEngine } from '../support/scripted-engine.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const describeWithContainers = ScriptedEngine.canRun ? describe : describe.skip;
/** Works until the file `go` is in its workspace. */
const UNTIL_TOLD = 'RUN: until [ -e go ]; do sleep 0.1; done\nFINISH: one';
const AWAY = /^The container engine is not available: /;

describeWithContainers('A container engine that goes away', () => {
  let engine: ScriptedEngine;
  let server: ServerProcess;
  beforeAll(async () => {
    engine = await ScriptedEngine.start();
    server = await ServerProcess.start({
      env: { ...engine.env, OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE: '1' },
    });
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
  });
  afterEach(() => (engine.intercept = () => false));

  const request = (script?: string) => {
    const { workspace: _workspace, ...rest } = scriptedRequest('/workspace', script);
    return rest;
  };
  const isReady = async (expected: number) =>
    eventually(async () => (await server.request('GET', '/ready')).status === expected, `ready: ${expected}`);
  const expectAway = ({ status, headers, body }: { status: number; headers: Headers; body: unknown }) => {
    expect([status, headers.get('retry-after') !== null]).toEqual([503, true]);
    expect((body as { detail: string }).detail).toMatch(AWAY);
  };
  /** Records, homes and workspaces of conversations, and their folders. */
  const kept = async () => {
    const folders = ['persistence/runtime-control', 'persistence/runtime-data', 'workspace/conversations'];
    const names = await Promise.all(
      folders.map((folder) => readdir(path.join(server.cwd, folder)).catch((): string[] => [])),
    );
    return names.flat().filter((name) => /^[0-9a-f]{32}/.test(name));
  };

  it('while a container is made: the creation fails with the reason and leaves nothing', async () => {
    for (const step of [/^POST \/containers\/create/, /^POST .*\/start$/, /^GET .*\/json$/]) {
      engine.intercept = ({ method, url, socket }) => {
        if (!step.test(`${method} ${url}`) || url?.startsWith('/containers/json') === true) return false;
        socket.destroy();
        void engine.leave();
        return true;
      };
      expectAway(await server.request('POST', '/api/conversations', request('SAY: x')));
      engine.intercept = () => false;
      await engine.listen();
    }
    await eventually(async () => (await kept()).length === 0, 'nothing that is left');
    expect([...engine.containers]).toEqual([]);
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(0);
  });

  it('during a run: the run goes on, and neither stops nor deletions do half of their work', async () => {
    const conversation = await ConversationClient.create(server, request(UNTIL_TOLD));
    await engine.leave();
    const hex = conversation.id.replaceAll('-', '');
    await writeFile(path.join(server.cwd, 'persistence/runtime-data', hex, 'workspace/go'), '');
    await conversation.reaches('finished');
    expect((await conversation.post('events', userMessage('FINISH: two', true))).status).toBe(200);
    expectAway(await server.request('DELETE', `${conversation.route}/runtime`));
    expectAway(await server.request('DELETE', conversation.route));
    await isReady(503);
    expect((await conversation.info()).id).toBe(conversation.id);
    expect(await kept()).toHaveLength(3);
    await engine.listen();
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    await isReady(200);
    expect(await kept()).toEqual([]);
    expect([...engine.containers]).toEqual([]);
  });
});
