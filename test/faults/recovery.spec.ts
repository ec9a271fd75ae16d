import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('a run that was interrupted by a kill of the server', () => {
  let folder: string;
  let workspace: string;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    workspace = path.join(folder, 'work');
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (env: Record<string, string> = {}): Promise<ServerProcess> => {
    const server = await ServerProcess.start({ cwd: folder, env });
    servers.push(server);
    return server;
  };

  /** Conversations in the middle of a command that ends only when there is a file `go`. */
  const running = async (server: ServerProcess, count: number): Promise<ConversationClient[]> => {
    const script = 'RUN: until [ -e go ]; do sleep 0.2; done\nRUN: touch ran-$RANDOM\nFINISH: ok';
    const made = await Promise.all(
      Array.from({ length: count }, () =>
        ConversationClient.create(server, scriptedRequest(workspace, script)),
      ),
    );
    for (const one of made) {
      await one.startsTool();
    }
    return made;
  };

  it('is paused at the next start without a request, and its conversation is closed again', async () => {
    const first = await start();
    const conversations = await running(first, 3);
    await first.end('SIGKILL');
    const second = await start();
    const count = async (status: string): Promise<unknown> =>
      (await second.request('GET', `/api/conversations/count?status=${status}`)).body;
    await eventually(async () => (await count('paused')) === 3, 'the recovery');
    expect(await count('running')).toBe(0);
    const files = await readdir(`/proc/${second.pid}/fd`).catch(() => []);
    expect(files.length).toBeLessThan(60);
    for (const one of conversations) {
      expect((await one.on(second).events()).slice(-3).map(brief)).toEqual([
        'AgentErrorEvent',
        'ConversationErrorEvent',
        'execution_status=paused',
      ]);
    }
    // Nothing runs by itself, and no later start records the interruption again.
    await second.end();
    const third = await start();
    expect((await conversations[0]?.on(third).events('&kind=ConversationErrorEvent'))?.length).toBe(1);
    await writeFile(path.join(workspace, 'go'), '');
    expect((await third.request('POST', `${conversations[0]?.route ?? ''}/run`)).status).toBe(200);
    await conversations[0]?.on(third).reaches('finished');
    expect(await conversations[1]?.on(third).status()).toBe('paused');
  });

  it('is resumed with resume_on_start, within max_concurrent_runs', async () => {
    const first = await start();
    const conversations = await running(first, 3);
    await first.end('SIGKILL');
    const env = { OH_RESUME_ON_START: 'true', OH_MAX_CONCURRENT_RUNS: '1' };
    const second = await start(env);
    const after = conversations.map((one) => one.on(second));
    const results = async (): Promise<number> => {
      const all = await Promise.all(after.map((one) => one.events('&kind=AgentErrorEvent')));
      return all.filter((errors) => errors.length > 0).length;
    };
    // Reading them opens them: then the crash is recorded, and they still wait for a slot.
    expect(await results()).toBe(3);
    expect(await Promise.all(after.map((one) => one.status()))).not.toContain('paused');
    expect((await second.request('POST', `${after[2]?.route ?? ''}/pause`)).status).toBe(200);
    await writeFile(path.join(workspace, 'go'), '');
    await Promise.all(after.slice(0, 2).map((one) => one.reaches('finished')));
    expect(await after[2]?.status()).toBe('paused');
    for (const one of after) {
      const told = await one.events('&kind=ConversationErrorEvent');
      expect(told.map(({ detail }) => detail)).toEqual([
        expect.stringContaining('It is resumed automatically'),
      ]);
    }
  });

  it('is resumed after another kill while it waited for a free slot', async () => {
    const first = await start();
    const conversations = await running(first, 2);
    await first.end('SIGKILL');
    const env = { OH_RESUME_ON_START: 'true', OH_MAX_CONCURRENT_RUNS: '1' };
    const second = await start(env);
    await second.end('SIGKILL');
    await writeFile(path.join(workspace, 'go'), '');
    const third = await start(env);
    await Promise.all(conversations.map((one) => one.on(third).reaches('finished')));
  });
});
