import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

const TOOL = {
  name: 'show_card',
  description: 'Show a card',
  parameters: {
    type: 'object',
    properties: { title: { type: 'string' }, n: { type: 'integer' }, at: { $ref: '#/$defs/Point' } },
    required: ['title'],
    $defs: { Point: { type: 'object', properties: { x: { type: 'number' } } } },
  },
};

describe('tools of the client', () => {
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'client-tools-'));
    server = await ServerProcess.start({ cwd: folder });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const request = (script: string | undefined, client_tools: unknown, more: object = {}) =>
    scriptedRequest(path.join(folder, 'work'), script, { client_tools, ...more });

  it('hands calls on to the client, checked against its schema', async () => {
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

  it('tells the model of them, also after a restart', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', num_retries: 1 };
      let conversation = await ConversationClient.create(
        server,
        request('SAY: hi', [TOOL], { agent: { llm, tools: [] } }),
      );
      await conversation.reaches('finished');
      await server.end();
      server = await ServerProcess.start({ cwd: folder });
      conversation = conversation.on(server);
      await conversation.send('TOOL: show_card {"title": "again"}\nSAY: end');
      await conversation.reaches('finished');
      expect((await conversation.events()).map(brief)).toContain('ObservationEvent');
      for (const { body } of endpoint.requests) {
        const tools = body['tools'] as { function: { name: string; parameters: Record<string, unknown> } }[];
        expect(tools.map((tool) => tool.function.name)).toEqual(['show_card', 'finish', 'think']);
        expect(tools[0]?.function.parameters['required']).toEqual(['title']);
        expect(tools[0]?.function.parameters['$defs']).toEqual(TOOL.parameters.$defs);
      }
    } finally {
      await endpoint.close();
    }
  });

  it.each([
    ['terminal', "Client tool name 'terminal' collides with an existing non-client tool."],
    ['finish', "Client tool name 'finish' collides with an existing non-client tool."],
    ['a b!', '1 to 64 letters'],
  ])('refuses the name %s and says why', async (name, why) => {
    const answer = await server.request(
      'POST',
      '/api/conversations',
      request(undefined, [{ ...TOOL, name }]),
    );
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([422, expect.stringContaining(why)]);
  });

  it('refuses parameters that are no schema of an object', async () => {
    for (const parameters of [{ type: 'string' }, { properties: [] }, { required: 'title' }]) {
      const body = request(undefined, [{ ...TOOL, parameters }]);
      expect((await server.request('POST', '/api/conversations', body)).status).toBe(422);
    }
  });
});
