import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('a conversation after a kill of its server', () => {
  let folder: string;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
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
  const request = (script?: string, more: Record<string, unknown> = {}) =>
    scriptedRequest(path.join(folder, 'work'), script, more);

  it('has its former status and policies, and its pending actions can be accepted or rejected', async () => {
    const first = await start();
    const confirm = {
      confirmation_policy: { kind: 'AlwaysConfirm' },
      security_analyzer: { kind: 'LLMSecurityAnalyzer' },
    };
    const script = 'RUN: echo done > $(basename $PWD).txt\nFINISH: ok';
    const accepted = await ConversationClient.create(first, request(script, confirm));
    const refused = await ConversationClient.create(first, request(script, confirm));
    const idle = await ConversationClient.create(first, request());
    const finished = await ConversationClient.create(first, request('FINISH: ok'));
    const paused = await ConversationClient.create(first, request());
    expect((await first.request('POST', `${paused.route}/pause`)).status).toBe(200);
    for (const one of [accepted, refused]) await one.reaches('waiting_for_confirmation');
    await finished.reaches('finished');
    const policy = { policy: { kind: 'AlwaysConfirm' } };
    expect((await first.request('POST', `${idle.route}/confirmation_policy`, policy)).status).toBe(200);
    const analyzer = { security_analyzer: { kind: 'LLMSecurityAnalyzer' } };
    expect((await first.request('POST', `${idle.route}/security_analyzer`, analyzer)).status).toBe(200);
    const all = [accepted, refused, idle, finished, paused];
    const before = await Promise.all(all.map((one) => one.info()));
    const events = await Promise.all(all.map((one) => one.events()));
    // A status is shown when it is durable in the log. The snapshot, which lists read, follows at the end of
    // the run.
    const stored = path.join(
      folder,
      finished.id === '' ? '' : (before[3]?.persistence_dir ?? ''),
      'metadata.json',
    );
    await eventually(async () => (await readFile(stored, 'utf8')).includes('"finished"'), 'the snapshot');
    await first.end('SIGKILL');

    const second = await start();
    expect(await Promise.all(all.map((one) => one.on(second).events()))).toEqual(events);
    const after = await Promise.all(all.map((one) => one.on(second).info()));
    for (const [index, info] of after.entries()) {
      for (const field of ['execution_status', 'confirmation_policy', 'security_analyzer']) {
        expect(info[field]).toEqual(before[index]?.[field]);
      }
    }
    expect(after[2]).toMatchObject({
      confirmation_policy: { kind: 'AlwaysConfirm' },
      security_analyzer: { kind: 'LLMSecurityAnalyzer' },
    });
    const answer = (one: ConversationClient, accept: boolean) =>
      second.request('POST', `${one.route}/events/respond_to_confirmation`, { accept, reason: 'no' });
    expect((await answer(accepted, true)).status).toBe(200);
    expect((await answer(refused, false)).status).toBe(200);
    const on = accepted.on(second);
    await eventually(async () => (await on.events('&kind=ObservationEvent')).length > 0, 'the observation');
    expect(await readFile(path.join(folder, 'work/work.txt'), 'utf8')).toBe('done\n');
    await refused.on(second).reaches('idle');
    expect((await refused.on(second).events('&kind=UserRejectObservation')).length).toBe(1);
  });

  it('uses its secrets again after starts with another key and without one', async () => {
    const key = { OH_SECRET_KEY: 'the right key of this test' };
    const first = await start(key);
    const llm = { model: 'scripted/test', usage_id: 'agent', api_key: 'sk-planted-in-a-test' };
    const made = request('FINISH: ok', {
      secrets: { TOKEN: { kind: 'StaticSecret', value: 'planted-in-a-test' } },
    });
    const conversation = await ConversationClient.create(first, { ...made, agent: { ...made.agent, llm } });
    await conversation.reaches('finished');
    const file = path.join(folder, (await conversation.info()).persistence_dir, 'metadata.json');
    await first.end();
    const tokens = async (): Promise<string[]> =>
      [...(await readFile(file, 'utf8')).matchAll(/gAAAAA[\w=-]+/g)].map(([token]) => token);
    const before = await tokens();
    expect(before).toHaveLength(2);
    const others: Record<string, string>[] = [{ OH_SECRET_KEY: 'another key' }, {}];
    for (const env of others) {
      const server = await start(env);
      const there = conversation.on(server);
      expect((await server.request('GET', '/api/conversations/count')).body).toBe(1);
      expect((await server.request('PATCH', there.route, { title: 'renamed' })).status).toBe(200);
      expect(await there.info()).toMatchObject({ title: 'renamed' });
      await there.send('kept without a run', false);
      await server.logs('no key opens ');
      await server.end();
      expect(await tokens()).toEqual(before);
    }
    const last = await start(key);
    const there = conversation.on(last);
    await there.send('FINISH: again');
    await there.reaches('finished');
    expect(last.log).not.toMatch(/no key opens/);
    expect(await there.info()).toMatchObject({ title: 'renamed' });
    await last.end();
    expect(await tokens()).toHaveLength(2);
  });
});
