import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Goal {
  active: boolean;
  status: string;
  iteration: number;
  max_iterations: number;
  objective: string;
  verdict: { score: number; complete: boolean; missing: string } | null;
}

/** Holds an answer of the model back until it is opened. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

describe('goals', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: '1' } });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (...steps: EndpointStep[]) => {
    endpoint.script(steps);
    const agent = { llm: endpointLlm(endpoint), tools: [] };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, 'work'), undefined, { agent }),
    );
  };
  const verdict = (complete: boolean, missing = ''): EndpointStep => ({
    say: JSON.stringify({ complete, score: complete ? 1 : 0.4, missing, reason: 'because' }),
  });
  const goals = async (conversation: ConversationClient): Promise<Goal[]> =>
    (await conversation.events('&kind=ConversationStateUpdateEvent'))
      .filter(({ key }) => key === 'goal')
      .map(({ value }) => value as Goal);
  const ends = async (conversation: ConversationClient, status: string) => {
    await eventually(async () => (await goals(conversation)).at(-1)?.status === status, `goal ${status}`);
    return goals(conversation);
  };
  const MESSAGE = ['MessageEvent', 'last_user_message_id', 'execution_status=running'];
  const ANSWER = ['MessageEvent', 'execution_status=finished'];

  it('audits after each run and tells the agent what is missing until the goal is complete', async () => {
    const conversation = await create(
      { say: 'worked on it' },
      verdict(false, 'x'),
      { say: 'done now' },
      verdict(true),
    );
    expect((await conversation.post('goal', { objective: 'make file x', max_iterations: 2 })).body).toEqual({
      success: true,
    });
    const all = await ends(conversation, 'complete');
    expect(all).toEqual([
      {
        active: true,
        status: 'running',
        iteration: 0,
        max_iterations: 2,
        objective: 'make file x',
        verdict: null,
      },
      expect.objectContaining({
        active: true,
        status: 'running',
        iteration: 1,
        verdict: { score: 0.4, complete: false, missing: 'x' },
      }),
      expect.objectContaining({
        active: false,
        status: 'complete',
        iteration: 2,
        verdict: { score: 1, complete: true, missing: '' },
      }),
    ]);
    const events = await conversation.events();
    expect(events.filter(({ key }) => key !== 'stats').map(brief)).toEqual([
      ...['goal', 'SystemPromptEvent', ...MESSAGE, ...ANSWER],
      ...['goal', 'execution_status=idle', ...MESSAGE, ...ANSWER, 'goal'],
    ]);
    const messages = endpoint.requests.map(({ body }) => body.messages);
    expect(messages.map((list) => list.map(({ role }) => role))).toEqual([
      ['system', 'user'],
      ['system', 'user'],
      ['system', 'user', 'assistant', 'user'],
      ['system', 'user'],
    ]);
    expect(JSON.stringify(messages[1])).toContain('<objective>\\nmake file x\\n</objective>');
    expect(JSON.stringify(messages[1])).toContain('worked on it');
    expect(endpoint.requests[1]?.body['tools']).toBeUndefined();
    expect(JSON.stringify(messages[2])).toContain(
      'The goal is NOT yet complete (audit iteration 1).\\nOutstanding: x',
    );
    // The slot is free again.
    await eventually(async () => (await conversation.post('run')).status === 200, 'a run');
    expect(await conversation.post('goal/resume')).toMatchObject({
      status: 400,
      body: { detail: 'no_resumable_goal' },
    });
  });

  it('ends a goal after the maximum of audits, also with unreadable verdicts', async () => {
    const conversation = await create(
      { say: 'a' },
      { say: 'no verdict' },
      { say: 'b' },
      { say: '[{"complete": true' },
    );
    await conversation.post('goal', { objective: 'say hi', max_iterations: 2 });
    const all = await ends(conversation, 'capped');
    const unreadable = { score: 0, complete: false, missing: 'Judge verdict could not be parsed.' };
    expect(all.map((goal) => [goal.active, goal.iteration, goal.verdict])).toEqual([
      [true, 0, null],
      [true, 1, unreadable],
      [false, 2, unreadable],
    ]);
    expect((await conversation.post('goal/resume')).status).toBe(400);
  });

  it.each<[object, object, string]>([
    [{ complete: false, missing: ['tests', 'docs'] }, { missing: "['tests', 'docs']" }, "['tests', 'docs']"],
    [{ complete: false, missing: { a: 1 } }, { missing: "{'a': 1}" }, "{'a': 1}"],
    [{ complete: false, missing: 7 }, { missing: '7' }, '7'],
    [{ complete: false, missing: [] }, { missing: '' }, 'Some requirements are not yet verified.'],
    [{ complete: null, missing: null }, { missing: '' }, 'Some requirements are not yet verified.'],
    [{ complete: 'false', score: -2 }, { score: 0 }, 'Some requirements are not yet verified.'],
    [{ score: 0.99, missing: 'x' }, { score: 0.99, missing: 'x' }, 'x'],
  ])('reads the verdict %j', async (answer, expected, outstanding) => {
    const conversation = await create(
      { say: 'a' },
      { say: JSON.stringify(answer) },
      { say: 'b' },
      { say: JSON.stringify({ score: '1', missing: 'x' }) },
    );
    await conversation.post('goal', { objective: 'o', max_iterations: 2 });
    const all = await ends(conversation, 'complete');
    expect(all.map(({ verdict: found }) => found)).toEqual([
      null,
      { score: 0, complete: false, missing: '', ...expected },
      { score: 1, complete: true, missing: 'x' },
    ]);
    const messages = JSON.stringify(endpoint.requests[2]?.body.messages);
    expect(messages).toContain(JSON.stringify(`Outstanding: ${outstanding}\n`).slice(1, -1));
  });

  it('holds one slot for all runs of a goal and refuses other runs', async () => {
    const [run, audit] = [gate(), gate()];
    const conversation = await create(
      { say: 'a', until: run.opened },
      { ...verdict(false, 'x'), until: audit.opened },
      { say: 'b' },
      verdict(true),
    );
    await conversation.post('goal', { objective: 'o' });
    const other = await create();
    const busy = { status: 409, body: { detail: 'Conversation run or goal loop already running.' } };
    expect(await conversation.post('goal', { objective: 'again' })).toMatchObject(busy);
    expect((await other.post('goal', { objective: 'o' })).status).toBe(429);
    run.open();
    await eventually(() => endpoint.requests.length === 2, 'the audit');
    // Between two runs, during the audit.
    expect((await other.post('run')).status).toBe(429);
    expect((await conversation.post('run')).status).toBe(409);
    expect((await conversation.post('navigate', {})).status).toBe(409);
    expect(await conversation.post('goal/resume')).toMatchObject(busy);
    audit.open();
    await ends(conversation, 'complete');
  });

  it('stops a goal on request and resumes it', async () => {
    const run = gate();
    const conversation = await create({ say: 'w1', until: run.opened }, { say: 'w2' }, verdict(true));
    await conversation.post('goal', { objective: 'obj', max_iterations: 3 });
    await conversation.reaches('running');
    expect((await conversation.post('goal/stop')).body).toEqual({ success: true });
    expect((await goals(conversation)).at(-1)).toMatchObject({
      active: false,
      status: 'interrupted',
      iteration: 0,
    });
    // The run itself continues to its end.
    run.open();
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(1);
    await eventually(async () => (await conversation.post('goal/resume')).status === 200, 'the resumption');
    await ends(conversation, 'complete');
    const messages = await conversation.events('&kind=MessageEvent&source=user');
    expect(JSON.stringify(messages.at(-1))).toContain('Resuming a goal that was paused or interrupted.');
    expect((await conversation.post('goal/stop')).body).toEqual({ success: true });
  });

  it.each(['message', 'pause', 'interrupt'])('interrupts a goal on a %s of the user', async (what) => {
    const run = gate();
    const conversation = await create({ say: 'w1', until: run.opened }, { say: 'w2' }, { say: 'w3' });
    // The goal of the previous test may still hold the only slot for runs.
    await eventually(
      async () => (await conversation.post('goal', { objective: 'obj' })).status === 200,
      'the goal',
    );
    await conversation.reaches('running');
    if (what === 'message') await conversation.send('hey');
    else await conversation.post(what);
    run.open();
    await conversation.reaches(what === 'message' ? 'finished' : 'paused');
    const events = (await conversation.events()).filter(({ key }) => key !== 'stats').map(brief);
    const followed = {
      message: 'MessageEvent',
      pause: 'execution_status=paused',
      interrupt: 'execution_status=paused',
    };
    const ended = events.lastIndexOf('goal');
    expect(events[ended + 1]).toBe(followed[what as keyof typeof followed]);
    expect((await goals(conversation)).map(({ status }) => status)).toEqual(['running', 'interrupted']);
    await conversation.post('interrupt');
  });

  it('interrupts a goal on an error of the agent or of the audit', async () => {
    const first = await create({ status: 401, message: 'no' });
    await first.post('goal', { objective: 'obj' });
    await ends(first, 'interrupted');
    expect(await first.status()).toBe('error');
    const second = await create({ say: 'fine' }, { status: 401, message: 'no' });
    await eventually(
      async () => (await second.post('goal', { objective: 'obj' })).status === 200,
      'the goal',
    );
    await ends(second, 'interrupted');
    const [error] = await second.events('&kind=ConversationErrorEvent');
    expect(error).toMatchObject({ code: 'LLMAuthenticationError' });
    expect(await second.status()).toBe('finished');
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'interrupts a goal on %s and resumes it after a restart',
    async (signal) => {
      let conversation = await create({ say: 'w1' }, { ...verdict(false, 'x'), wait: 60 });
      await eventually(
        async () => (await conversation.post('goal', { objective: 'obj' })).status === 200,
        'the goal',
      );
      await eventually(() => endpoint.requests.length === 2, 'the audit');
      server = await server.restart(signal);
      conversation = conversation.on(server);
      expect((await goals(conversation)).map(({ active, status }) => [active, status])).toEqual([
        [true, 'running'],
        [false, 'interrupted'],
      ]);
      endpoint.script([{ say: 'w2' }, verdict(true)]);
      expect((await conversation.post('goal/resume')).status).toBe(200);
      await ends(conversation, 'complete');
    },
  );

  it('rejects invalid goals', async () => {
    const conversation = await create();
    const refused = async (body: unknown) => {
      const answer = await conversation.post('goal', body);
      return [answer.status, (answer.body as { detail: unknown }).detail];
    };
    expect(await refused({ objective: ' ' })).toEqual([400, 'Goal objective must not be empty.']);
    expect((await refused({ objective: 'x', max_iterations: 0 }))[0]).toBe(422);
    expect((await refused({}))[0]).toBe(422);
    const unknown = new ConversationClient(server, '00000000-0000-4000-8000-000000000001');
    for (const what of ['goal/stop', 'goal/resume'])
      expect(await unknown.post(what)).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
  });
});
