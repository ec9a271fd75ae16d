import { brief } from '../../support/conversation-client.js';
import { eventually } from '../../support/server-process.js';
import { FIRST_MESSAGE, Stage, WAITING, ofKind, watch } from './fixture.js';

describe('what a socket sees of changes', () => {
  const stage = Stage.forTests();

  it('patch_tags: what changed, and nothing when it stays', async () => {
    const conversation = await stage.create();
    const { socket, upTo } = await watch(conversation);
    const patch = (change: unknown) => stage.server.request('PATCH', conversation.route, change);
    await patch({ tags: { a: '1' } });
    await patch({ tags: { a: '1' } });
    await patch({ title: 'A title' });
    expect(await upTo(2)).toEqual(['full_state idle', 'tags']);
    expect(socket.events.find(({ key }) => key === 'tags')?.value).toEqual({ a: '1' });
  });

  it('switch_llm: the agent, its key masked', async () => {
    const conversation = await stage.create();
    const { socket, upTo } = await watch(conversation);
    const llm = { model: 'scripted/other', api_key: 'sk-other', usage_id: 'agent' };
    expect((await stage.post(conversation, 'switch_llm', { llm })).status).toBe(200);
    expect(await upTo(2)).toEqual(['full_state idle', 'agent']);
    expect(socket.events.find(({ key }) => key === 'agent')?.value).toMatchObject({
      llm: { model: 'scripted/other', api_key: '**********' },
      kind: 'Agent',
    });
    expect(JSON.stringify(socket.frames)).not.toContain('sk-other');
  });

  it('confirmation_policy and security_analyzer: one event each; without an analyzer it has no value', async () => {
    const conversation = await stage.create();
    const { socket, upTo } = await watch(conversation);
    await stage.post(conversation, 'confirmation_policy', { policy: { kind: 'AlwaysConfirm' } });
    await stage.post(conversation, 'security_analyzer', {
      security_analyzer: { kind: 'LLMSecurityAnalyzer' },
    });
    await stage.post(conversation, 'security_analyzer', { security_analyzer: null });
    expect(await upTo(4)).toEqual([
      'full_state idle',
      'confirmation_policy',
      'security_analyzer',
      'security_analyzer',
    ]);
    expect(socket.events.filter(({ key }) => key !== 'full_state').map(({ value }) => value)).toMatchObject([
      { kind: 'AlwaysConfirm' },
      { kind: 'LLMSecurityAnalyzer' },
      undefined,
      undefined,
    ]);
  });

  it('goal: what it is about, how each round was judged, and how it ended', async () => {
    const conversation = await stage.create();
    const { socket } = await watch(conversation);
    const answer = await stage.post(conversation, 'goal', { objective: 'SAY: done', max_iterations: 1 });
    expect(answer.status).toBe(200);
    const goals = () => socket.events.filter(({ key }) => key === 'goal');
    const isOver = () => goals().some(({ value }) => JSON.stringify(value).includes('"active":false'));
    await eventually(() => Promise.resolve(isOver()), 'the end of the goal');
    const seen = socket.events.filter(({ key }) => key !== 'stats').map(brief);
    expect(seen.slice(0, 7)).toEqual([
      'full_state',
      'goal',
      ...FIRST_MESSAGE,
      'execution_status=running',
      'MessageEvent',
    ]);
    expect(goals()[0]?.value).toEqual({
      active: true,
      status: 'running',
      iteration: 0,
      max_iterations: 1,
      objective: 'SAY: done',
      verdict: null,
    });
    await socket.close();
  });

  it('delete_while_running: the run ends, the socket stays, and nobody is there any more', async () => {
    const conversation = await stage.create();
    await conversation.send(`RUN: ${WAITING}`);
    await stage.inTool(conversation);
    const { socket } = await watch(conversation);
    await stage.server.request('DELETE', conversation.route);
    await socket.sees(({ kind }) => kind === 'PauseEvent', 'the pause');
    socket.socket.send(JSON.stringify({ role: 'user', content: 'SAY: ghost' }));
    await socket.sees(({ kind }) => kind === 'ServerErrorEvent', 'the complaint');
    const [first, ...rest] = socket.events.map(brief);
    expect(first).toBe('full_state');
    // Whether the end of the run is still told as a snapshot is a matter of moments.
    expect(rest.filter((event) => event !== 'full_state')).toEqual([
      'AgentErrorEvent',
      'execution_status=paused',
      'PauseEvent',
      'ServerErrorEvent',
    ]);
    expect(ofKind(socket, 'ServerErrorEvent')[0]).toMatchObject({
      code: 'ValueError',
      detail: 'inactive_service',
    });
    expect(socket.closeCode).toBeUndefined();
    await socket.close();
  });
});
