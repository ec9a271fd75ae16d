import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

const TOOL = {
  name: 'show_card',
  description: 'Show a card',
  parameters: {
    type: 'object',
    properties: {
      title: { type: 'string', title: 'Title', default: null },
      n: { type: 'integer', minimum: 0 },
      at: { $ref: '#/$defs/Point' },
      list: { type: 'array', items: { type: 'object', additionalProperties: false } },
    },
    required: ['title'],
    additionalProperties: false,
    $defs: { Point: { type: 'object', properties: { x: { type: 'number', minimum: 0 } } } },
  },
};

describe('client tools', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const request = (script: string | undefined, client_tools: unknown, more: object = {}) =>
    scriptedRequest(path.join(server.cwd, 'work'), script, { client_tools, ...more });

  it('dispatches calls of client tools to the client and checks them against the schema', async () => {
    const script = 'TOOL: show_card {"title": "hi", "n": 3}\nTOOL: show_card {"n": "x"}\nFINISH: d';
    const conversation = await ConversationClient.create(server, request(script, [TOOL]));
    await conversation.reaches('finished');
    const events = await conversation.events();
    const [call, result, broken, error] = events.filter(({ kind }) => /Action|Observation|Error/.test(kind));
    expect(call?.['action']).toEqual({ title: 'hi', n: 3, kind: 'ClientAction_show_card' });
    expect(call?.['summary']).toBe('show_card: {"title": "hi", "n": 3}');
    expect(result).toMatchObject({
      source: 'environment',
      tool_name: 'show_card',
      observation: {
        content: [{ cache_prompt: false, type: 'text', text: 'Tool call dispatched to client.' }],
        is_error: false,
        kind: 'ClientToolObservation',
      },
      action_id: call?.id,
    });
    expect(broken?.['action']).toBeUndefined();
    expect(error?.['error']).toContain(
      '2 validation errors for ClientAction_show_card\ntitle\n  Field required',
    );
    expect(error?.['classification']).toMatchObject({ kind: 'agent_action' });
    const [prompt] = events.filter(({ kind }) => kind === 'SystemPromptEvent');
    expect((prompt?.['tools'] as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      ...['TerminalTool', 'FileEditorTool', 'TaskTrackerTool', 'ClientTool', 'FinishTool', 'ThinkTool'],
    ]);
    expect((await conversation.info())['client_tools']).toEqual([{ ...TOOL, annotations: null }]);
  });

  it('shows client tools as the client sent them', async () => {
    const beep = { name: 'beep', description: 'Beeps', annotations: { readOnlyHint: true } };
    const conversation = await ConversationClient.create(server, request('FINISH: d', [TOOL, beep]));
    await conversation.reaches('finished');
    const prompt = (await conversation.events()).find(({ kind }) => kind === 'SystemPromptEvent');
    const shown = (prompt?.['tools'] as { kind: string }[]).filter(({ kind }) => kind === 'ClientTool');
    const hints = { readOnlyHint: true, destructiveHint: true, idempotentHint: false, openWorldHint: true };
    const noParameters = { type: 'object', properties: {} };
    const expected = [
      {
        description: 'Show a card',
        action_type: 'ClientAction_show_card',
        observation_type: 'ClientToolObservation',
        client_tool_name: 'show_card',
        input_schema: TOOL.parameters,
        kind: 'ClientTool',
        title: 'show_card',
      },
      {
        description: 'Beeps',
        action_type: 'ClientAction_beep',
        observation_type: 'ClientToolObservation',
        annotations: hints,
        client_tool_name: 'beep',
        input_schema: noParameters,
        kind: 'ClientTool',
        title: 'beep',
      },
    ];
    // The order of the keys is part of the wire format.
    expect(JSON.stringify(shown)).toBe(JSON.stringify(expected));
    const single = await server.request('GET', `${conversation.route}/events/${prompt?.id ?? ''}`);
    const [first] = (single.body as { tools: object[] }).tools.slice(3);
    const { observation_type, client_tool_name, ...others } = first as (typeof expected)[0];
    expect({ observation_type, client_tool_name, ...others }).toEqual({
      ...expected[0],
      annotations: null,
      meta: null,
    });
    expect(Object.keys(first ?? {}).slice(-2)).toEqual(['kind', 'title']);

    const specs = [
      { ...TOOL, annotations: null },
      { ...beep, parameters: noParameters, annotations: { title: null, ...hints } },
    ];
    const named = specs.map((spec) => ({ name: spec.name, params: { spec } }));
    const info = await conversation.info();
    const agent = info['agent'] as { tools: { name: string }[] };
    expect(info['client_tools']).toEqual(specs);
    expect(agent.tools.slice(3)).toEqual(named);
    expect(info['tool_module_qualnames']).not.toHaveProperty('beep');
    const socket = await conversation.listen();
    const state = await socket.sees(({ key }) => key === 'full_state');
    await socket.close();
    expect((state.value as { agent: typeof agent }).agent.tools.slice(3)).toEqual(named);

    const llm = { model: 'scripted/other', usage_id: 'agent' };
    await conversation.post('switch_llm', { llm });
    const update = (await conversation.events()).findLast(({ key }) => key === 'agent');
    expect((update?.value as typeof agent).tools.slice(3)).toEqual(named);
    const fork = await conversation.post('fork', {});
    expect((fork.body as { agent: typeof agent }).agent.tools.slice(3)).toEqual(named);
  });

  it('accepts an agent as it is shown, with client tools among its tools', async () => {
    const tools = [{ name: 'show_card', params: { spec: { ...TOOL, annotations: null } } }];
    const agent = { llm: { model: 'scripted/test', usage_id: 'agent' }, tools };
    const body = request('TOOL: show_card {"title": "hi"}\nFINISH: d', [TOOL], { agent });
    const conversation = await ConversationClient.create(server, body);
    await conversation.reaches('finished');
    expect((await conversation.events()).map(brief)).toContain('ObservationEvent');
    expect((await conversation.info())['agent']).toMatchObject({ tools });
  });

  it('allows client tools of the same name with different schemas in two conversations', async () => {
    for (const field of ['a', 'b']) {
      const parameters = { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] };
      const script = `TOOL: show_card {"${field}": "x"}\nFINISH: d`;
      const body = request(script, [{ ...TOOL, parameters }]);
      const conversation = await ConversationClient.create(server, body);
      await conversation.reaches('finished');
      expect((await conversation.events()).map(brief)).not.toContain('AgentErrorEvent');
    }
  });

  it('checks and converts the types of arguments and leaves other constraints to the client', async () => {
    const properties = {
      lat: { type: 'number', minimum: -90, maximum: 90 },
      mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
      at: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
      list: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
      either: { anyOf: [{ type: 'number' }, { type: 'string' }] },
      maybe: { type: ['null', 'integer'] },
      several: { type: ['number', 'string'] },
      kind: { type: 'string' },
      any: true,
    };
    const parameters = { type: 'object', properties, additionalProperties: true };
    const calls: [string, object | string][] = [
      ['{"lat": "7"}', { lat: 7 }],
      ['{"lat": 1000, "mode": "z"}', { lat: 1000, mode: 'z' }],
      ['{"at": {"y": "1"}}', { at: { y: '1' } }],
      ['{"list": [["1", 2]]}', { list: [[1, 2]] }],
      ['{"either": true, "several": [1], "any": {}}', { either: true, several: [1], any: {} }],
      ['{"kind": "own"}', { mcp_arg_kind: 'own' }],
      ['{"lat": "x"}', 'lat\n  Input should be a valid number, unable to parse string as a number'],
      ['{"mode": 3}', 'mode\n  Input should be a valid string'],
      ['{"list": [["x"]]}', 'list.0.0\n  Input should be a valid number'],
      ['{"maybe": "x"}', 'maybe\n  Input should be a valid integer'],
      ['{"unknown": 1}', 'unknown\n  Extra inputs are not permitted'],
    ];
    const script = [...calls.map(([args]) => `TOOL: show_card ${args}`), 'FINISH: d'].join('\n');
    const body = request(script, [{ ...TOOL, parameters }], { stuck_detection: false });
    const conversation = await ConversationClient.create(server, body);
    await conversation.reaches('finished');
    const results = (await conversation.events()).flatMap(({ kind, tool_name, action, error }) => {
      if (kind === 'AgentErrorEvent') return [error];
      return kind === 'ActionEvent' && tool_name === 'show_card' && action ? [action] : [];
    });
    expect(results).toEqual(
      calls.map(([, result]): unknown =>
        typeof result === 'string'
          ? expect.stringContaining(result)
          : { ...result, kind: 'ClientAction_show_card' },
      ),
    );
  });

  it('offers client tools to the model, also after a restart', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      let conversation = await ConversationClient.create(
        server,
        request('SAY: hi', [TOOL], { agent: { llm: endpointLlm(endpoint), tools: [] } }),
      );
      await conversation.reaches('finished');
      server = await server.restart();
      conversation = conversation.on(server);
      await conversation.send('TOOL: show_card {"title": "again"}\nSAY: end');
      await conversation.reaches('finished');
      expect((await conversation.events()).map(brief)).toContain('ObservationEvent');
      for (const { body } of endpoint.requests) {
        const tools = body['tools'] as { function: { name: string; parameters: Record<string, unknown> } }[];
        expect(tools.map((tool) => tool.function.name)).toEqual(['show_card', 'finish', 'think']);
        const { properties, ...rest } = tools[0]?.function.parameters ?? {};
        const { properties: own, ...schema } = TOOL.parameters;
        expect(rest).toEqual(schema);
        expect(Object.keys(properties ?? {})).toEqual(['security_risk', 'summary', ...Object.keys(own)]);
        expect(properties).toMatchObject(own);
      }
    } finally {
      await endpoint.close();
    }
  });

  it.each([
    ['terminal', "Client tool name 'terminal' collides with an existing non-client tool."],
    ['finish', "Client tool name 'finish' collides with an existing non-client tool."],
    ['a b!', '1 to 64 letters'],
  ])('rejects a client tool named %s and says why', async (name, why) => {
    const answer = await server.request(
      'POST',
      '/api/conversations',
      request(undefined, [{ ...TOOL, name }]),
    );
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([422, expect.stringContaining(why)]);
  });

  it.each([
    [{ type: 'array' }, "(got type='array')"],
    [{ type: ['object', 'null'] }, "(got type=['object', 'null'])"],
    [{ properties: {} }, '(got type=None)'],
    [{ type: 'object', properties: [] }, 'not a JSON schema of an object'],
    [{ type: 'object', required: 'title' }, 'not a JSON schema of an object'],
  ])('rejects the parameters %j, which are not the schema of an object', async (parameters, why) => {
    const body = request(undefined, [{ ...TOOL, parameters }]);
    const answer = await server.request('POST', '/api/conversations', body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ detail: [{ msg: expect.stringContaining(why) as string }] });
  });
});
