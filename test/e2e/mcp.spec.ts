import path from 'node:path';
import {
  brief,
  userMessage,
  type ConversationClient,
  type SeenEvent,
} from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { startMcpServer, type TestMcpServer } from '../support/mcp-http.mjs';
import { mcpNotes, mcpPids, mcpProgram } from '../support/mcp-program.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

describe('MCP tools', () => {
  const fixture = ServerFixture.forTests({
    env: {
      ...WITHOUT_SANDBOX,
      LOG_LEVEL: 'DEBUG',
      SESSION_API_KEY: '',
      OH_SECRET_KEY: 'the-key-of-the-server',
    },
  });

  const notesFile = (name = 'notes') => path.join(fixture.workspace, name);
  const hasNoted = (note: string) =>
    eventually(async () => (await mcpNotes(notesFile())).includes(note), `the note '${note}'`);
  const pids = () => mcpPids(notesFile());
  const program = (more: object = {}, name?: string) => mcpProgram(notesFile(name), more);
  const agent = (mcp_config: object, more: object = {}) => ({
    llm: { model: 'scripted/test', usage_id: 'agent' },
    tools: [],
    mcp_config,
    ...more,
  });
  const create = (script: string, mcp_config: object, more: Record<string, unknown> = {}) =>
    fixture.create(script, { agent: agent(mcp_config), ...more });
  const run = (script: string, mcp_config: object, more: Record<string, unknown> = {}) =>
    fixture.run(script, { agent: agent(mcp_config), ...more });
  const observations = async (conversation: ConversationClient) =>
    (await conversation.events('&kind=ObservationEvent')).map(
      (event) => event['observation'] as { content: { text?: string }[]; is_error: boolean },
    );
  const texts = async (conversation: ConversationClient) =>
    (await observations(conversation)).map(({ content }) => content.map(({ text }) => text));
  const toolNames = async (conversation: ConversationClient) => {
    const [prompt] = await conversation.events('&kind=SystemPromptEvent');
    return (prompt?.['tools'] as { title: string; kind: string }[]).map(({ title }) => title);
  };

  it('appends the events of calls as the original does (recording mcp-tools)', async () => {
    const script = [
      'TOOL: add {"a": 2, "b": 3, "summary": "sum it", "security_risk": "LOW"}',
      'TOOL: add {"a": "x", "b": 1}',
      'TOOL: boom {"msg": "m"}',
      'TOOL: jira {"summary": "title of ticket"}',
      'FINISH: d',
    ].join('\n');
    const conversation = await run(script, { demo: program() });
    const events = (await conversation.events()).filter(({ key }) => key !== 'stats');
    expect(events.map(brief)).toEqual([
      'SystemPromptEvent',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      'ActionEvent',
      'ObservationEvent',
      'ActionEvent',
      'AgentErrorEvent',
      'ActionEvent',
      'ObservationEvent',
      'ActionEvent',
      'ObservationEvent',
      'ActionEvent',
      'ObservationEvent',
      'execution_status=finished',
    ]);
    const tools = events[0]?.['tools'] as { kind: string }[];
    expect(tools.slice(0, 3).map(({ kind }) => kind)).toEqual([
      'FinishTool',
      'ThinkTool',
      'MCPToolDefinition',
    ]);
    expect(Object.keys(tools[2] ?? {})).toEqual(
      expect.arrayContaining('description action_type observation_type mcp_tool kind title'.split(' ')),
    );
    expect(tools[2]).toMatchObject({
      description: 'Adds two numbers',
      action_type: 'MCPToolAction',
      observation_type: 'MCPToolObservation',
      mcp_tool: { name: 'add', inputSchema: { required: ['a', 'b'] } },
      title: 'add',
    });
    const [action, observation] = events.slice(4, 6);
    expect(action).toMatchObject({
      action: { data: { a: 2, b: 3 }, kind: 'MCPToolAction' },
      tool_name: 'add',
      security_risk: 'UNKNOWN',
      summary: 'sum it',
    });
    expect(Object.keys(observation ?? {})).toEqual([
      ...'id timestamp source parent_id'.split(' '),
      ...'tool_name tool_call_id observation action_id extended_content kind'.split(' '),
    ]);
    expect(JSON.stringify(observation?.['observation'])).toBe(
      JSON.stringify({
        content: ["[Tool 'add' executed.]", '5'].map((text) => ({ cache_prompt: false, type: 'text', text })),
        is_error: false,
        tool_name: 'add',
        kind: 'MCPToolObservation',
      }),
    );
    expect(events[7]?.['error']).toBe(
      "Error validating tool 'add': 1 validation error for MCPAddAction\na\n  Input should be a valid integer, unable to " +
        "parse string as an integer [type=int_parsing, input_value='x', input_type=str]\n    For further information visit " +
        "https://errors.pydantic.dev/2.14/v/int_parsing. Parameters provided: ['a', 'b']",
    );
    const [, boom, jira] = await observations(conversation);
    expect(boom).toMatchObject({ is_error: true, content: [{}, { text: 'nope m' }] });
    expect(jira).toMatchObject({ is_error: false, content: [{}, { text: 'title of ticket' }] });
    expect(events[10]).toMatchObject({ summary: 'title of ticket' });
  });

  it('prefixes tools with the names of their servers when there are several (mcp-tools-two-servers)', async () => {
    const two = await run('FINISH: x', { one: program(), two: program({}, 'two') });
    const names = await toolNames(two);
    expect(names.slice(0, 4)).toEqual(['finish', 'think', 'one_add', 'one_boom']);
    expect(names).toContain('two_add');
    const off = await run('FINISH: x', { one: program(), two: program({ enabled: false }) });
    expect(await toolNames(off)).toContain('add');
  });

  it('warns about servers that cannot be reached (recording mcp-config-unreachable)', async () => {
    const conversation = await run('FINISH: ok', {
      bad: { command: '/nonexistent/mcp' },
      gone: { url: 'http://127.0.0.1:9/mcp' },
    });
    expect(await toolNames(conversation)).toEqual(['finish', 'think']);
    await fixture.server.logs(`${conversation.id}: MCP server bad cannot be used`);
    await fixture.server.logs(`${conversation.id}: MCP server gone cannot be used`);
  });

  it('offers the built-in tools and those that match filter_tools_regex', async () => {
    const filtered = { tools: [{ name: 'terminal' }], filter_tools_regex: 'add|ji' };
    const conversation = await fixture.run('FINISH: x', { agent: agent({ demo: program() }, filtered) });
    expect(await toolNames(conversation)).toEqual(['finish', 'think', 'add', 'jira']);
  });

  it('rejects duplicate tool names, and leaves no conversation or server behind', async () => {
    const request = (tools: object[], initial_message?: object) => ({
      agent: agent({ demo: program() }, { tools }),
      workspace: { working_dir: fixture.workspace },
      client_tools: [{ name: 'add', description: 'd', parameters: { type: 'object', properties: {} } }],
      autotitle: false,
      initial_message,
    });
    const refused = await fixture.server.request(
      'POST',
      '/api/conversations',
      request([], userMessage('FINISH: x')),
    );
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain("Duplicate tool names found: {'add'}");
    const { body } = await fixture.server.request('GET', '/api/conversations/count');
    const later = await fixture.server.request('POST', '/api/conversations', request([]));
    expect(later.status).toBe(201);
    const { id } = later.body as { id: string };
    const message = await fixture.server.request(
      'POST',
      `/api/conversations/${id}/events`,
      userMessage('FINISH: x', true),
    );
    expect(message).toMatchObject({ status: 422, body: { detail: "Duplicate tool names found: {'add'}" } });
    expect((await fixture.server.request('GET', '/api/conversations/count')).body).toBe(Number(body) + 1);
    await eventually(async () => !(await pids()).some(isAlive), 'no server is left');
  });

  it.each([
    [{ demo: { comand: 'x' } }, 'comand'],
    [{ demo: { url: 'http://x', transport: 'bogus' } }, 'transport'],
    [{ mcpServers: { demo: { command: 'x' } } }, 'demo'],
    [{ demo: { command: '' } }, 'command'],
  ])('rejects the configuration %j', async (mcp_config, where) => {
    const { status, body } = await fixture.server.request('POST', '/api/conversations', {
      agent: agent(mcp_config),
      workspace: { working_dir: fixture.workspace },
    });
    expect(status).toBe(422);
    expect(JSON.stringify((body as { detail: { loc: unknown }[] }).detail[0]?.loc)).toContain(where);
  });

  it('returns images and resources of a result, and names what cannot be shown', async () => {
    const conversation = await run('TOOL: show {}\nFINISH: x', { demo: program() });
    const [shown] = await observations(conversation);
    expect(shown?.content).toEqual([
      { cache_prompt: false, type: 'text', text: "[Tool 'show' executed.]" },
      { cache_prompt: false, type: 'text', text: 'a text' },
      { cache_prompt: false, type: 'image', image_urls: ['data:image/png;base64,iVBORw0KGgo='] },
      { cache_prompt: false, type: 'text', text: '[Resource file:///a.txt]\ninside' },
      {
        cache_prompt: false,
        type: 'text',
        text: '[Resource file:///b.bin (binary), 3 bytes, which cannot be shown.]',
      },
      { cache_prompt: false, type: 'text', text: '[Resource c: file:///c.txt]' },
      { cache_prompt: false, type: 'text', text: '[Audio (audio/wav), 3 bytes, which cannot be shown.]' },
    ]);
    expect(await toolNames(conversation)).toContain('Show');
  });

  it('truncates a long result', async () => {
    const conversation = await run('TOOL: many {"size": 200000}\nFINISH: x', { demo: program() });
    const [, text] = (await texts(conversation))[0] ?? [];
    expect(text).toHaveLength(50_000);
    expect(text).toContain('<response clipped>');
  });

  it('passes secrets only to the server that they are meant for, and masks them in results', async () => {
    const secret = 'sk-a-secret-of-the-user';
    const conversation = await run(
      [
        'TOOL: environment {"name": "TOKEN"}',
        'TOOL: echo {"text": "it is ${MY_TOKEN}!"}',
        'TOOL: environment {"name": "OH_SECRET_KEY"}',
        'TOOL: echo {"text": "$HOME"}',
        'FINISH: x',
      ].join('\n'),
      { demo: program({ env: { TOKEN: '$MY_TOKEN' } }) },
      { secrets: { MY_TOKEN: { kind: 'StaticSecret', value: secret } } },
    );
    expect((await texts(conversation)).slice(0, 4).map(([, text]) => text)).toEqual([
      '<secret-hidden>',
      'it is <secret-hidden>!',
      '<unset>',
      '$HOME',
    ]);
    expect(JSON.stringify(await conversation.events())).not.toContain(secret);
    expect(fixture.server.log).not.toContain(secret);
    await fixture.server.logs('MCP server demo says: a word on stderr');
  });

  it('restarts a server that has crashed', async () => {
    const conversation = await run('TOOL: die {}\nTOOL: add {"a": 1, "b": 2}\nFINISH: x', {
      demo: program(),
    });
    const [died, again] = await observations(conversation);
    expect(died).toMatchObject({
      is_error: true,
      content: [{ text: 'Error calling MCP tool die: Connection closed' }],
    });
    expect(again).toMatchObject({ is_error: false, content: [{}, { text: '3' }] });
    expect(await pids()).toHaveLength(2);
  });

  it('cancels the call at the server on interrupt, and uses the same server afterwards', async () => {
    const conversation = await create('TOOL: wait {}\nTOOL: add {"a": 1, "b": 2}\nFINISH: x', {
      demo: program(),
    });
    await hasNoted('waiting');
    await conversation.post('interrupt');
    expect(await conversation.status()).toBe('paused');
    await hasNoted('cancelled');
    await conversation.post('run');
    await conversation.reaches('finished');
    expect((await texts(conversation))[0]).toEqual(["[Tool 'add' executed.]", '3']);
    expect(await pids()).toHaveLength(1);
  });

  it('ends the servers of a conversation that is deleted during a call', async () => {
    const conversation = await create('TOOL: wait {}', { demo: program() });
    await hasNoted('waiting');
    const [pid = 0] = await pids();
    expect(isAlive(pid)).toBe(true);
    await fixture.server.request('DELETE', conversation.route);
    expect(isAlive(pid)).toBe(false);
  });

  it('reports an error of the call when its server is killed', async () => {
    const conversation = await create('TOOL: wait {}\nTOOL: add {"a": 1, "b": 2}\nFINISH: x', {
      demo: program(),
    });
    await hasNoted('waiting');
    process.kill((await pids())[0] ?? 0, 'SIGKILL');
    await conversation.reaches('finished');
    expect((await observations(conversation)).map(({ is_error }) => is_error)).toEqual([true, false, false]);
  });

  describe('MCP servers over HTTP', () => {
    let server: TestMcpServer;
    beforeEach(async () => {
      server = await startMcpServer();
    });
    afterEach(() => server.close());

    it('sends the configured headers and credentials to an HTTP server', async () => {
      const conversation = await run(
        'TOOL: add {"a": 2, "b": 3}\nFINISH: x',
        {
          web: {
            url: server.url,
            headers: { 'X-Team': '$TEAM' },
            auth: { strategy: 'bearer', value: 'a-token-of-mine' },
          },
        },
        { secrets: { TEAM: { kind: 'StaticSecret', value: 'the-red-ones' } } },
      );
      expect((await texts(conversation))[0]).toEqual(["[Tool 'add' executed.]", '5']);
      expect(server.headers.at(-1)).toMatchObject({
        'x-team': 'the-red-ones',
        authorization: 'Bearer a-token-of-mine',
      });
      expect(JSON.stringify(await conversation.info())).not.toContain('a-token-of-mine');
      expect(fixture.server.log).not.toContain('a-token-of-mine');
    });

    it('calls an HTTP server again after it was restarted', async () => {
      const conversation = await run('FINISH: x', { web: { url: server.url } });
      await server.close();
      server = await startMcpServer({ port: server.port });
      await conversation.send('TOOL: add {"a": 2, "b": 3}\nFINISH: y');
      await eventually(async () => (await observations(conversation)).length === 3, 'the second run');
      expect((await texts(conversation))[1]).toEqual(["[Tool 'add' executed.]", '5']);
    });

    it('cancels the call at an HTTP server on interrupt', async () => {
      const conversation = await create('TOOL: wait {}', { web: { url: server.url } });
      await eventually(() => server.notes.includes('waiting'), 'the call');
      await conversation.post('interrupt');
      await eventually(() => server.notes.includes('cancelled'), 'the cancellation');
      const errors: SeenEvent[] = await conversation.events('&kind=AgentErrorEvent');
      expect(errors[0]?.['error']).toContain('interrupted');
    });
  });
});
