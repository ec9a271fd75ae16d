import { brief } from '../../support/conversation-client.js';
import { eventually } from '../../support/server-process.js';
import { FIRST_MESSAGE, TranscriptFixture, WAITING, ofKind, watch } from './transcript-fixture.js';

describe('a socket during changes of its conversation', () => {
  const fixture = TranscriptFixture.forTests();

  it('receives changed tags, and nothing when they stay the same (patch_tags)', async () => {
    const conversation = await fixture.create();
    const { socket, upTo } = await watch(conversation);
    const patch = (change: unknown) => fixture.server.request('PATCH', conversation.route, change);
    await patch({ tags: { a: '1' } });
    await patch({ tags: { a: '1' } });
    await patch({ title: 'A title' });
    expect(await upTo(2)).toEqual(['full_state idle', 'tags']);
    expect(socket.events.find(({ key }) => key === 'tags')?.value).toEqual({ a: '1' });
  });

  it('receives the agent with its key masked (switch_llm)', async () => {
    const conversation = await fixture.create();
    const { socket, upTo } = await watch(conversation);
    const llm = { model: 'scripted/other', api_key: 'sk-other', usage_id: 'agent' };
    expect((await fixture.post(conversation, 'switch_llm', { llm })).status).toBe(200);
    expect(await upTo(2)).toEqual(['full_state idle', 'agent']);
    expect(socket.events.find(({ key }) => key === 'agent')?.value).toMatchObject({
      llm: { model: 'scripted/other', api_key: '**********' },
      kind: 'Agent',
    });
    expect(JSON.stringify(socket.frames)).not.toContain('sk-other');
  });

  it('receives one event per policy and analyzer, without a value when the analyzer is removed', async () => {
    const conversation = await fixture.create();
    const { socket, upTo } = await watch(conversation);
    await fixture.post(conversation, 'confirmation_policy', { policy: { kind: 'AlwaysConfirm' } });
    await fixture.post(conversation, 'security_analyzer', {
      security_analyzer: { kind: 'LLMSecurityAnalyzer' },
    });
    await fixture.post(conversation, 'security_analyzer', { security_analyzer: null });
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

  it('receives the objective, the audits and the end of a goal (goal)', async () => {
    const conversation = await fixture.create();
    const { socket } = await watch(conversation);
    const answer = await fixture.post(conversation, 'goal', { objective: 'SAY: done', max_iterations: 1 });
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

  it('stays open when its conversation is deleted during a run, and then receives errors (delete_while_running)', async () => {
    const conversation = await fixture.create();
    await conversation.send(`RUN: ${WAITING}`);
    await conversation.startsTool();
    const { socket } = await watch(conversation);
    await fixture.server.request('DELETE', conversation.route);
    await socket.sees(({ kind }) => kind === 'PauseEvent', 'the pause');
    socket.socket.send(JSON.stringify({ role: 'user', content: 'SAY: ghost' }));
    await socket.sees(({ kind }) => kind === 'ServerErrorEvent', 'the error');
    const [first, ...rest] = socket.events.map(brief);
    expect(first).toBe('full_state');
    // A snapshot at the end of the run may or may not be sent, depending on the timing.
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
