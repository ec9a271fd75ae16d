import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bareCopy, commitAll, skillText, writeFiles } from '../support/extension-files.js';
import { at, SettingsFixture, type Json } from '../support/settings-fixture.js';

const NONE = { load_public: false, load_user: false, load_project: false, load_org: false };

describe('lists of skills, hooks and sub-agents', () => {
  let fixture: SettingsFixture;
  let home: string;
  let project: string;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
    home = path.join(fixture.folder, 'home');
    project = path.join(fixture.folder, 'project');
  });
  afterAll(() => fixture.stop());
  beforeEach(() => mkdir(project));
  afterEach(async () => {
    for (const folder of [home, project]) await rm(folder, { recursive: true, force: true });
  });

  const skills = (body: Json) => fixture.done('POST', '/api/skills', body);
  const names = (answer: Json, list = 'skills') => {
    const found = answer[list];
    return Array.isArray(found) ? found.map((entry: unknown) => at(entry, 'name')) : [];
  };

  it('lists skills of the user and of the project, which takes precedence', async () => {
    await writeFiles(home, {
      '.agents/skills/shared/SKILL.md': skillText('shared', 'the person says'),
      '.openhands/skills/keyed.md': '---\nname: keyed\ntriggers: [word]\n---\nkeyed\n',
      '.openhands/skills/task.md': '---\nname: task\ninputs: [{name: a, description: b}]\n---\ndo ${a}\n',
      '.openhands/microagents/always.md': 'always',
    });
    await writeFiles(project, {
      'AGENTS.md': 'Be brief.',
      'part/AGENTS.md': 'Be briefer.',
      '.openhands/skills/shared/SKILL.md': skillText('shared', 'the project says'),
    });
    const answer = await skills({ project_dir: project });
    expect(answer['sources']).toEqual({
      sandbox: 0,
      registered_marketplaces: 0,
      sdk_base: 4,
      org: 0,
      project: 3,
    });
    expect(answer['skills']).toMatchObject([
      { name: 'shared', type: 'agentskills', content: 'the project says', description: 'About shared' },
      { name: 'keyed', type: 'knowledge', triggers: ['word'], is_agentskills_format: false },
      { name: 'task', type: 'knowledge', triggers: ['/task'] },
      {
        name: 'always',
        type: 'repo',
        triggers: [],
        source: path.join(home, '.openhands/microagents/always.md'),
      },
      { name: 'agents', type: 'repo', content: 'Be brief.' },
      { name: 'agents:part', type: 'knowledge', triggers: [], disable_model_invocation: true },
    ]);
    expect(names(await skills({ ...NONE, project_dir: project }))).toEqual([]);
    expect(names(await skills({ project_dir: 'project', load_user: false }))).toContain('shared');
    const { skills: all } = await fixture.done('GET', '/api/skills/catalog');
    expect(all).toMatchObject([
      { name: 'shared', origin: 'user' },
      {},
      {},
      { name: 'always', origin: 'user' },
    ]);
  });

  it('lists skills of organisations, of auto-loaded marketplaces and of the sandbox', async () => {
    const org = path.join(fixture.folder, 'org');
    await writeFiles(org, {
      'skills/theirs/SKILL.md': skillText('theirs', 'x'),
      'microagents/old.md': 'old',
      'README.md': 'no skill',
    });
    await commitAll(org);
    await bareCopy(org, path.join(fixture.folder, 'org.git'));
    await writeFiles(path.join(fixture.folder, 'market'), {
      '.plugin/marketplace.json': JSON.stringify({
        name: 'market',
        plugins: [{ name: 'tools', source: './tools' }],
      }),
      'tools/skills/helper/SKILL.md': skillText('helper', 'x'),
    });
    const answer = await skills({
      ...NONE,
      load_org: true,
      org_configs: [
        { repository: 'o/r', provider: 'x', org_repo_url: `file://${fixture.folder}/org.git`, org_name: 'o' },
        {
          repository: 'o/r',
          provider: 'x',
          org_repo_url: `file://${fixture.folder}/gone.git`,
          org_name: 'gone',
        },
      ],
      registered_marketplaces: [
        { name: 'market', source: path.join(fixture.folder, 'market'), auto_load: true },
        { name: 'nowhere', source: '/nowhere', auto_load: true },
      ],
      sandbox_config: {
        exposed_urls: [
          { name: 'WORKER_1', url: 'http://one.test', port: 1 },
          { name: 'AGENT', url: 'http://two.test', port: 2 },
        ],
      },
    });
    expect(names(answer)).toEqual(['work_hosts', 'helper', 'theirs', 'old']);
    expect(answer['sources']).toEqual({
      sandbox: 1,
      registered_marketplaces: 1,
      sdk_base: 0,
      org: 2,
      project: 0,
    });
    expect(at(answer['skills'], '0', 'content')).toMatch(/http:\/\/one.test \(port 1\)$/);
    expect(at(answer['skills'], '0', 'content')).not.toMatch(/two/);
  });

  it('lists no skill behind a link out of the project and skips files that are not text', async () => {
    await writeFiles(fixture.folder, { 'outside.md': 'a secret of somebody else' });
    const folder = path.join(project, '.openhands', 'skills');
    await mkdir(folder, { recursive: true });
    await symlink(path.join(fixture.folder, 'outside.md'), path.join(folder, 'linked.md'));
    await writeFile(path.join(folder, 'binary.md'), Buffer.from([0, 1, 2]));
    await writeFile(path.join(folder, 'broken.md'), '---\nname: [\n---\nx');
    await writeFile(path.join(folder, 'good.md'), 'good');
    expect(names(await skills({ project_dir: project }))).toEqual(['good']);
    for (const project_dir of ['/nowhere', '\0', '', '/dev/null', 'x'.repeat(5000)]) {
      expect(names(await skills({ ...NONE, load_project: true, project_dir }))).toEqual([]);
    }
  });

  it('lists the hooks of a project in both formats, and null for an invalid file', async () => {
    const file = path.join(project, '.openhands', 'hooks.json');
    await mkdir(path.dirname(file));
    const read = async () =>
      (await fixture.done('POST', '/api/hooks', { project_dir: project }))['hook_config'];
    const expected = {
      matcher: 'terminal',
      hooks: [
        {
          ...{ type: 'command', name: null, command: 'exit 0', prompt: null, system_prompt: null },
          ...{ tools: [], timeout: 10, max_iterations: 3, async: false },
        },
      ],
    };
    expect(await read()).toBeNull();
    const entry = [{ matcher: 'terminal', hooks: [{ type: 'command', command: 'exit 0', timeout: 10 }] }];
    for (const content of [{ hooks: { PreToolUse: entry } }, { pre_tool_use: entry }]) {
      await writeFile(file, JSON.stringify(content));
      const hooks = await read();
      expect(Object.keys(hooks ?? {})).toEqual([
        ...['pre_tool_use', 'post_tool_use', 'user_prompt_submit', 'session_start', 'session_end', 'stop'],
      ]);
      expect(at(hooks, 'pre_tool_use')).toEqual([expected]);
    }
    for (const content of ['{', '[]', '{}', '{"hooks":{}}', '{"hooks":{"PreToolUse":5}}', '{"x":[]}']) {
      await writeFile(file, content);
      expect(await read()).toBeNull();
    }
    expect(await fixture.done('POST', '/api/hooks', {})).toEqual({ hook_config: null });
    expect((await fixture.ask('POST', '/api/hooks')).status).toBe(422);
  });

  it('lists sub-agents of the project, of the user and built-in ones without secrets', async () => {
    await writeFiles(home, {
      '.agents/agents/reviewer.md': '---\nname: reviewer\ndescription: mine\n---\nx',
      '.openhands/agents/helper.md': '---\nname: helper\ndescription: helps\n---\nYou help.',
    });
    await writeFiles(project, {
      '.agents/agents/README.md': 'no agent',
      '.agents/agents/broken.md': '---\nname: broken\npermission_mode: perhaps\n---\nx',
      '.agents/agents/reviewer.md': `---
name: reviewer
description: Reviews code. <example>review this</example>
tools: [terminal]
extra: 5
mcp_servers:
  docs: { command: serve, env: { TOKEN: hush-hush } }
condenser: { kind: LLMSummarizingCondenser, llm: { model: x, api_key: hush-hush }, max_size: 20 }
---
You review.`,
    });
    const body = { project_dir: project, load_builtin: false };
    const answer = await fixture.done('POST', '/api/sub-agents', body);
    expect(names(answer, 'agents')).toEqual(['reviewer', 'helper']);
    expect(at(answer, 'agents', '0')).toMatchObject({
      description: 'Reviews code. <example>review this</example>',
      when_to_use_examples: ['review this'],
      model: 'inherit',
      tools: ['terminal'],
      system_prompt: 'You review.',
      mcp_config: { docs: { command: 'serve', enabled: true } },
      metadata: { extra: 5 },
      level: 'project',
      source: path.join(project, '.agents/agents/reviewer.md'),
      is_builtin: false,
    });
    expect(JSON.stringify(answer)).not.toContain('hush');
    const all = await fixture.done('POST', '/api/sub-agents', {});
    expect(names(all, 'agents')).toEqual(
      expect.arrayContaining(['helper', 'bash-runner', 'general-purpose']),
    );
    expect(
      names(
        await fixture.done('POST', '/api/sub-agents', { ...body, load_user: false, load_project: false }),
        'agents',
      ),
    ).toEqual([]);
  });

  it('reads the condenser of a sub-agent from a keyword or an object', async () => {
    const off = { kind: 'NoOpCondenser' };
    const words: Record<string, unknown> = {
      ...Object.fromEntries(
        ['none', '"None "', 'off', 'OFF', 'no', 'false', 'disable', 'disabled'].map((word) => [word, off]),
      ),
      ...Object.fromEntries(
        ['', '~', 'null', 'default', 'inherit', 'true', 'yes', 'on'].map((word) => [word, null]),
      ),
      '{ kind: NoOpCondenser }': off,
      '{ max_size: 50 }': expect.objectContaining({
        kind: 'LLMSummarizingCondenser',
        max_size: 50,
      }) as unknown,
      // An invalid condenser makes the file invalid: it is not listed.
      sometimes: undefined,
      '3': undefined,
      '[none]': undefined,
      '{ kind: Nosuch }': undefined,
    };
    const entries = Object.entries(words);
    const files = entries.map(([word], index) => [
      `.agents/agents/word-${index}.md`,
      `---\ncondenser: ${word}\n---\nx`,
    ]);
    await writeFiles(project, Object.fromEntries(files) as Record<string, string>);
    const body = { project_dir: project, load_builtin: false, load_user: false };
    const answer = await fixture.done('POST', '/api/sub-agents', body);
    const { agents } = answer as { agents: { name: string; condenser: unknown }[] };
    const found = new Map(agents.map(({ name, condenser }) => [name, condenser]));
    expect(entries.map(([word], index) => [word, found.get(`word-${index}`)])).toEqual(entries);
  });
});
