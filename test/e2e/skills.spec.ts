import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brief, ConversationClient, type SeenEvent } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

/** Skills, memory and suffixes: what the model is told, when, and that it is told once. */
describe('the context of an agent', () => {
  let home: string;
  let data: string;
  let workspace: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    data = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    server = await ServerProcess.start({ cwd: data, env: { HOME: home } });
    endpoint = await startScriptedEndpoint();
  });
  beforeEach(async () => {
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    endpoint.requests.length = 0;
  });
  afterEach(async () => {
    const ofUser = ['.agents', '.openhands/skills', '.openhands/memory'].map((name) => path.join(home, name));
    for (const folder of [workspace, ...ofUser])
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
    for (const folder of [home, data]) await rm(folder, { recursive: true, force: true });
  });

  const create = (
    text: string,
    script: EndpointStep[],
    context: unknown,
    more: Record<string, unknown> = {},
  ) => {
    endpoint.script(script);
    return ConversationClient.create(server, {
      agent: {
        llm: { model: 'openai/scripted', base_url: endpoint.url, api_key: 'sk-1', usage_id: 'agent' },
        tools: [{ name: 'terminal' }, { name: 'file_editor' }, { name: 'task_tracker' }],
        agent_context: context,
        ...more,
      },
      workspace: { working_dir: workspace },
      autotitle: false,
      initial_message: { role: 'user', content: [{ type: 'text', text }] },
    });
  };
  const call = (name: string, args: unknown): EndpointStep => ({ tools: [[name, args]] });
  const view = (file: string): EndpointStep =>
    call('file_editor', { command: 'view', path: path.join(workspace, file) });
  const extended = (event: SeenEvent | undefined): string =>
    (event?.['extended_content'] as { text: string }[] | undefined)?.map(({ text }) => text).join('|') ?? '';
  const of = (events: SeenEvent[], kind: string) => events.filter((event) => event.kind === kind);
  const system = (request = 0): string[] => {
    const content = endpoint.requests[request]?.body.messages[0]?.['content'];
    return (content as { text: string }[]).map(({ text }) => text);
  };
  const toolNames = (request = 0): string[] =>
    (endpoint.requests[request]?.body['tools'] as { function: { name: string } }[]).map(
      (tool) => tool.function.name,
    );

  it('has always-on skills in the system prompt, and adds triggered skills once, when a keyword occurs (skill-trigger)', async () => {
    await writeFiles(workspace, {
      'AGENTS.md': 'Always do good.\n',
      '.openhands/skills/always.md': 'Always known.',
      '.openhands/skills/frog.md': '---\nname: frog\ntriggers:\n- frogword\n---\nFrogs are green.\n',
      '.openhands/skills/deploy/SKILL.md':
        '---\nname: deploy\ndescription: Deploys <it>\ntriggers: [deployit]\n---\nRun make deploy. $ARGUMENTS\n',
      '.agents/skills/lint/SKILL.md': '---\nname: lint\ndescription: Lints\n---\nRun make lint.\n',
    });
    const conversation = await create(
      'tell me about FROGWORD please',
      [call('invoke_skill', { name: 'lint' }), call('invoke_skill', { name: 'nosuch' }), { say: 'ok' }],
      {
        load_project_skills: true,
        skills: [
          { name: 'inline', content: 'Inline.', trigger: { type: 'keyword', keywords: ['frogword'] } },
        ],
        system_message_suffix: 'SUFFIX TEXT',
        user_message_suffix: 'USER SUFFIX',
      },
    );
    await conversation.reaches('finished');
    endpoint.script([{ say: 'ok2' }]);
    await conversation.send('frogword again and deployit');
    await conversation.reaches('finished');
    const events = await conversation.events();

    expect(events.map(brief).filter((name) => name !== 'stats')).toEqual([
      ...['agent', 'SystemPromptEvent', 'MessageEvent', 'last_user_message_id', 'execution_status=running'],
      ...['ActionEvent', 'ObservationEvent', 'ActionEvent', 'ObservationEvent', 'MessageEvent'],
      ...['execution_status=finished', 'execution_status=idle', 'MessageEvent', 'last_user_message_id'],
      ...['execution_status=running', 'MessageEvent', 'execution_status=finished'],
    ]);
    const [agent, prompt] = events;
    const known = (agent?.value as { agent_context: { skills: { name: string }[] } }).agent_context.skills;
    expect(known.map(({ name }) => name)).toEqual(['agents', 'lint', 'always', 'frog', 'deploy', 'inline']);
    expect(agent).not.toHaveProperty('parent_id');
    expect(prompt?.parent_id).toBe('__root__');
    expect(JSON.stringify(agent)).not.toContain('sk-1');

    // The static part is the same with and without skills; the rest is a separate block.
    const [fixed, dynamic = '', ...none] = system();
    expect(none).toEqual([]);
    expect(fixed).toMatch(/^<SOUL>/);
    expect(fixed).not.toContain('Always');
    expect(dynamic).toMatch(/^<REPO_CONTEXT>\n<UNTRUSTED_CONTENT>\n/);
    expect(dynamic).toContain('[BEGIN context from [agents]]\nAlways do good.\n\n[END Context]');
    expect(dynamic).toContain('[BEGIN context from [always]]\nAlways known.\n[END Context]');
    expect(dynamic).toContain('<description>Deploys &lt;it&gt;</description>');
    expect([...dynamic.matchAll(/<name>(.*)<\/name>/g)].map((match) => match[1])).toEqual(
      ['<skill-name>', 'lint', 'frog', 'deploy', 'inline'].slice(1),
    );
    expect(dynamic).not.toContain('Run make');
    expect(dynamic).toMatch(/<\/SKILLS>\n\nSUFFIX TEXT\n\n<CURRENT_DATETIME>\n.*\n<\/CURRENT_DATETIME>$/);
    expect(toolNames()).toEqual([
      ...['terminal', 'file_editor', 'task_tracker', 'finish', 'think', 'invoke_skill'],
    ]);

    const [first, , second] = of(events, 'MessageEvent');
    expect(first?.['activated_skills']).toEqual(['frog', 'inline']);
    expect(extended(first)).toMatch(
      /^<EXTRA_INFO>\nThe following information has been included based on a keyword match for "frogword"\.\n/,
    );
    expect(extended(first)).toContain(`Skill location: ${workspace}/.openhands/skills/frog.md\n`);
    expect(extended(first)).toMatch(
      /\n\nFrogs are green\.\n<\/EXTRA_INFO>\n\n<EXTRA_INFO>\n[^]*\nInline\.\n<\/EXTRA_INFO>\nUSER SUFFIX$/,
    );
    expect(second?.['activated_skills']).toEqual(['deploy']);
    expect(extended(second)).toContain('Run make deploy. $ARGUMENTS\n</EXTRA_INFO>\nUSER SUFFIX');
    expect(extended(second)).not.toContain('Frogs');
    expect(endpoint.requests[0]?.body.messages[1]?.['content']).toEqual([
      { type: 'text', text: 'tell me about FROGWORD please' },
      { type: 'text', text: extended(first) },
    ]);

    const [lint, nosuch] = of(events, 'ObservationEvent').map((event) => event['observation'] as SeenEvent);
    expect(lint).toMatchObject({ is_error: false, skill_name: 'lint', kind: 'InvokeSkillObservation' });
    expect(JSON.stringify(lint?.['content'])).toContain(
      'Run make lint.\\n\\n---\\nThis skill is located at `.agents/skills/lint`.',
    );
    expect(nosuch).toMatchObject({ is_error: true, skill_name: 'nosuch' });
    expect(JSON.stringify(nosuch?.['content'])).toContain(
      "Unknown skill 'nosuch'. Available skills: agents, always, deploy, frog, inline, lint.",
    );
    expect(await conversation.info()).toMatchObject({
      activated_knowledge_skills: ['frog', 'inline', 'deploy'],
      invoked_skills: ['lint'],
    });
  });

  it('has the rules for a file once, when the file is touched, also after a restart (skill-path-rules)', async () => {
    execFileSync('git', ['init', '-q'], { cwd: workspace });
    await writeFiles(workspace, {
      '.openhands/skills/ts.md': '---\nname: ts\npaths: "**/*.ts, *.tsx"\n---\nTS rule body.\n',
      'server/AGENTS.md': 'Server rule.\n',
      'ignored/AGENTS.md': 'Not ours.\n',
      '.gitignore': 'ignored/\n',
      'a.ts': '1',
      'server/x.py': '1',
      'ignored/y.py': '1',
    });
    const conversation = await create(
      'go',
      [view('a.ts'), view('server/missing.py'), view('ignored/y.py'), view('a.ts'), { say: 'd' }],
      { load_project_skills: true },
    );
    await conversation.reaches('finished');
    const observed = of(await conversation.events(), 'ObservationEvent').map(extended);
    expect(observed).toEqual([
      expect.stringMatching(
        /^<EXTRA_INFO>\nThe following rule applies because a file you touched matches "\*\*\/\*\.ts"\./,
      ),
      expect.stringContaining(
        `Rule location: ${workspace}/server/AGENTS.md\n\nServer rule.\n\n</EXTRA_INFO>`,
      ),
      '',
      '',
    ]);
    expect(toolNames()).not.toContain('invoke_skill');
    expect(system()).toEqual([expect.any(String), expect.stringMatching(/^<CURRENT_DATETIME>/)]);
    const result = endpoint.requests[1]?.body.messages.at(-1)?.['content'] as { text: string }[];
    expect(result).toHaveLength(2);
    expect(result[0]?.text).toContain('cat -n');
    expect(result[1]).toEqual({ type: 'text', text: observed[0] });

    // After a crash the log says what the agent was told.
    await server.end('SIGKILL');
    server = await ServerProcess.start({ cwd: data, env: { HOME: home } });
    endpoint.script([view('a.ts'), view('server/x.py'), { say: 'd' }]);
    const again = conversation.on(server);
    await again.send('again');
    await again.reaches('finished');
    const events = await again.events();
    expect(of(events, 'ObservationEvent').slice(4).map(extended)).toEqual(['', '']);
    expect(
      events.filter((event) => event.key === 'agent' || event.kind === 'SystemPromptEvent'),
    ).toHaveLength(2);
  });

  it('includes the output or the failure of commands in a skill, and no hidden skills', async () => {
    await writeFiles(workspace, {
      '.agents/skills/facts/SKILL.md':
        '---\nname: facts\ndescription: F\n---\nIn !`pwd`: !`echo $OH_SECRET_KEY-$AI_AGENT`, !`echo no >&2; exit 3`.',
      '.agents/skills/hidden/SKILL.md':
        '---\nname: hidden\ndescription: H\ndisable-model-invocation: true\n---\nHidden.',
    });
    const conversation = await create(
      'go',
      [call('invoke_skill', { name: 'facts' }), call('invoke_skill', { name: 'hidden' }), { say: 'd' }],
      { load_project_skills: true },
    );
    await conversation.reaches('finished');
    const [facts, hidden] = of(await conversation.events(), 'ObservationEvent').map((event) =>
      JSON.stringify(event['observation']),
    );
    expect(facts).toContain(
      `In ${workspace}: -openhands, [Error: Command \`echo no >&2; exit 3\` exited with code 3: no].`,
    );
    expect(hidden).toContain("Skill 'hidden' cannot be invoked directly.");
    expect(system()[1]).not.toContain('hidden');
  });

  it('has the nearest of several skills of the same name, and neither disabled skills nor those for other models', async () => {
    await writeFiles(home, {
      '.agents/skills/both/SKILL.md': '---\nname: both\ndescription: of the user\n---\nU',
      '.openhands/skills/mine.md': 'Of the user.',
      '.openhands/skills/installed/.installed.json': JSON.stringify({
        extensions: { on: { enabled: true }, off: { enabled: false } },
      }),
      '.openhands/skills/installed/on/SKILL.md': '---\nname: on\ndescription: on\n---\nON',
      '.openhands/skills/installed/off/SKILL.md': '---\nname: off\ndescription: off\n---\nOFF',
    });
    await writeFiles(workspace, {
      '.agents/skills/both/SKILL.md': '---\nname: both\ndescription: of the project\n---\nP',
      'CLAUDE.md': 'For Claude.',
      'GEMINI.md': 'For Gemini.',
      'Agent.md': 'For all.',
      '.cursorrules': 'Rules.',
    });
    const conversation = await create(
      'go',
      [{ say: 'd' }],
      {
        load_project_skills: true,
        load_user_skills: true,
        skills: [
          { name: 'both', content: 'E' },
          { name: 'agents', content: 'E' },
        ],
        disabled_skills: ['cursorrules'],
      },
      { llm: { model: 'openai/claude-sonnet-4', base_url: endpoint.url, api_key: 'k', usage_id: 'agent' } },
    );
    await conversation.reaches('finished');
    const [agent] = await conversation.events();
    const skills = (agent?.value as { agent_context: { skills: SeenEvent[] } }).agent_context.skills;
    expect(skills.map(({ name, content }) => [name, content])).toEqual([
      ...[
        ['agents', 'For all.'],
        ['claude', 'For Claude.'],
        ['both', 'P'],
        ['mine', 'Of the user.'],
        ['on', 'ON'],
      ],
    ]);
    expect(JSON.stringify(await conversation.info())).not.toContain('For Claude.');
  });

  it('contains the memory, truncated to its end when it is long', async () => {
    const long = `${'old '.repeat(2_000)}newest`;
    await writeFiles(home, { '.openhands/memory/MEMORY.md': 'User note.' });
    await writeFiles(workspace, { '.openhands/memory/MEMORY.md': 'Project note.' });
    const conversation = await create('go', [{ say: 'd' }], { load_memory: true });
    await conversation.reaches('finished');
    const [fixed, dynamic = ''] = system();
    expect(fixed).toMatch(/<MEMORY>\n[^]*\.openhands\/memory/);
    expect(dynamic).toMatch(/^<MEMORY_CONTEXT>\n<UNTRUSTED_CONTENT>/);
    expect(dynamic).toMatch(/User note\.\n\n# Project [^]*Project note\.\n<\/MEMORY_CONTEXT>/);
    expect((await conversation.events()).some(({ key }) => key === 'agent')).toBe(false);

    await writeFiles(workspace, { '.openhands/memory/MEMORY.md': long });
    const other = await create('go', [{ say: 'd' }], { load_memory: true });
    await other.reaches('finished');
    const [, cut = ''] = system(1);
    expect(cut).toContain('newest');
    expect(cut).not.toContain('User note.');
    expect(cut.length).toBeLessThan(7_500);
  });

  it('leaves out files that are not valid skills, and names them in the log', async () => {
    const folder = '.openhands/skills';
    await writeFiles(workspace, {
      [`${folder}/broken.md`]: '---\nname: [broken\n---\nBody.',
      [`${folder}/binary.md`]: Buffer.from([0x41, 0, 0x42]),
      [`${folder}/bomb.md`]: `---\na: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map(
          (name, at) =>
            `${name}: &${name} [${Array(9)
              .fill(`*${'abcdefg'[at] ?? ''}`)
              .join(',')}]`,
        )
        .join('\n')}\n---\nBoom.`,
      [`${folder}/other/SKILL.md`]: '---\nname: wrong-name\ndescription: x\n---\nBody.',
      [`${folder}/huge.md`]: 'h'.repeat(300 * 1024),
      [`${folder}/good.md`]: 'Good.',
    });
    await symlink('..', path.join(workspace, folder, 'loop'));
    await writeFiles(home, { 'private.md': 'For nobody.' });
    await symlink(path.join(home, 'private.md'), path.join(workspace, folder, 'outside.md'));
    await symlink(path.join(home, 'private.md'), path.join(workspace, 'AGENTS.md'));
    await symlink('good.md', path.join(workspace, folder, 'linked.md'));
    await symlink('nowhere', path.join(workspace, folder, 'dangling.md'));
    const conversation = await create('go', [{ say: 'd' }], {
      load_project_skills: true,
      load_public_skills: true,
    });
    expect(await conversation.reaches('finished', 'error')).toBe('finished');
    const names = [...(system()[1] ?? '').matchAll(/BEGIN context from \[(.*)\]\]/g)].map(([, name]) => name);
    expect(names).toEqual(['good', 'huge', 'linked']);
    expect(system()[1]).not.toContain('For nobody.');
    expect(system()[1]?.length).toBeLessThan(270 * 1024);
    const log = await server.flushedLog();
    for (const file of [
      'broken.md',
      'binary.md',
      'bomb.md',
      'other/SKILL.md',
      'huge.md',
      'dangling.md',
      'outside.md',
      'AGENTS.md',
    ]) {
      expect(log).toMatch(new RegExp(`conversation ${conversation.id}: .*/${file}: `));
    }
    expect(log.match(/public skills are not loaded/g)).toHaveLength(1);
  });
});
