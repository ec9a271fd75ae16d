import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { skillText } from '../support/extension-files.js';
import { isAlive } from '../support/is-alive.js';
import { mcpPids, mcpProgram } from '../support/mcp-program.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

interface Agent {
  agent_context: { skills: { name: string }[] };
  mcp_config: Record<string, unknown>;
}

const skill = (name: string): string => skillText(name, `Text of ${name}`);

describe('parts of plugins', () => {
  let home: string;
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    server = await ServerProcess.start({ env: { ...WITHOUT_SANDBOX, HOME: home } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'plugin-parts-'));
    endpoint = await startScriptedEndpoint();
  });
  afterEach(async () => {
    await endpoint.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const start = (agent: object, more: object = {}, script = 'SAY: hi') =>
    ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), script, {
        agent: {
          llm: endpointLlm(endpoint),
          tools: [{ name: 'task_tool_set' }],
          ...agent,
        },
        ...more,
      }),
    );
  const offeredTools = (): { name: string; description: string }[] =>
    (endpoint.requests.at(-1)?.body['tools'] as { function: { name: string; description: string } }[]).map(
      (tool) => tool.function,
    );
  /** The agent with the loaded plugins, as the state update event has it. */
  const agentOf = async (conversation: ConversationClient): Promise<Agent> =>
    (await conversation.events()).find(({ key }) => key === 'agent')?.value as Agent;

  it('loads parts from folders that the manifest names, but not from outside of the plugin', async () => {
    const plugin = path.join(folder, 'plugin');
    const stop = { Stop: [{ hooks: [{ command: 'true' }] }] };
    await writeFiles(folder, { 'outside/SKILL.md': skill('outside') });
    await writeFiles(plugin, {
      '.claude-plugin/plugin.json': JSON.stringify({
        name: 'p',
        skills: ['./more', './single', '../outside', './nosuch'],
        commands: ['./cmds', './alone.md'],
        agents: './people',
        hooks: './hk/more.json',
        mcpServers: { inline: { command: 'false', enabled: false } },
      }),
      'skills/usual/SKILL.md': skill('usual'),
      'more/another/SKILL.md': skill('another'),
      'single/SKILL.md': skill('single'),
      'commands/c1.md': 'One',
      'cmds/c2.md': 'Two',
      'alone.md': 'Three',
      'agents/a1.md': '---\ndescription: First\n---\nA',
      'people/a2.md': '---\ndescription: Second\n---\nA',
      'hooks/hooks.json': JSON.stringify({ hooks: stop }),
      'hk/more.json': JSON.stringify({ Stop: [{ hooks: [{ command: 'true # more' }] }] }),
      '.mcp.json': JSON.stringify({ mcpServers: { usual: { command: 'false', enabled: false } } }),
    });
    const conversation = await start({}, { plugins: [{ source: plugin }] });
    await conversation.reaches('finished');
    const { hook_config } = await conversation.info();
    const { agent_context, mcp_config } = await agentOf(conversation);
    expect(agent_context.skills.map(({ name }) => name)).toEqual([
      ...['usual', 'another', 'single', 'p:c1', 'p:c2', 'p:alone'],
    ]);
    expect(Object.keys(mcp_config)).toEqual(['usual', 'inline']);
    const { stop: hooks } = hook_config as { stop: { hooks: { command: string }[] }[] };
    expect(hooks.flatMap((matcher) => matcher.hooks.map(({ command }) => command))).toEqual([
      ...['true', 'true # more'],
    ]);
    const task = offeredTools().find(({ name }) => name === 'task')?.description;
    expect(task).toContain('- **a1**: First');
    expect(task).toContain('- **a2**: Second');
    await server.logs(/outside: the path leads out of the plugin/);
    await server.logs(/nosuch: .*ENOENT/);
  });

  it('omits skills that the agent has disabled', async () => {
    const plugin = path.join(folder, 'plugin');
    await writeFiles(plugin, {
      '.plugin/plugin.json': '{"name": "p"}',
      ...{ 'skills/on/SKILL.md': skill('on'), 'skills/off/SKILL.md': skill('off'), 'commands/c.md': 'C' },
    });
    const disabled_skills = ['off', 'p:c'];
    const conversation = await start(
      { agent_context: { disabled_skills } },
      { plugins: [{ source: plugin }] },
    );
    await conversation.reaches('finished');
    const { agent_context } = await agentOf(conversation);
    expect(agent_context.skills.map(({ name }) => name)).toEqual(['on']);
  });

  it('starts the MCP servers of a plugin that is loaded later, and keeps the running ones', async () => {
    const notesFile = (name: string): string => path.join(folder, `${name}-notes`);
    await writeFiles(path.join(folder, 'market'), {
      '.claude-plugin/marketplace.json': JSON.stringify({
        name: 'mk',
        plugins: [
          { name: 'memo', source: './memo' },
          { name: 'log', source: './log' },
        ],
      }),
      'memo/.mcp.json': JSON.stringify({ mcpServers: { memo: mcpProgram(notesFile('memo')) } }),
      'log/.mcp.json': JSON.stringify({ mcpServers: { log: mcpProgram(notesFile('log')) } }),
    });
    const agent_context = { registered_marketplaces: [{ name: 'mk', source: path.join(folder, 'market') }] };
    const conversation = await start({ agent_context, tools: [] });
    await conversation.reaches('finished');
    const load = async (ref: string): Promise<void> => {
      const { status } = await conversation.post('load_plugin', {
        plugin_ref: ref,
      });
      expect(status).toBe(200);
    };
    const use = async (tool: string): Promise<unknown> => {
      await conversation.send(`TOOL: ${tool} {"text": "hi"}\nSAY: used`);
      await conversation.reaches('finished');
      const [last] = (await conversation.events('&kind=ObservationEvent')).slice(-1);
      return last?.['observation'];
    };
    await load('memo');
    expect(await use('echo')).toMatchObject({ is_error: false, kind: 'MCPToolObservation' });
    expect(offeredTools().map(({ name }) => name)).toContain('echo');

    await load('log');
    // Both servers have this tool now; the first one is still the same process.
    expect(await use('memo_echo')).toMatchObject({ is_error: false });
    expect(await use('log_echo')).toMatchObject({ is_error: false });
    expect(offeredTools().map(({ name }) => name)).not.toContain('echo');
    const [memo, log] = await Promise.all([mcpPids(notesFile('memo')), mcpPids(notesFile('log'))]);
    expect([memo.length, log.length]).toEqual([1, 1]);

    await server.request('DELETE', conversation.route);
    await eventually(() => ![...memo, ...log].some(isAlive), 'the end of the servers');
  });
});
