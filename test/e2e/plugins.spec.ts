import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, brief, userMessage, type SeenEvent } from '../support/conversation-client.js';
import { commitAll, writeFiles } from '../support/extension-files.js';
import { freePort } from '../support/free-port.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const PLUGIN = {
  '.claude-plugin/plugin.json': '{"name":"myplug","version":"0.2.0","description":"P"}',
  'skills/pskill/SKILL.md':
    '---\nname: pskill\ndescription: Skill\ntriggers: [pword]\n---\nSee ${CLAUDE_PLUGIN_ROOT}/x.',
  'commands/greet.md':
    '---\ndescription: Greets\nargument-hint: <name>\nallowed-tools: Bash\n---\nGreet $ARGUMENTS.',
  'agents/helper.md': '---\nname: helper\ndescription: Helps\ntools: Read, Bash\n---\nYou help.',
  'hooks/hooks.json':
    '{"hooks":{"PreToolUse":[{"matcher":"terminal","hooks":[{"type":"command","command":"${CLAUDE_PLUGIN_ROOT}/check.sh","timeout":5}]}],"Notification":[]}}',
  '.mcp.json':
    '{"mcpServers":{"memo":{"command":"${CLAUDE_PLUGIN_ROOT}/m","env":{"KEY":"s3cret-mcp"},"enabled":false}}}',
};
const MARKET = {
  '.claude-plugin/marketplace.json': JSON.stringify({
    name: 'mk',
    plugins: [
      { name: 'two', source: './plugins/two' },
      { name: 'out', source: '../../..' },
    ],
  }),
  'plugins/two/skills/tsk/SKILL.md': '---\nname: tsk\ndescription: T skill\n---\nT body\n',
  'plugins/two/hooks/hooks.json': '{"Stop":[{"hooks":[{"type":"command","command":"true"}]}]}',
};

/** Plugins in the layout of Claude Code, loaded when the agent starts or before its next step. */
describe('plugins of a conversation', () => {
  let home: string;
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    server = await ServerProcess.start({ env: { HOME: home, OH_SECRET_KEY: 'a key' } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'plugins-'));
    endpoint = await startScriptedEndpoint();
  });
  afterEach(async () => {
    await endpoint.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const request = (more: Record<string, unknown>, context: unknown = null) => ({
    agent: {
      llm: endpointLlm(endpoint),
      tools: [{ name: 'terminal' }],
      agent_context: context,
    },
    workspace: { working_dir: path.join(folder, 'workspace') },
    autotitle: false,
    ...more,
  });
  const toolNames = (at: number): string[] =>
    (endpoint.requests.at(at)?.body['tools'] as { function: { name: string } }[]).map(
      (tool) => tool.function.name,
    );
  const load = (conversation: ConversationClient, ref: string) =>
    conversation.post('load_plugin', { plugin_ref: ref });
  const skillsIn = (event: SeenEvent | undefined): string[] =>
    (event?.value as { agent_context: { skills: { name: string }[] } }).agent_context.skills.map(
      ({ name }) => name,
    );

  it('merges the skills, commands, hooks and MCP servers of a plugin with those of the conversation', async () => {
    const plugin = path.join(folder, 'plugin');
    await writeFiles(plugin, PLUGIN);
    endpoint.script([{ say: 'ok' }]);
    const conversation = await ConversationClient.create(
      server,
      request(
        {
          plugins: [{ source: plugin }, { source: plugin }],
          hook_config: { stop: [{ hooks: [{ command: 'true' }] }] },
          initial_message: userMessage('hello /myplug:greet Bob, pword'),
        },
        {
          skills: [
            { name: 'pskill', content: 'of the request' },
            { name: 'own', content: 'Own.' },
          ],
        },
      ),
    );
    await conversation.reaches('finished');
    const events = await conversation.events();
    expect(events.slice(0, 3).map(brief)).toEqual(['agent', 'hook_config', 'SystemPromptEvent']);
    expect(skillsIn(events[0])).toEqual(['pskill', 'own', 'myplug:greet']);
    expect(events[0]?.value).toMatchObject({
      mcp_config: { memo: { command: `${plugin}/m`, env: { KEY: '**********' }, enabled: false } },
    });
    expect(events[1]?.value).toEqual({
      pre_tool_use: [
        {
          matcher: 'terminal',
          hooks: [
            {
              type: 'command',
              command: `${plugin}/check.sh`,
              ...{ tools: [], timeout: 5, max_iterations: 3, async_: false },
            },
          ],
        },
      ],
      stop: [
        {
          matcher: '*',
          hooks: [
            { type: 'command', command: 'true', tools: [], timeout: 60, max_iterations: 3, async_: false },
          ],
        },
      ],
      ...{ post_tool_use: [], user_prompt_submit: [], session_start: [], session_end: [] },
    });
    const message = events.find((event) => event.kind === 'MessageEvent');
    expect(message?.['activated_skills']).toEqual(['pskill', 'myplug:greet']);
    const [extra] = message?.['extended_content'] as { text: string }[];
    expect(extra?.text).toContain(`\nSee ${plugin}/x.\n</EXTRA_INFO>`);
    expect(extra?.text).toContain(
      '\n## greet\n\nGreets\n\n**Arguments**: `$ARGUMENTS` - <name>\n\n\nGreet $ARGUMENTS.\n</EXTRA_INFO>',
    );
    expect(toolNames(0)).toContain('invoke_skill');
    const info = JSON.stringify(await conversation.info());
    expect(info + server.log + JSON.stringify(events)).not.toContain('s3cret-mcp');
  });

  it('blocks a command by a hook of a plugin', async () => {
    const plugin = path.join(folder, 'plugin');
    const deny = 'echo forbidden by ${CLAUDE_PLUGIN_ROOT} >&2; exit 2';
    const hooks = { PreToolUse: [{ matcher: 'terminal', hooks: [{ type: 'command', command: deny }] }] };
    await writeFiles(plugin, { 'hooks/hooks.json': JSON.stringify({ hooks }) });
    endpoint.script([{ tools: [['terminal', { command: 'echo done-anyway' }]] }, { say: 'ok' }]);
    const conversation = await ConversationClient.create(
      server,
      request({ plugins: [{ source: plugin }], initial_message: userMessage('go') }),
    );
    await conversation.reaches('finished');
    const rejected = (await conversation.events('&kind=UserRejectObservation')).map(
      (event) => event['rejection_reason'],
    );
    expect(rejected).toEqual([`forbidden by ${plugin}`]);
  });

  it('rejects a conversation whose plugin cannot be loaded', async () => {
    const answer = await server.request(
      'POST',
      '/api/conversations',
      request({ plugins: [{ source: '/no/such/folder' }], initial_message: userMessage('hi') }),
    );
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain('Local path does not exist: /no/such/folder');
    await writeFiles(folder, { 'p/x': '' });
    const outside = request({ plugins: [{ source: path.join(folder, 'p'), repo_path: '../..' }] });
    const { status, body } = await server.request('POST', '/api/conversations', outside);
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining('leads out of')]);
    expect(endpoint.requests).toEqual([]);
  });

  it('loads a plugin from a registered marketplace into an open conversation, once', async () => {
    await writeFiles(path.join(folder, 'mkt'), MARKET);
    endpoint.script([
      { say: 'ok' },
      { tools: [['terminal', { command: 'export A=kept; echo $A' }]] },
      { say: 'ok' },
      {
        tools: [
          ['invoke_skill', { name: 'tsk' }],
          ['terminal', { command: 'echo $A' }],
        ],
      },
      { say: 'ok' },
    ]);
    const marketplaces = [{ name: 'mk', source: path.join(folder, 'mkt') }];
    const conversation = await ConversationClient.create(
      server,
      request({ initial_message: userMessage('hi') }, { registered_marketplaces: marketplaces }),
    );
    await conversation.reaches('finished');
    await conversation.send('go');
    await conversation.reaches('finished');
    expect(toolNames(-1)).not.toContain('invoke_skill');

    expect(await load(conversation, 'nope@mk')).toMatchObject({
      status: 404,
      body: { detail: "Plugin 'nope' not found in marketplace 'mk'" },
    });
    expect(await load(conversation, 'two@nomk')).toMatchObject({
      status: 404,
      body: { detail: "Marketplace 'nomk' is not registered" },
    });
    expect((await load(conversation, 'out@mk')).status).toBe(400);
    const before = (await conversation.events()).length;
    expect(await load(conversation, 'two@mk')).toMatchObject({ status: 200, body: { success: true } });
    expect((await load(conversation, 'two')).status).toBe(200);
    const added = (await conversation.events()).slice(before);
    expect(added.map(brief)).toEqual(['hook_config', 'agent']);
    expect(skillsIn(added[1])).toEqual(['tsk']);

    await conversation.send('go on');
    await conversation.reaches('finished');
    expect(toolNames(-1)).toContain('invoke_skill');
    const observations = (await conversation.events())
      .filter((event) => event.kind === 'ObservationEvent')
      .slice(1);
    expect(JSON.stringify(observations[0])).toContain('T body');
    // The shell is still the same one.
    expect(JSON.stringify(observations[1]?.['observation'])).toContain('kept');
  });

  it('loads auto_load plugins of a marketplace once for messages that arrive at the same time', async () => {
    await writeFiles(path.join(folder, 'mkt'), MARKET);
    endpoint.script([{ say: 'ok' }]);
    const source = path.join(folder, 'mkt');
    const conversation = await ConversationClient.create(
      server,
      request(
        {},
        {
          registered_marketplaces: [
            { name: 'mk', source, auto_load: ['two'] },
            { name: 'gone', source: '/no/such/market', auto_load: true },
          ],
        },
      ),
    );
    await Promise.all(['one', 'two', 'three'].map((text) => conversation.send(text, false)));
    const events = await conversation.events();
    expect(events.map(brief)).toEqual([
      ...['agent', 'hook_config', 'SystemPromptEvent'],
      ...['MessageEvent', 'last_user_message_id', 'MessageEvent', 'last_user_message_id'],
      ...['MessageEvent', 'last_user_message_id'],
    ]);
    expect(skillsIn(events[0])).toEqual(['tsk']);
    await server.logs(/marketplace gone: Local path does not exist: \/no\/such\/market/);
  });

  it('fetches a plugin from a git repository once, and works when the repository is gone', async () => {
    const source = path.join(folder, 'repositories', 'plugin');
    await writeFiles(source, PLUGIN);
    await commitAll(source);
    const port = await freePort();
    const daemon = spawn(
      'git',
      [
        ...['daemon', '--export-all', '--reuseaddr', '--listen=127.0.0.1', `--port=${port}`],
        `--base-path=${path.dirname(source)}`,
        path.dirname(source),
      ],
      { stdio: 'ignore', detached: true },
    );
    try {
      const plugins = [{ source: `git://127.0.0.1:${port}/plugin` }];
      let conversation: ConversationClient | undefined;
      await eventually(async () => {
        const answer = await server.request('POST', '/api/conversations', request({ plugins }));
        if (answer.status === 201)
          conversation = new ConversationClient(server, (answer.body as { id: string }).id);
        return conversation !== undefined;
      });
      process.kill(-(daemon.pid ?? 0), 'SIGKILL');
      endpoint.script([{ say: 'ok' }]);
      await conversation?.send('pword');
      await conversation?.reaches('finished');
      const [agent] = (await conversation?.events()) ?? [];
      expect(skillsIn(agent)).toEqual(['pskill', 'myplug:greet']);
      expect(JSON.stringify(agent)).toContain(`${home}/.openhands/cache/sources/`);
      const gone = await server.request('POST', '/api/conversations', request({ plugins }));
      expect([gone.status, JSON.stringify(gone.body)]).toEqual([
        422,
        expect.stringContaining('Cannot fetch'),
      ]);
    } finally {
      daemon.kill('SIGKILL');
    }
  });
});
