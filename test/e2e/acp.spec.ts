import { acpRequest, answerOf, steps, type AcpOptions } from '../support/acp.js';
import { brief, ConversationClient, type SeenEvent } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

// Matchers without their type `any`.
const containing = (text: string): unknown => expect.stringContaining(text);
const lacking = (text: string): unknown => expect.not.stringContaining(text);
const having = (fields: object): unknown => expect.objectContaining(fields);
const near = (value: number): unknown => expect.closeTo(value);

const call = (fields: object) => ['update', { sessionUpdate: 'tool_call', ...fields }];
const callUpdate = (fields: object) => ['update', { sessionUpdate: 'tool_call_update', ...fields }];

describe('ACP agents', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const create = (message?: string, options?: AcpOptions) =>
    ConversationClient.create(server, acpRequest(server.cwd, message, options));
  const createFinished = async (message: string, options?: AcpOptions) => {
    const conversation = await create(message, options);
    await conversation.reaches('finished');
    return conversation;
  };

  it('records the answer, the thoughts and the tool calls of an ACP agent', async () => {
    const conversation = await createFinished(
      steps(
        ['think', 'Let me '],
        ['think', 'see'],
        ['say', 'Hello. '],
        call({ toolCallId: 'a', title: 'Read', kind: 'read', status: 'pending', rawInput: { path: 'x' } }),
        callUpdate({ toolCallId: 'a', status: 'in_progress' }),
        callUpdate({
          toolCallId: 'a',
          status: 'completed',
          rawOutput: { lines: 1 },
          content: [{ type: 'diff', path: '/x', oldText: 'b', newText: 'c', _meta: null }],
        }),
        callUpdate({ toolCallId: 'a', title: 'too late' }),
        call({ toolCallId: 'b', title: 'Run', kind: 'execute', status: 'in_progress' }),
        callUpdate({ toolCallId: 'b', status: 'failed' }),
        call({ toolCallId: 'c', title: 'Never ends' }),
        ['update', { sessionUpdate: 'nobody_knows_this', what: 1 }],
        ['say', 'Done.'],
      ),
    );
    const events = await conversation.events();
    expect(events.map(brief)).toEqual([
      ...['SystemPromptEvent', 'MessageEvent', 'last_user_message_id', 'execution_status=running'],
      ...['agent_state', 'agent_state'],
      ...Array<string>(6).fill('ACPToolCallEvent'),
      ...['ActionEvent', 'ObservationEvent', 'agent_state', 'execution_status=finished'],
    ]);
    const calls = events.filter(({ kind }) => kind === 'ACPToolCallEvent').map(facts);
    const read = { tool_call_id: 'a', title: 'Read', tool_kind: 'read', raw_input: { path: 'x' } };
    expect(calls).toEqual([
      { ...read, status: 'pending', is_error: false },
      {
        ...{ ...read, status: 'completed', is_error: false, raw_output: { lines: 1 } },
        content: [{ type: 'diff', path: '/x', old_text: 'b', new_text: 'c' }],
      },
      { tool_call_id: 'b', title: 'Run', tool_kind: 'execute', status: 'in_progress', is_error: false },
      { tool_call_id: 'b', title: 'Run', tool_kind: 'execute', status: 'failed', is_error: true },
      { tool_call_id: 'c', title: 'Never ends', is_error: false },
      { tool_call_id: 'c', title: 'Never ends', status: 'completed', is_error: false },
    ]);
    expect(events.find(({ kind }) => kind === 'ActionEvent')).toMatchObject({
      reasoning_content: 'Let me see',
      action: { kind: 'FinishAction', message: 'Hello. Done.' },
    });
    expect(await answerOf(conversation)).toEqual('Hello. Done.');
    const single = await server.request(
      'GET',
      `${conversation.route}/events/${idOf(events, 'ACPToolCallEvent')}`,
    );
    expect(single.body).toMatchObject({ status: 'pending', raw_output: null, content: null });
  });

  it('keeps the session of an ACP agent between messages', async () => {
    const conversation = await createFinished(steps(['cwd'], ['say', ' '], ['recall']));
    expect(await answerOf(conversation)).toEqual(`${server.cwd} prompts before: 0`);
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toEqual('prompts before: 1');
  });

  it('streams the text of an ACP agent while it writes', async () => {
    const conversation = await create();
    const socket = await conversation.listen();
    await conversation.send(steps(['think', 'hm'], ['say', 'one '], ['sleep', 50], ['say', 'two']));
    await socket.sees((event) => event.kind === 'ActionEvent');
    await socket.close();
    const deltas = socket.events.filter(({ kind }) => kind === 'StreamingDeltaEvent');
    expect(deltas.map((event) => event['content'] ?? event['reasoning_content'])).toEqual([
      'hm',
      'one ',
      'two',
    ]);
  });

  it('adds up the usage that an ACP agent reports', async () => {
    const used = (amount: number) => [
      'update',
      { sessionUpdate: 'usage_update', used: 5, size: 200_000, cost: { amount, currency: 'USD' } },
    ];
    const usage = {
      inputTokens: 10,
      outputTokens: 20,
      cachedReadTokens: 3,
      cachedWriteTokens: 2,
      thoughtTokens: 5,
    };
    const conversation = await createFinished(steps(used(0.25), ['usage', usage]));
    await conversation.send(steps(used(0.35)));
    await conversation.reaches('finished');
    const { stats } = await conversation.info();
    expect(stats).toMatchObject({
      usage_to_metrics: {
        'acp-managed': {
          accumulated_cost: near(0.35),
          accumulated_token_usage: {
            ...{ prompt_tokens: 10, completion_tokens: 20, reasoning_tokens: 5, context_window: 200_000 },
            ...{ cache_read_tokens: 3, cache_write_tokens: 2 },
          },
        },
      },
    });
  });

  it.each([
    [
      'passes images to an ACP agent that accepts them',
      [],
      { type: 'image', mimeType: 'image/png', data: 8 },
    ],
    [
      'tells an ACP agent of images that it does not accept',
      ['--blind'],
      { type: 'text', text: containing('image') },
    ],
  ])('%s', async (_what, args, block) => {
    const conversation = await create(undefined, { args });
    const content = [
      { type: 'text', text: steps(['blocks']) },
      { type: 'image', image_urls: ['data:image/png;base64,AAAAAAAA'] },
    ];
    await conversation.post('events', { role: 'user', content, run: true });
    await conversation.reaches('finished');
    const response = await answerOf(conversation);
    expect(JSON.parse(response)).toEqual([having({ type: 'text' }), block]);
  });

  it('gives an ACP agent the system message suffix once, and the MCP servers', async () => {
    const agent = {
      agent_context: { system_message_suffix: 'Be brief', current_datetime: '2026-01-01T00:00' },
      mcp_config: {
        here: { command: 'x', args: ['1'], env: { KEY: '$TOKEN' } },
        far: { url: 'http://h/mcp' },
      },
    };
    const secrets = { TOKEN: { kind: 'StaticSecret', value: 'hush-hush' } };
    const conversation = await createFinished(steps(['blocks'], ['status']), { agent, secrets });
    const response = await answerOf(conversation);
    expect(response).toContain('Be brief');
    expect(response).toContain('"command":"x","args":["1"],"env":[{"name":"KEY","value":"<secret-hidden>"}]');
    expect(response).toContain('{"type":"http","name":"far","url":"http://h/mcp","headers":[]}');
    await conversation.send(steps(['blocks']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toEqual(lacking('Be brief'));
  });

  it.each([
    ['a method', []],
    ['an option', ['--config-models']],
  ])('chooses the model of an ACP agent by %s', async (_how, args) => {
    const conversation = await createFinished(steps(['status']), { args, agent: { acp_model: 'large' } });
    expect(await answerOf(conversation)).toEqual(containing('"model":"large"'));
    expect(await conversation.info()).toMatchObject({
      current_model_id: 'large',
      available_models: [
        { model_id: 'small' },
        { model_id: 'large', name: 'Large', description: 'Thorough' },
      ],
      supports_runtime_model_switch: true,
      agent: { llm: { model: 'large', usage_id: 'acp-managed' } },
    });
    const to = (model: string) => conversation.post('switch_acp_model', { model });
    expect(await to('small')).toMatchObject({ status: 200, body: { success: true } });
    expect(await to('none')).toMatchObject({ status: 400 });
    await conversation.send(steps(['status']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toEqual(containing('"model":"small"'));
    expect(await conversation.info()).toMatchObject({
      current_model_id: 'small',
      agent: { acp_model: 'small' },
    });
  });

  it('starts an ACP agent in the requested session mode', async () => {
    const conversation = await createFinished(steps(['status']), { agent: { acp_session_mode: 'yolo' } });
    expect(await answerOf(conversation)).toEqual(containing('"mode":"yolo"'));
  });

  it('answers ask_agent for an ACP agent that can fork its session', async () => {
    const conversation = await createFinished('first', { args: ['--fork'] });
    const ask = (of: ConversationClient) => of.post('ask_agent', { question: steps(['recall']) });
    expect(await ask(conversation)).toMatchObject({ status: 200, body: { response: 'prompts before: 1' } });
    await conversation.send(steps(['recall']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toEqual('prompts before: 1');
    expect(await ask(await createFinished('alone'))).toMatchObject({ status: 400 });
  });

  it('refuses operations that only the built-in agent supports', async () => {
    const conversation = await createFinished('hello');
    expect(await conversation.post('condense')).toMatchObject({ status: 409 });
    const llm = { model: 'openai/x' };
    expect(await conversation.post('switch_llm', { llm })).toMatchObject({ status: 400 });
    const request = acpRequest(server.cwd, undefined, { agent: { tools: [{ name: 'terminal' }] } });
    expect(await server.request('POST', '/api/conversations', request)).toMatchObject({ status: 422 });
  });
});

function facts(event: SeenEvent): object {
  const { id: _id, timestamp: _time, parent_id: _parent, source: _source, kind: _kind, ...rest } = event;
  return rest;
}

function idOf(events: readonly SeenEvent[], kind: string): string {
  return events.find((event) => event.kind === kind)?.id ?? '';
}
