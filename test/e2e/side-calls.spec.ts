import { access } from 'node:fs/promises';
import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** Questions, titles and summaries are calls of a model that no run waits for, and each is made once. */
describe('calls of models beside the run', () => {
  let server: ServerProcess;
  /** The model of the agent. */
  let agent: ChatEndpoint;
  /** The model that is called beside it. */
  let side: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start();
    [agent, side] = await Promise.all([startScriptedEndpoint(), startScriptedEndpoint()]);
  });
  afterAll(async () => {
    await server.stop();
    await Promise.all([agent.close(), side.close()]);
  });
  beforeEach(() => {
    for (const { requests } of [agent, side]) requests.length = 0;
  });

  const create = (script: string | undefined, more: object = {}, ofAgent: object = {}) =>
    ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, 'work'), script, {
        agent: { llm: endpointLlm(agent), tools: [{ name: 'terminal' }], ...ofAgent },
        ...more,
      }),
    );
  const ask = (conversation: ConversationClient, question: string) =>
    conversation.post('ask_agent', { question });

  it('answers questions while the model of the run, a person or another question is waited for', async () => {
    agent.script([{ hang: true }]);
    const hanging = await create('go');
    await eventually(() => agent.requests.length === 1, 'the call of the run');
    agent.script([{ hang: true }, { say: 'quick' }]);
    const slow = ask(hanging, 'slow');
    await eventually(() => agent.requests.length === 2, 'the first question');
    expect(await ask(hanging, 'fast')).toMatchObject({ status: 200, body: { response: 'quick' } });
    expect(await hanging.status()).toBe('running');
    expect(agent.requests).toHaveLength(3);
    await hanging.post('interrupt');
    await hanging.reaches('paused');
    // The question goes on: it is no part of the run. Deletion ends it.
    await server.request('DELETE', hanging.route);
    expect((await slow).status).toBeGreaterThanOrEqual(400);
    expect(agent.requests).toHaveLength(3);

    const waiting = await create('RUN: touch made\nFINISH: d', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    await waiting.reaches('waiting_for_confirmation');
    const before = (await waiting.events()).map(brief);
    agent.script([1, 2, 3].map((number) => ({ say: `answer ${number}` })));
    const answers = await Promise.all([1, 2, 3].map((number) => ask(waiting, `question ${number}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(agent.requests).toHaveLength(3 + 1 + 3);
    // What the answers have cost is recorded, and nothing else.
    const recorded = ['stats', 'stats', 'stats'];
    expect((await waiting.events()).map(brief)).toEqual([...before, ...recorded]);
    expect(await waiting.status()).toBe('waiting_for_confirmation');
  });

  it('asks for a title once, and neither messages nor runs wait for it', async () => {
    await server.request('POST', '/api/profiles/titles', { llm: endpointLlm(side) });
    side.script([{ hang: true }]);
    const more = { autotitle: true, title_llm_profile: 'titles' };
    const conversation = await create('FINISH: one', more);
    await conversation.reaches('finished');
    for (const text of ['FINISH: two', 'FINISH: three']) {
      await conversation.send(text);
      await conversation.reaches('finished');
    }
    await eventually(() => side.requests.length === 1, 'the request for a title');
    expect((await conversation.info())['title']).toBeNull();
    await conversation.send('FINISH: four');
    await conversation.reaches('finished');
    expect(side.requests).toHaveLength(1);
    expect(agent.requests).toHaveLength(4);
  });

  it('makes a summary once for several requests, and runs go on meanwhile', async () => {
    const condenser = { kind: 'LLMSummarizingCondenser', llm: endpointLlm(side, { usage_id: 'condenser' }) };
    const thoughts = [1, 2, 3, 4].map((number) => `TOOL: think {"thought": "${number}"}`);
    const conversation = await create([...thoughts, 'FINISH: d'].join('\n'), {}, { condenser });
    await conversation.reaches('finished');
    side.script([{ wait: 1, say: 'A summary.' }]);
    const requests = [1, 2, 3].map(() => conversation.post('condense'));
    await eventually(() => side.requests.length === 1, 'the request for a summary');
    await conversation.send('FINISH: meanwhile');
    await conversation.reaches('finished');
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await conversation.events('&kind=Condensation')).toHaveLength(1);
    expect(side.requests).toHaveLength(1);
  });

  it('sub-agents of sub-agents end without a person, whatever needs confirmation', async () => {
    const agent_definitions = [
      { name: 'lead', tools: ['task_tool_set', 'terminal'], system_prompt: 'You lead.' },
      {
        name: 'free',
        tools: ['task_tool_set', 'terminal'],
        system_prompt: 'You are free.',
        permission_mode: 'never_confirm',
      },
    ];
    const tasks = [{ name: 'task_tool_set' }];
    const call = (prompt: string, subagent_type: string) =>
      `TOOL: task ${JSON.stringify({ prompt, description: 'go', subagent_type })}`;
    const inner = call('RUN: touch deep\nFINISH: done', 'free');
    const script = [
      // The first one needs confirmation for its own call, the second one may make it.
      call(`${inner}\nFINISH: never`, 'lead'),
      call(`${inner}\nFINISH: I tried`, 'free'),
      'FINISH: d',
    ].join('\n');
    const policy = { agent_definitions, confirmation_policy: { kind: 'AlwaysConfirm' } };
    const conversation = await create(script, policy, { tools: tasks });
    for (let calls = 0; calls < 2; calls += 1) {
      await conversation.reaches('waiting_for_confirmation');
      await conversation.post('run');
      await eventually(
        async () => (await conversation.events('&kind=ObservationEvent')).length > calls,
        'the result of the task',
      );
    }
    await conversation.reaches('finished');
    const [first, second] = (await conversation.events('&kind=ObservationEvent')).map(
      ({ observation }) => observation as Record<string, unknown>,
    );
    expect(first).toMatchObject({ is_error: true, status: 'error' });
    expect(JSON.stringify(first)).toContain('needs the agreement of a person: task');
    expect(second).toMatchObject({ is_error: false, status: 'completed' });
    await expect(access(path.join(server.cwd, 'work', 'deep'))).rejects.toThrow('ENOENT');
  });
});
