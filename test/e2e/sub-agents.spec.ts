import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenEvent,
} from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** An MCP server as a program of its own. */
const MCP = fileURLToPath(new URL('../support/mcp-stdio.mjs', import.meta.url));

const TOOLS = [{ name: 'terminal' }, { name: 'task_tool_set' }];
const LLM = { model: 'scripted/test', usage_id: 'agent' };

/** A call of the tool, as a line of a script. */
const task = (prompt: string, more: object = {}): string =>
  `TOOL: task ${JSON.stringify({ prompt, description: 'do thing', ...more })}`;

const observationsOf = (events: SeenEvent[]): Record<string, unknown>[] =>
  events
    .filter(({ kind, tool_name: name }) => kind === 'ObservationEvent' && name === 'task')
    .map((event) => event['observation'] as Record<string, unknown>);

const textOf = (observation: Record<string, unknown> | undefined): string =>
  JSON.stringify(observation?.['content']);

describe('sub-agents', () => {
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'sub-agents-'));
    server = await ServerProcess.start({ cwd: folder, env: WITHOUT_SANDBOX });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const work = (): string => path.join(folder, 'work');
  const start = (script: string, agent: object = {}, more: object = {}): Promise<ConversationClient> =>
    ConversationClient.create(
      server,
      scriptedRequest(work(), script, { agent: { llm: LLM, tools: TOOLS, ...agent }, ...more }),
    );

  it('sub-agents do a task with their own tools, answer with its result and add to the cost of the conversation', async () => {
    const prompt = 'RUN: echo made > by-task; echo $((40 + 2))\nFINISH: sub result';
    const conversation = await start([task(prompt), 'SAY: parent done'].join('\n'));
    await conversation.reaches('finished');
    const events = await conversation.events();
    expect(events.filter(({ kind }) => kind !== 'ConversationStateUpdateEvent').map(brief)).toEqual([
      'SystemPromptEvent',
      'MessageEvent',
      'ActionEvent',
      'ObservationEvent',
      'MessageEvent',
    ]);
    expect(events.find(({ kind }) => kind === 'ActionEvent')?.['action']).toEqual({
      description: 'do thing',
      prompt,
      subagent_type: 'general-purpose',
      kind: 'TaskAction',
    });
    expect(observationsOf(events)).toEqual([
      {
        content: [{ cache_prompt: false, type: 'text', text: 'sub result' }],
        is_error: false,
        task_id: 'task_00000001',
        subagent: 'general-purpose',
        status: 'completed',
        kind: 'TaskObservation',
      },
    ]);
    expect(await readFile(path.join(work(), 'by-task'), 'utf8')).toBe('made\n');
    const { stats } = await conversation.info();
    const { usage_to_metrics: usage } = stats as { usage_to_metrics: Record<string, unknown> };
    expect(Object.keys(usage)).toEqual(['agent', 'task:task_00000001']);
    expect(usage['task:task_00000001']).toMatchObject({ token_usages: [{}, {}] });
  });

  it('report what is wrong, and can be resumed, also after a restart', async () => {
    const script = [
      task('x', { subagent_type: 'nosuch' }),
      task('RUN: echo first\nSAY: sub said'),
      task('SAY: sub said more', { resume: 'task_00000001' }),
      task('more', { resume: 'task_99' }),
      'FINISH: d',
    ];
    let conversation = await start(script.join('\n'));
    await conversation.reaches('finished');
    const [unknown, done, resumed, missing] = observationsOf(await conversation.events());
    expect(unknown).toMatchObject({
      is_error: true,
      task_id: 'unknown',
      subagent: 'nosuch',
      status: 'error',
    });
    expect(textOf(unknown)).toContain(
      "Failed to execute task: Unknown agent 'nosuch'. Available types: bash-runner, code-explorer, general-purpose",
    );
    expect(done).toMatchObject({ task_id: 'task_00000001', status: 'completed' });
    expect(resumed).toMatchObject({ task_id: 'task_00000001', status: 'completed' });
    expect(textOf(resumed)).toContain('sub said more');
    expect(textOf(missing)).toContain(
      "Failed to execute task: Task 'task_99' not found. Available tasks: task_00000001",
    );
    await server.end();
    server = await ServerProcess.start({ cwd: folder, env: WITHOUT_SANDBOX });
    conversation = conversation.on(server);
    const again = [task('SAY: still there', { resume: 'task_00000001' }), task('SAY: second'), 'FINISH: d'];
    await conversation.send(again.join('\n'));
    await conversation.reaches('finished');
    const later = observationsOf(await conversation.events()).slice(4);
    expect(later).toMatchObject([{ task_id: 'task_00000001' }, { task_id: 'task_00000002' }]);
    expect(textOf(later[0])).toContain('still there');
  });

  it('see their own history and role, and nothing of the conversation', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent' };
      const script = [task('SAY: one'), task('SAY: two', { resume: 'task_00000001' }), 'SAY: end'];
      const conversation = await start(script.join('\n'), { llm });
      await conversation.reaches('finished');
      const requests = endpoint.requests.map(({ body }) => {
        const { messages, tools } = body as {
          messages: { role: string; content?: { text: string }[] }[];
          tools: { function: { name: string } }[];
        };
        return { messages, tools: tools.map(({ function: { name } }) => name) };
      });
      const [first, sub, between, resumed] = requests;
      expect(first?.tools).toEqual(['terminal', 'task', 'finish', 'think']);
      expect(sub?.tools).toEqual(['terminal', 'file_editor', 'task_tracker', 'finish', 'think']);
      expect(sub?.messages.map(({ role }) => role)).toEqual(['system', 'user']);
      expect(sub?.messages[0]?.content?.[1]?.text).toContain('You are a general-purpose agent');
      expect(between?.messages.at(-1)?.content?.map(({ text }) => text)).toEqual([
        'Task ID: task_00000001\nSubagent: general-purpose\nStatus: completed',
        'one',
      ]);
      expect(resumed?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    } finally {
      await endpoint.close();
    }
  });

  it('sub-agents can be of types that the client defines', async () => {
    const agent_definitions = [
      {
        name: 'counter',
        description: 'Counts',
        tools: ['terminal'],
        system_prompt: 'You count.',
        max_iteration_per_run: 2,
      },
      { name: 'broken', tools: ['nosuchtool'] },
    ];
    const script = [
      task('RUN: echo 1\nFINISH: counted', { subagent_type: 'counter' }),
      task('RUN: echo 1\nRUN: echo 2\nFINISH: never', { subagent_type: 'counter' }),
      task('x', { subagent_type: 'broken' }),
      'FINISH: d',
    ];
    const conversation = await start(script.join('\n'), {}, { agent_definitions });
    await conversation.reaches('finished');
    const events = await conversation.events();
    const [good, long, broken] = observationsOf(events);
    expect(good).toMatchObject({ subagent: 'counter', status: 'completed' });
    expect(long).toMatchObject({ task_id: 'task_00000002', status: 'error', is_error: true });
    expect(textOf(long)).toContain('Agent reached maximum iterations limit (2).');
    expect(textOf(broken)).toContain("'nosuchtool' is not registered");
    const [prompt] = events.filter(({ kind }) => kind === 'SystemPromptEvent');
    expect(JSON.stringify(prompt?.['tools'])).toContain('- **counter**: Counts (tools: terminal)');
  });

  it('sub-agents do nothing that needs confirmation', async () => {
    const script = [task('RUN: touch forbidden\nFINISH: never'), 'FINISH: d'].join('\n');
    const conversation = await start(script, {}, { confirmation_policy: { kind: 'AlwaysConfirm' } });
    await conversation.reaches('waiting_for_confirmation');
    await conversation.server.request('POST', `${conversation.route}/run`);
    await conversation.reaches('finished');
    const [observation] = observationsOf(await conversation.events());
    expect(observation).toMatchObject({ is_error: true, status: 'error' });
    expect(textOf(observation)).toContain('needs the agreement of a person: terminal');
    await expect(readFile(path.join(work(), 'forbidden'))).rejects.toThrow('ENOENT');
  });

  it('obey the hooks for tools, and mask secrets', async () => {
    const forbid = {
      command: 'grep -q forbidden && { echo no >&2; exit 2; }; exit 0',
      type: 'command',
    };
    const hook_config = { pre_tool_use: [{ matcher: 'terminal', hooks: [forbid] }] };
    const secrets = { TOKEN: { kind: 'StaticSecret', value: 'very-secret-value' } };
    const script = [
      task('RUN: touch forbidden\nRUN: echo $TOKEN\nSAY: it is very-secret-value'),
      'FINISH: d',
    ];
    const conversation = await start(script.join('\n'), {}, { hook_config, secrets });
    await conversation.reaches('finished');
    const [observation] = observationsOf(await conversation.events());
    expect(textOf(observation)).toContain('it is <secret-hidden>');
    const { persistence_dir: place } = await conversation.info();
    const log = await readFile(path.join(folder, place, 'tasks/task_00000001.jsonl'), 'utf8');
    expect(log).toContain('UserRejectObservation');
    expect(log).toContain('it is <secret-hidden>');
    await expect(readFile(path.join(work(), 'forbidden'))).rejects.toThrow('ENOENT');
  });

  it('end with an interrupt, together with their processes, and continue when they are resumed', async () => {
    const prompt = 'RUN: sh -c "echo \\$\\$ > pid; exec sleep 60"\nFINISH: never';
    const conversation = await start([task(prompt), 'FINISH: d'].join('\n'));
    const pid = (): Promise<number> => readFile(path.join(work(), 'pid'), 'utf8').then(Number, () => 0);
    await eventually(async () => (await pid()) > 0, 'the task');
    await conversation.server.request('POST', `${conversation.route}/interrupt`);
    await conversation.reaches('paused');
    expect((await conversation.events()).slice(-3).map(brief)).toEqual([
      'AgentErrorEvent',
      'execution_status=paused',
      'InterruptEvent',
    ]);
    const sleeper = await pid();
    await eventually(() => Promise.resolve(!isAlive(sleeper)), 'the end of its command');
    await conversation.send([task('SAY: went on', { resume: 'task_00000001' }), 'FINISH: d'].join('\n'));
    await conversation.reaches('finished');
    expect(textOf(observationsOf(await conversation.events())[0])).toContain('went on');
  });

  it('share the MCP servers of the conversation, which outlive them', async () => {
    const mcp_config = { notes: { command: process.execPath, args: [MCP, path.join(folder, 'notes')] } };
    const use = 'TOOL: echo {"text": "hi"}\nFINISH: used';
    const conversation = await start([task(use), 'TOOL: echo {"text": "ho"}', 'FINISH: d'].join('\n'), {
      mcp_config,
    });
    await conversation.reaches('finished');
    const events = await conversation.events();
    expect(textOf(observationsOf(events)[0])).toContain('used');
    const { persistence_dir: place } = await conversation.info();
    const log = await readFile(path.join(folder, place, 'tasks/task_00000001.jsonl'), 'utf8');
    expect(log).toContain('"kind":"MCPToolObservation"');
    expect(log).not.toContain('AgentErrorEvent');
    const own = events.filter(({ tool_name: name, kind }) => name === 'echo' && kind === 'ObservationEvent');
    expect(own).toMatchObject([{ observation: { is_error: false, kind: 'MCPToolObservation' } }]);
    // One process served both.
    const started = (await readFile(path.join(folder, 'notes'), 'utf8')).match(/^pid /gm);
    expect(started).toHaveLength(1);
  });
});
