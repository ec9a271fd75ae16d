import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { userMessage, type ConversationClient, type SeenEvent } from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

describe('hooks', () => {
  const fixture = ServerFixture.forTests({
    env: { ...WITHOUT_SANDBOX, OH_SECRET_KEY: 'the-key-of-the-server' },
  });

  const file = (name: string) => path.join(fixture.workspace, name);
  const read = (name: string) => readFile(file(name), 'utf8').catch(() => '');
  /** A command that runs until `release` is called. */
  const HOLD = 'echo yes > asked; while [ ! -e go ]; do sleep 0.05; done';
  const isHeld = () => eventually(async () => (await read('asked')) !== '', 'the hook');
  const release = () => writeFile(file('go'), '');
  const pidIn = async (name: string) => {
    await eventually(async () => /^\d+\n/.test(await read(name)), name);
    return Number(await read(name));
  };
  const command = (text: string, more: object = {}) => [{ hooks: [{ command: text, ...more }] }];
  const start = (script: string | undefined, hook_config: object, more: Record<string, unknown> = {}) =>
    fixture.create(script, { hook_config, ...more });
  const hooks = (conversation: ConversationClient): Promise<SeenEvent[]> =>
    conversation.events('&kind=HookExecutionEvent');
  const messages = async (conversation: ConversationClient, source: string): Promise<string[]> =>
    (await conversation.events('&kind=MessageEvent'))
      .filter((event) => event.source === source)
      .map((event) => (event['llm_message'] as { content: { text: string }[] }).content[0]?.text ?? '');

  it('passes hooks the facts of their event in the environment, without the keys of the server', async () => {
    const conversation = await start('RUN: true\nFINISH: x', {
      pre_tool_use: command('env > env.txt; pwd > pwd.txt'),
    });
    await conversation.reaches('finished');
    const variables = (await read('env.txt')).split('\n');
    expect(variables).toEqual(
      expect.arrayContaining([
        `OPENHANDS_PROJECT_DIR=${fixture.workspace}`,
        `OPENHANDS_SESSION_ID=${conversation.id}`,
        'OPENHANDS_EVENT_TYPE=PreToolUse',
        'OPENHANDS_TOOL_NAME=finish',
      ]),
    );
    expect(variables.filter((line) => line.startsWith('OH_'))).toEqual([]);
    expect((await read('pwd.txt')).trim()).toBe(fixture.workspace);
  });

  it('kills a hook that takes too long with all processes that it started, and blocks nothing', async () => {
    const conversation = await start('RUN: echo continued\nFINISH: x', {
      pre_tool_use: [
        { matcher: 'terminal', hooks: [{ command: 'sleep 60 & echo $! > pid; wait', timeout: 1 }] },
      ],
    });
    await conversation.reaches('finished');
    expect(await hooks(conversation)).toMatchObject([
      { success: false, blocked: false, exit_code: -1, error: 'Hook timed out after 1 seconds' },
    ]);
    expect(isAlive(await pidIn('pid'))).toBe(false);
  });

  it('ends a hook at once on interrupt, and discards the answer that it was checking', async () => {
    const conversation = await start('RUN: touch done\nFINISH: x', {
      pre_tool_use: command('echo $$ > pid; sleep 60'),
    });
    const pid = await pidIn('pid');
    await conversation.post('interrupt');
    expect(await conversation.status()).toBe('paused');
    await eventually(() => !isAlive(pid), 'the end of the hook');
    expect(await conversation.events('&kind=ActionEvent')).toEqual([]);
  });

  it('keeps the result of a tool when an interrupt ends the hook that follows it', async () => {
    const conversation = await start('RUN: touch done; echo it is done\nFINISH: x', {
      post_tool_use: command('[ "$OPENHANDS_TOOL_NAME" = finish ] || { echo $$ > pid; sleep 60; }'),
    });
    const pid = await pidIn('pid');
    await conversation.post('interrupt');
    const results = await conversation.events('&kind=ObservationEvent');
    expect(results).toMatchObject([{ tool_name: 'terminal', observation: { exit_code: 0 } }]);
    expect(JSON.stringify(results)).toContain('it is done');
    expect(await conversation.events('&kind=AgentErrorEvent')).toEqual([]);
    await eventually(() => !isAlive(pid), 'the end of the hook');
    await conversation.post('run');
    await conversation.reaches('finished');
    expect(await conversation.events('&kind=ObservationEvent')).toHaveLength(2);
  });

  it('pauses at once while a hook is running, and stores the action when the hook has ended', async () => {
    const conversation = await start('RUN: touch done\nFINISH: x', {
      pre_tool_use: command(HOLD),
    });
    await isHeld();
    await conversation.post('pause');
    expect(await conversation.status()).toBe('paused');
    await release();
    await eventually(async () => (await conversation.events('&kind=ActionEvent')).length === 1, 'the action');
    expect(await conversation.events('&kind=ObservationEvent')).toEqual([]);
    await conversation.post('run');
    await conversation.reaches('finished');
    expect(await conversation.events('&kind=ObservationEvent')).toHaveLength(2);
  });

  it('stores messages in the order in which they were sent, however long their hooks take', async () => {
    const conversation = await start(undefined, {
      user_prompt_submit: command(
        'if grep -q slow; then sleep 0.3; fi; echo \'{"additionalContext":"seen"}\'',
      ),
    });
    const sent = ['slow one', 'two', 'three'].map((text) => conversation.send(text, false));
    await Promise.all(sent);
    expect(await messages(conversation, 'user')).toEqual(['slow one', 'two', 'three']);
    const events = await conversation.events('&kind=MessageEvent');
    expect(events.map((event) => event['extended_content'])).toEqual(
      Array(3).fill([{ cache_prompt: false, type: 'text', text: 'seen' }]),
    );
  });

  it.each(['pause', 'interrupt'])(
    'stores a message but starts no run when a %s is requested while its hook is running',
    async (stop) => {
      const conversation = await start(undefined, {
        user_prompt_submit: command(HOLD),
      });
      const sending = conversation.send('RUN: touch done\nFINISH: x');
      await isHeld();
      await conversation.post(stop);
      expect(await conversation.status()).toBe('paused');
      await release();
      await sending;
      expect(await conversation.status()).toBe('paused');
      expect(await messages(conversation, 'user')).toHaveLength(1);
      await conversation.post('run');
      await conversation.reaches('finished');
      expect(await conversation.events('&kind=ActionEvent')).toHaveLength(2);
    },
  );

  it('ends the hook of a message when the conversation is deleted, and tells the sender', async () => {
    const conversation = await start(undefined, { user_prompt_submit: command('echo $$ > pid; sleep 60') });
    const sending = conversation.post('events', userMessage('hi', true));
    const pid = await pidIn('pid');
    await fixture.server.request('DELETE', conversation.route);
    expect([404, 503]).toContain((await sending).status);
    expect(isAlive(pid)).toBe(false);
  });

  it('stops at max_iterations when a stop hook never lets the agent finish', async () => {
    const conversation = await start(
      'SAY: a\nSAY: b\nSAY: c\nSAY: d\nSAY: e',
      { stop: command('exit 2') },
      { max_iterations: 3 },
    );
    expect(await conversation.reaches('error')).toBe('error');
    expect(
      (await messages(conversation, 'environment')).every((text) => text.startsWith('[Stop hook feedback] ')),
    ).toBe(true);
    const [error] = await conversation.events('&kind=ConversationErrorEvent');
    expect(error?.['code']).toBe('MaxIterationsReached');
  });

  it('runs the session_start hook once, and the session_end hook when the conversation is deleted', async () => {
    const conversation = await start('SAY: a', {
      session_start: command('echo start >> log.txt'),
      session_end: command('cat >> end.json; echo end >> log.txt'),
    });
    await conversation.reaches('finished');
    await conversation.send('SAY: b');
    await eventually(async () => (await messages(conversation, 'agent')).length === 2, 'the answer');
    expect(await read('log.txt')).toBe('start\n');
    await fixture.server.request('DELETE', conversation.route);
    expect(await read('log.txt')).toBe('start\nend\n');
    expect(JSON.parse(await read('end.json'))).toMatchObject({
      event_type: 'SessionEnd',
      session_id: conversation.id,
    });
  });

  it('does not wait for an async hook, and ends it with the conversation', async () => {
    const conversation = await start('SAY: a', { stop: command('echo $$ > pid; sleep 60', { async: true }) });
    await conversation.reaches('finished');
    await eventually(async () => (await hooks(conversation)).length === 1, 'the event');
    const pid = await pidIn('pid');
    expect(await hooks(conversation)).toMatchObject([
      { success: true, blocked: false, exit_code: 0, stdout: '' },
    ]);
    await fixture.server.request('DELETE', conversation.route);
    expect(isAlive(pid)).toBe(false);
  });

  it('masks secrets in the output of hooks and in the results that hooks are given', async () => {
    const secret = 'a-very-secret-value';
    const conversation = await start(
      'RUN: echo $MY_TOKEN\nFINISH: x',
      { post_tool_use: command(`cat > input.json; echo ${secret}; echo ${secret} >&2`) },
      { secrets: { MY_TOKEN: { kind: 'StaticSecret', value: secret } } },
    );
    await conversation.reaches('finished');
    const [event] = await hooks(conversation);
    expect(event).toMatchObject({ stdout: '<secret-hidden>\n', stderr: '<secret-hidden>\n' });
    expect(await read('input.json')).not.toContain(secret);
    expect(fixture.server.log).not.toContain(secret);
  });

  it.each([
    ['pre_tool_use', 'cat token >&2; exit 2'],
    ['user_prompt_submit', 'cat token >&2; exit 2'],
    ['user_prompt_submit', 'printf \'{"additionalContext":"%s"}\' "$(cat token)"'],
    ['session_start', 'printf \'{"additionalContext":"%s"}\' "$(cat token)"'],
    ['stop', '[ -e again ] || { touch again; cat token >&2; exit 2; }'],
  ])('masks secrets in what a %s hook tells the agent (%s)', async (kind, text) => {
    const secret = 'a-very-secret-value';
    await writeFile(file('token'), secret);
    const conversation = await start(
      'RUN: true\nFINISH: x',
      { [kind]: command(text) },
      { secrets: { MY_TOKEN: { kind: 'StaticSecret', value: secret } } },
    );
    await conversation.reaches('finished');
    const events = JSON.stringify(await conversation.events());
    expect(events).toContain('<secret-hidden>');
    expect(events).not.toContain(secret);
    expect(JSON.stringify(await conversation.info())).not.toContain(secret);
  });

  it('keeps only the beginning of what a hook prints', async () => {
    const conversation = await start('SAY: a', { stop: command('head -c 3000000 /dev/zero | tr "\\0" x') });
    await conversation.reaches('finished');
    await eventually(async () => (await hooks(conversation)).length === 1, 'the event');
    expect((await hooks(conversation))[0]?.['stdout']).toHaveLength(50_000);
  });

  it('asks for no confirmation of an action that a hook has blocked', async () => {
    const conversation = await start(
      'RUN: touch done\nSAY: x',
      { pre_tool_use: command('echo no >&2; exit 2') },
      { confirmation_policy: { kind: 'AlwaysConfirm' } },
    );
    await conversation.reaches('finished');
    const [rejection] = await conversation.events('&kind=UserRejectObservation');
    expect(rejection).toMatchObject({ rejection_source: 'hook', rejection_reason: 'no' });
    expect((await conversation.info())['blocked_actions']).toEqual({});
  });

  describe('hooks that ask a model', () => {
    let endpoint: ChatEndpoint;
    beforeEach(async () => {
      endpoint = await startScriptedEndpoint();
    });
    afterEach(() => endpoint.close());

    const withModel = async (steps: EndpointStep[], hook: object) => {
      endpoint.script(steps);
      const conversation = await start(
        'go',
        { pre_tool_use: [{ matcher: 'terminal', hooks: [hook] }] },
        { agent: { llm: endpointLlm(endpoint), tools: [{ name: 'terminal' }] } },
      );
      await conversation.reaches('finished');
      return conversation;
    };
    const CALL: EndpointStep = { tools: [['terminal', { command: 'echo hi' }]] };

    it('lets an agent hook use its tools before it decides', async () => {
      const conversation = await withModel(
        [
          CALL,
          { tools: [['terminal', { command: 'echo looked' }]] },
          { tools: [['finish', { message: '{"decision":"deny","reason":"I looked"}' }]] },
          { say: 'bye' },
        ],
        { type: 'agent', name: 'guard', prompt: 'look first', tools: ['terminal'] },
      );
      expect(await hooks(conversation)).toMatchObject([
        { hook_command: 'agent-hook:guard', blocked: true, reason: 'I looked' },
      ]);
      expect(JSON.stringify(endpoint.requests[2]?.body.messages.at(-1))).toContain('looked');
    });

    it.each([
      ['gives no decision', { say: 'hm' }],
      ['fails', { status: 400, message: 'no' }],
    ])('allows the action when the model of a prompt hook %s', async (_what, answer: EndpointStep) => {
      const conversation = await withModel([CALL, answer, { say: 'bye' }], {
        type: 'prompt',
        prompt: 'judge',
      });
      const [hook] = await hooks(conversation);
      expect(hook).toMatchObject({ hook_command: 'prompt-hook:judge', success: false, blocked: false });
      expect(hook?.['error']).toBeDefined();
      expect(await conversation.events('&kind=ObservationEvent')).toHaveLength(1);
    });
  });
});
