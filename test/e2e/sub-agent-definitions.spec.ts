import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

/** An MCP server as a program of its own. */
const MCP = fileURLToPath(new URL('../support/mcp-stdio.mjs', import.meta.url));

type ChatBody = ChatEndpoint['requests'][number]['body'] & {
  model: string;
  messages: { role: string; content?: { text: string }[] }[];
  tools: { function: { name: string; description: string } }[];
};
interface TaskObservation {
  content: { text: string }[];
  is_error: boolean;
  subagent: string;
  status: string;
}

/** A definition file. */
const definition = (head: string, body = 'You help.'): string => `---\n${head}\n---\n${body}\n`;

describe('sub-agents that are defined in files and requests', () => {
  let home: string;
  let folder: string;
  let project: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    folder = await mkdtemp(path.join(os.tmpdir(), 'definitions-'));
    server = await ServerProcess.start({ cwd: folder, env: { ...WITHOUT_SANDBOX, HOME: home } });
    endpoint = await startScriptedEndpoint();
  });
  beforeEach(async () => {
    project = await mkdtemp(path.join(folder, 'project-'));
    endpoint.requests.length = 0;
  });
  // Definitions in the home folder are those of all projects.
  afterEach(() => rm(path.join(home, '.agents'), { recursive: true, force: true }));
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
    for (const used of [home, folder]) await rm(used, { recursive: true, force: true });
  });

  const work = (): string => path.join(project, 'work');
  const llm = (model = 'openai/scripted', more: object = {}) => ({
    ...{ model, base_url: endpoint.url, api_key: 'x', usage_id: 'agent', ...more },
  });
  const request = (script: string, agent: object = {}, more: object = {}) =>
    scriptedRequest(work(), script, {
      agent: { llm: llm(), tools: [{ name: 'task_tool_set' }], ...agent },
      ...more,
    });
  const task = (type: string, prompt = 'FINISH: done'): string =>
    `TOOL: task ${JSON.stringify({ prompt, subagent_type: type })}`;
  const run = async (script: string[], agent: object = {}, more: object = {}) => {
    const text = [...script, 'FINISH: end'].join('\n');
    const conversation = await ConversationClient.create(server, request(text, agent, more));
    await conversation.reaches('finished', 'waiting_for_confirmation');
    const events = await conversation.events('&kind=ObservationEvent');
    const seen = events.filter(({ tool_name: name }) => name === 'task');
    return { conversation, tasks: seen.map((event) => event['observation'] as TaskObservation) };
  };
  const said = (observation: TaskObservation | undefined): string => observation?.content[0]?.text ?? '';
  const bodies = (): ChatBody[] => endpoint.requests.map(({ body }) => body as ChatBody);
  /** The first request of a sub-agent, recognised by its missing task tool. */
  const ofTask = (): ChatBody | undefined =>
    bodies().find(({ tools }) => !tools.some((tool) => tool.function.name === 'task'));
  const typesTold = (): string[] => {
    const [first] = bodies();
    const text = first?.tools.find((tool) => tool.function.name === 'task')?.function.description ?? '';
    return text.split('\n').filter((line) => line.startsWith('- **'));
  };

  it('defined sub-agents are read from the request, the project and the home folder, in this order of precedence', async () => {
    await writeFiles(work(), {
      '.agents/agents/one.md': definition('name: one\ndescription: Of agents\ntools: [terminal]'),
      '.openhands/agents/one.md': definition('name: one\ndescription: Hidden'),
      '.openhands/agents/two.md': definition('description: Named by its file\ntools: Read, Bash, Edit, Task'),
      '.openhands/agents/general-purpose.md': definition('name: general-purpose\ndescription: Ours'),
      '.agents/agents/given.md': definition('name: given\ndescription: Hidden'),
      '.agents/agents/README.md': 'No agent.',
      '.agents/agents/broken.md': '---\n: : [\n---\nx',
      '.agents/agents/mode.md': definition('name: mode\npermission_mode: whenever'),
      '.agents/agents/below/deep.md': definition('name: deep'),
    });
    await writeFiles(home, {
      '.agents/agents/three.md': definition('name: three\ndescription: At home', 'You are three.'),
      '.openhands/agents/two.md': definition('name: two\ndescription: Hidden'),
    });
    const agent_definitions = [{ name: 'given', description: 'Of the request' }];
    const { tasks } = await run([task('three'), task('mode')], {}, { agent_definitions });
    expect(typesTold()).toEqual([
      expect.stringMatching(/^- \*\*bash-runner\*\*: /),
      expect.stringMatching(/^- \*\*code-explorer\*\*: /),
      '- **general-purpose**: Ours',
      '- **given**: Of the request',
      '- **one**: Of agents (tools: terminal)',
      '- **three**: At home',
      '- **two**: Named by its file (tools: file_editor, terminal)',
      expect.stringMatching(/^- \*\*web-researcher\*\*: /),
    ]);
    expect(tasks).toMatchObject([
      { status: 'completed', subagent: 'three' },
      { status: 'error', subagent: 'mode' },
    ]);
    expect(ofTask()?.messages[0]?.content?.[1]?.text).toMatch(/^You are three\.\n/);
    await server.logs(/broken\.md: .*YAML/);
    await server.logs(/mode\.md: not a valid definition.*permission_mode is one of/);
  });

  it('defined sub-agents have exactly the skills that their definition names', async () => {
    await writeFiles(work(), {
      '.agents/agents/s.md': definition('name: s\nskills: shared, onfile'),
      '.agents/agents/t.md': definition('name: t\nskills: [nosuch]'),
      '.agents/skills/onfile/SKILL.md': definition('name: onfile\ndescription: On file', 'On file: 42.'),
    });
    const skills = [
      { name: 'shared', content: 'Shared text.' },
      { name: 'other', content: 'Other text.' },
    ];
    const use = 'TOOL: invoke_skill {"name": "onfile"}\nFINISH: used';
    const { tasks } = await run([task('s', use), task('t')], { agent_context: { skills } });
    const context = ofTask()?.messages[0]?.content?.[1]?.text ?? '';
    expect(context).toContain('Shared text.');
    expect(context).toContain('<name>onfile</name>');
    expect(context).not.toContain('Other text.');
    expect(tasks[0]).toMatchObject({ status: 'completed' });
    expect(JSON.stringify(bodies())).toContain('On file: 42.');
    expect(said(tasks[1])).toContain("Agent 't' needs the skill 'nosuch'");
  });

  it('use the model of the profile that their definition names', async () => {
    const profile = { ...llm('openai/other'), usage_id: undefined, schema_version: 1 };
    await writeFiles(home, { '.openhands/profiles/fast.json': JSON.stringify(profile) });
    await writeFiles(work(), {
      '.agents/agents/f.md': definition('name: f\nmodel: fast'),
      '.agents/agents/g.md': definition('name: g\nmodel: nosuch'),
    });
    const { tasks } = await run([task('f'), task('g')]);
    expect(ofTask()?.model).toBe('other');
    expect(tasks[0]).toMatchObject({ status: 'completed' });
    expect(said(tasks[1])).toContain("LLM profile 'nosuch' cannot be used");
  });

  it('end at their limits of iterations and of cost', async () => {
    const priced = llm('openai/scripted', { input_cost_per_token: 0.01, output_cost_per_token: 0.01 });
    await writeFiles(work(), {
      '.agents/agents/cheap.md': definition('name: cheap\ntools: terminal\nmax_budget_per_run: 0.02'),
      '.agents/agents/short.md': definition('name: short\ntools: terminal\nmax_iteration_per_run: 1'),
    });
    const steps = 'RUN: echo 1\nRUN: echo 2\nFINISH: never';
    const { tasks } = await run([task('cheap', steps), task('short', steps)], { llm: priced });
    expect(tasks).toMatchObject([{ is_error: true }, { is_error: true }]);
    expect(said(tasks[0])).toContain('The task has reached its budget ($0.02)');
    expect(said(tasks[1])).toContain('maximum iterations limit (1)');
  });

  it('defined sub-agents have their own hooks, which can refuse what the conversation may do', async () => {
    const hooks = [
      'hooks:',
      '  PreToolUse:',
      '    - matcher: terminal',
      '      hooks:',
      '        - command: "echo not here >&2; exit 2"',
    ];
    await writeFiles(work(), {
      '.agents/agents/h.md': definition(`name: h\ntools: terminal\n${hooks.join('\n')}`),
    });
    const { tasks, conversation } = await run(
      [task('h', 'RUN: touch forbidden\nFINISH: tried'), 'RUN: touch allowed'],
      { tools: [{ name: 'task_tool_set' }, { name: 'terminal' }] },
    );
    expect(tasks[0]).toMatchObject({ status: 'completed' });
    const { persistence_dir: place } = await conversation.info();
    const log = await readFile(path.join(folder, place, 'tasks/task_00000001.jsonl'), 'utf8');
    expect(log).toContain('"rejection_reason":"not here"');
    await expect(readFile(path.join(work(), 'forbidden'))).rejects.toThrow('ENOENT');
    expect(await readFile(path.join(work(), 'allowed'), 'utf8')).toBe('');
  });

  it('defined sub-agents have their own MCP servers, which end with the task', async () => {
    const notes = path.join(project, 'notes');
    const command = [`    command: ${process.execPath}`, `    args: ["${MCP}", "${notes}"]`];
    await writeFiles(work(), {
      '.agents/agents/m.md': definition(['name: m', 'mcp_servers:', '  notes:', ...command].join('\n')),
    });
    const { tasks } = await run([task('m', 'TOOL: echo {"text": "hi"}\nFINISH: used')]);
    expect(tasks[0]).toMatchObject({ status: 'completed' });
    expect(ofTask()?.tools.map((tool) => tool.function.name)).toContain('echo');
    expect(bodies()[0]?.tools.map((tool) => tool.function.name)).not.toContain('echo');
    const pid = Number(/^pid (\d+)/m.exec(await readFile(notes, 'utf8'))?.[1]);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('defined sub-agents may skip confirmation or start programs only when a definition outside the project says so', async () => {
    await writeFiles(work(), {
      '.agents/agents/free.md': definition('name: free\ntools: terminal\npermission_mode: never_confirm'),
      '.agents/agents/armed.md': definition(
        'name: armed\ntools: terminal\nhooks:\n  PreToolUse:\n    - hooks:\n        - command: "touch armed"',
      ),
    });
    await writeFiles(home, {
      '.agents/agents/mine.md': definition('name: mine\ntools: terminal\npermission_mode: never_confirm'),
    });
    const touch = 'RUN: touch made-by-it\nFINISH: made';
    const { conversation } = await run(
      [task('free', touch), task('armed'), task('mine', touch)],
      {},
      { confirmation_policy: { kind: 'AlwaysConfirm' } },
    );
    const outcomes = async (): Promise<string[]> => {
      const events = await conversation.events('&kind=ObservationEvent');
      const tasks = events.filter(({ tool_name: name }) => name === 'task');
      return tasks.map((event) => said(event['observation'] as TaskObservation));
    };
    for (const count of [1, 2, 3]) {
      await expect(readFile(path.join(work(), 'made-by-it'))).rejects.toThrow('ENOENT');
      await server.request('POST', `${conversation.route}/run`);
      await eventually(async () => (await outcomes()).length === count, `task ${count}`);
      await conversation.reaches('finished', 'waiting_for_confirmation');
    }
    const [free, armed, mine] = await outcomes();
    expect(free).toContain('needs the agreement of a person');
    expect(armed).toContain("The definition of agent 'armed' in the project contains hooks or MCP servers");
    expect(mine).toBe('made');
    expect(await readFile(path.join(work(), 'made-by-it'), 'utf8')).toBe('');
    await expect(readFile(path.join(work(), 'armed'))).rejects.toThrow('ENOENT');
  });

  it('condense their history with their own condenser', async () => {
    await writeFiles(work(), {
      '.agents/agents/c.md': definition(
        'name: c\ntools: terminal\ncondenser:\n  max_size: 10\n  keep_first: 1',
      ),
    });
    const steps = Array.from({ length: 8 }, (_, index) => `RUN: echo ${index}`);
    const { conversation } = await run([task('c', [...steps, 'FINISH: long'].join('\n'))]);
    const { persistence_dir: place } = await conversation.info();
    const log = await readFile(path.join(folder, place, 'tasks/task_00000001.jsonl'), 'utf8');
    expect(log).toContain('"kind":"Condensation"');
  });

  it('defined sub-agents are refused with the request when their definition is invalid', async () => {
    const problemOf = async (fields: object): Promise<unknown> => {
      const agent_definitions = [{ name: 'x', ...fields }];
      const answer = await server.request(
        'POST',
        '/api/conversations',
        request('SAY: x', {}, { agent_definitions }),
      );
      const [{ loc = [], type } = {}] = (answer.body as { detail: { loc?: string[]; type?: string }[] })
        .detail;
      return [answer.status, loc.slice(3).join('.'), type];
    };
    expect(await problemOf({ hooks: { sometimes: [] } })).toEqual([
      422,
      'hooks.sometimes',
      'extra_forbidden',
    ]);
    expect(await problemOf({ max_iteration_per_run: 0 })).toEqual([
      422,
      'max_iteration_per_run',
      'greater_than',
    ]);
    expect(await problemOf({ max_budget_per_run: -1 })).toEqual([422, 'max_budget_per_run', 'greater_than']);
    expect(await problemOf({ permission_mode: 'x' })).toEqual([422, 'permission_mode', 'value_error']);
    expect(await problemOf({ condenser: { kind: 'Nosuch' } })).toEqual([422, 'condenser', 'value_error']);
  });
});
