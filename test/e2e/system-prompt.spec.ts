import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

/**
 * The first message to the model: built-in sections, a persona, a text of the agent, or files that it names.
 */
describe('the system prompt', () => {
  let home: string;
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    folder = await mkdtemp(path.join(os.tmpdir(), 'prompt-'));
    server = await ServerProcess.start({ cwd: folder, env: { ...WITHOUT_SANDBOX, HOME: home } });
  });
  afterAll(async () => {
    await server.stop();
    for (const used of [home, folder]) await rm(used, { recursive: true, force: true });
  });

  const request = ({ llm, ...agent }: { llm?: object; [field: string]: unknown }, script?: string) =>
    scriptedRequest(path.join(folder, 'work'), script, {
      agent: { llm: { model: 'scripted/test', usage_id: 'agent', ...llm }, ...agent },
    });
  const promptOf = async (agent: { llm?: object; [field: string]: unknown }): Promise<string> => {
    const conversation = await ConversationClient.create(server, request(agent, 'SAY: hi'));
    await conversation.reaches('finished');
    const [event] = await conversation.events('&kind=SystemPromptEvent');
    return (event?.['system_prompt'] as { text: string }).text;
  };
  const tagsIn = (text: string): string[] => [...text.matchAll(/^<([A-Z_]+)>$/gm)].map(([, tag = '']) => tag);
  const sectionIn = (text: string, tag: string): string | undefined =>
    new RegExp(`^<${tag}>\n(.*)\n</${tag}>$`, 'ms').exec(text)?.[1];
  const refusal = async (agent: object): Promise<unknown> => {
    const { status, body } = await server.request('POST', '/api/conversations', request({ ...agent }));
    const [{ loc, msg } = {}] = (body as { detail: { loc?: string[]; msg?: string }[] }).detail;
    return [status, loc?.join('.'), msg];
  };

  it('has its sections in a fixed order, and a persona in the place of the coding agent', async () => {
    const usual = [
      ...[
        'SOUL',
        'ROLE',
        'MEMORY',
        'EFFICIENCY',
        'FILE_SYSTEM_GUIDELINES',
        'CODE_QUALITY',
        'VERSION_CONTROL',
      ],
      ...['PULL_REQUESTS', 'PROBLEM_SOLVING_WORKFLOW', 'SELF_DOCUMENTATION', 'SECURITY'],
      ...['SECURITY_RISK_ASSESSMENT', 'EXTERNAL_SERVICES', 'ENVIRONMENT_SETUP', 'TROUBLESHOOTING'],
      'PROCESS_MANAGEMENT',
    ];
    expect(tagsIn(await promptOf({}))).toEqual(usual);
    const browsing = await promptOf({ tools: [{ name: 'browser_tool_set' }] });
    expect(tagsIn(browsing)).toEqual(usual.toSpliced(12, 0, 'BROWSER_TOOLS'));
    const persona = await promptOf({ persona: 'You are a poet.' });
    expect(persona).toMatch(/^You are a poet\.\n\n<MEMORY>\n/);
    expect(tagsIn(persona)).toEqual([
      ...['MEMORY', 'SECURITY', 'SECURITY_RISK_ASSESSMENT', 'EXTERNAL_SERVICES', 'PROCESS_MANAGEMENT'],
    ]);
  });

  it('is replaced by the system_prompt of the agent', async () => {
    expect(await promptOf({ system_prompt: 'Only {{ this }}.', persona: 'a' })).toBe('Only {{ this }}.');
    expect(await promptOf({ system_prompt: '' })).toBe('');
    const browsing = await promptOf({ system_prompt: 'Only.', tools: [{ name: 'browser_tool_set' }] });
    expect(browsing).toMatch(/^Only\.\n\n<BROWSER_TOOLS>\n/);
    expect(
      await refusal({ system_prompt: 'Only.', system_prompt_filename: 'system_prompt_planning.j2' }),
    ).toEqual([422, 'body.agent', expect.stringContaining("Cannot set both 'system_prompt'")]);
  });

  it("begins with the user's SOUL.md", async () => {
    const plain = sectionIn(await promptOf({}), 'SOUL');
    await writeFiles(home, { '.openhands/SOUL.md': '\nI am {{ calm }}.\nI like tea.\n\n' });
    expect(sectionIn(await promptOf({}), 'SOUL')).toBe('I am {{ calm }}.\nI like tea.');
    expect(await promptOf({ persona: 'P' })).not.toContain('tea');
    await writeFiles(home, { '.openhands/SOUL.md': ' \n' });
    expect(sectionIn(await promptOf({}), 'SOUL')).toBe(plain);
  });

  it('contains the security policy of a file verbatim, or none', async () => {
    await writeFiles(folder, { 'policy.md': 'No {{ games }}.\n' });
    for (const name of ['policy.md', path.join(folder, 'policy.md')]) {
      const prompt = await promptOf({ security_policy_filename: name });
      expect(sectionIn(prompt, 'SECURITY')).toBe('No {{ games }}.\n');
    }
    for (const none of ['', null]) {
      expect(tagsIn(await promptOf({ security_policy_filename: none }))).not.toContain('SECURITY');
    }
    expect(await refusal({ security_policy_filename: 'nosuch.md' })).toEqual([
      422,
      'body.agent.security_policy_filename',
      'Value error, There is no policy file nosuch.md',
    ]);
    expect(await refusal({ security_policy_filename: folder })).toEqual([
      422,
      'body.agent.security_policy_filename',
      `Value error, ${folder} is not a text file`,
    ]);
  });

  it('is the reason to refuse a message when its policy file was removed after the conversation was created', async () => {
    await writeFiles(folder, { 'gone.md': 'Rules.' });
    const conversation = await ConversationClient.create(
      server,
      request({ security_policy_filename: 'gone.md' }),
    );
    await rm(path.join(folder, 'gone.md'));
    const send = () =>
      server.request('POST', `${conversation.route}/events`, {
        ...{ role: 'user', content: [{ type: 'text', text: 'SAY: hi' }], run: true },
      });
    const { status, body } = await send();
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining('no policy file gone.md')]);
    await writeFiles(folder, { 'gone.md': 'Rules again.' });
    expect((await send()).status).toBe(200);
    await conversation.reaches('finished');
    const [event] = await conversation.events('&kind=SystemPromptEvent');
    expect(JSON.stringify(event)).toContain('Rules again.');
  });

  it('is rendered from a template with the arguments of the agent and the properties of the model', async () => {
    await writeFiles(folder, {
      'prompts/mine.j2':
        '{# mine #}Hello {{ who | upper }}{% if llm_security_analyzer %}, be careful{% endif %}.\n' +
        '{% include "parts/model.j2" %}\nThe end.\n',
      'prompts/parts/model.j2': '{{ model_name }} {{ model_family }} {{ model_variant }}.{{ nothing }}',
    });
    const llm = { model_canonical_name: 'openai/gpt-5-codex' };
    const agent = { llm, system_prompt_filename: 'prompts/mine.j2', system_prompt_kwargs: { who: 'you' } };
    expect(await promptOf(agent)).toBe(
      'Hello YOU, be careful.\nopenai/gpt-5-codex openai_gpt gpt-5-codex.\nThe end.',
    );
  });

  it('is not rendered from a template that is missing, broken, endless or outside its folder', async () => {
    const endless = '{% for a in l %}'.repeat(9) + 'x' + '{% endfor %}'.repeat(9);
    await writeFiles(folder, {
      'bad/if.j2': 'Hello {% if %}',
      'bad/endless.j2': endless,
      'bad/circle.j2': '{% include "circle.j2" %}',
      'bad/elsewhere.j2': '{% include "../policy.md" %}',
    });
    const say = async (name: string, more: object = {}) => {
      const [status, where, message] = (await refusal({
        system_prompt_filename: name,
        ...more,
      })) as unknown[];
      expect([status, where]).toEqual([422, 'body.agent.system_prompt_filename']);
      return message;
    };
    expect(await say('nosuch.j2')).toMatch(
      /^Value error, There is no prompt file nosuch\.j2\. The server has system_prompt\.j2/,
    );
    expect(await say('bad/if.j2')).toContain('if.j2 cannot be rendered: ');
    const l = Array.from({ length: 50 }, (_, index) => index);
    expect(await say('bad/endless.j2', { system_prompt_kwargs: { l } })).toMatch(
      /needs more than 200000 steps|timed out/,
    );
    expect(await say('bad/circle.j2')).toContain('includes too many templates');
    expect(await say('bad/elsewhere.j2')).toContain('which is not in its folder');
  });

  it('is that of a planning agent when the agent asks for it', async () => {
    const prompt = await promptOf({
      ...{ system_prompt_filename: 'system_prompt_planning.j2', persona: 'You are Pia.' },
      system_prompt_kwargs: { plan_structure: '# GOAL' },
    });
    expect(prompt).toMatch(/^You are Pia\.\n\nYou are a planning agent/);
    expect(tagsIn(prompt)).toEqual([
      ...['ROLE', 'IMPORTANT_PRINCIPLES', 'EFFICIENCY', 'FILE_SYSTEM_GUIDELINES', 'PLANNING_WORKFLOW'],
      ...['PLAN_SCOPE', 'PLAN_STRUCTURE'],
    ]);
    expect(sectionIn(prompt, 'PLAN_STRUCTURE')).toBe('# GOAL');
  });

  it('ends with advice for the family of the model', async () => {
    const adviceFor = async (name: string) =>
      sectionIn(await promptOf({ llm: { model_canonical_name: name } }), 'IMPORTANT');
    const [claude, gemini, gpt, codex, other] = await Promise.all(
      ['anthropic/claude-sonnet-4-5', 'gemini/gemini-2.5-pro', 'gpt-5.2', 'gpt-5.1-codex', 'gpt-4.1'].map(
        adviceFor,
      ),
    );
    const all = [claude, gemini, gpt, codex];
    expect(all.every((text) => text !== undefined && text !== '')).toBe(true);
    expect(new Set(all).size).toBe(4);
    expect(other).toBeUndefined();
  });

  it('assesses risks by whether the agent has a machine of its own', async () => {
    const riskWith = async (system_prompt_kwargs: object) =>
      sectionIn(await promptOf({ system_prompt_kwargs }), 'SECURITY_RISK_ASSESSMENT');
    expect(await riskWith({ cli_mode: false })).toContain('inside the container');
    expect(await riskWith({})).toBe(await riskWith({ cli_mode: true }));
    expect(await riskWith({})).not.toContain('container');
    expect(await riskWith({ llm_security_analyzer: false })).toBeUndefined();
  });
});
