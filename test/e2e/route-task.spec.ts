import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const CLASSES = [
  { description: 'easy things', model: 'fast' },
  { description: 'hard things', model: 'strong' },
];
const ASK = { tools: [['route_task_to_model', {}] as [string, object]] };

/** The agent has a model classify its task and continues with the model for that class. */
describe('route_task_to_model', () => {
  let home: string;
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeEach(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    folder = await mkdtemp(path.join(os.tmpdir(), 'route-'));
    server = await ServerProcess.start({ cwd: folder, env: { OH_PERSISTENCE_DIR: home } });
    endpoint = await startScriptedEndpoint();
    for (const name of ['fast', 'strong', 'judge']) {
      const profile = { ...llm(`${name}-model`), usage_id: undefined, schema_version: 1 };
      await writeFiles(home, { [`profiles/${name}.json`]: JSON.stringify(profile) });
    }
  });
  afterEach(async () => {
    await server.stop();
    await endpoint.close();
    for (const used of [home, folder]) await rm(used, { recursive: true, force: true });
  });

  const llm = (model: string) => ({
    model: `openai/${model}`,
    base_url: endpoint.url,
    api_key: 'k',
    usage_id: 'agent',
  });
  const store = (name: string, table: object): Promise<void> =>
    writeFiles(home, {
      [`meta-profiles/${name}.json`]: JSON.stringify({ classifier_model: 'judge', ...table }),
    });
  const run = async (reply: string, more: object = {}) => {
    const before = endpoint.requests.length;
    endpoint.script([ASK, ...(reply === '' ? [] : [{ say: reply }]), { say: 'done' }]);
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), 'prove it', {
        agent: {
          llm: llm('first'),
          include_default_tools: ['FinishTool', 'ClassifyAndSwitchLLMTool'],
          ...more,
        },
      }),
    );
    await conversation.reaches('finished');
    const [event] = await conversation.events('&kind=ObservationEvent');
    const requests = endpoint.requests.slice(before).map(({ body }) => body);
    const info = await conversation.info();
    return {
      observation: event?.['observation'],
      models: requests.map((body) => body['model']),
      asked: JSON.stringify(requests[1]?.messages),
      usage: Object.keys((info['stats'] as { usage_to_metrics: object }).usage_to_metrics),
    };
  };
  const error = (text: string): object => ({
    is_error: true,
    content: [{ text: expect.stringContaining(text) as unknown }],
  });

  it('switches to the model for the class of the task', async () => {
    await store('routes', { classes: CLASSES });
    const { observation, models, asked, usage } = await run('Category 2');
    expect(observation).toEqual({
      content: [
        {
          ...{ cache_prompt: false, type: 'text' },
          text:
            "Classified task as 'hard things' and switched to LLM profile 'strong' (model 'openai/strong-model'). " +
            'Future agent steps will use this profile.',
        },
      ],
      is_error: false,
      ...{ chosen_class: 'hard things', model: 'strong', active_model: 'openai/strong-model' },
      kind: 'ClassifyAndSwitchLLMObservation',
    });
    expect(models).toEqual(['first', 'judge-model', 'strong-model']);
    expect(asked).toContain('1. easy things\\n2. hard things');
    expect(asked).toContain('user: prove it');
    expect(usage.sort()).toEqual(['agent', 'classifier:judge', 'profile:strong']);
  });

  it('switches to the model that the answer to a prompt template names', async () => {
    await store('routes', {
      prompt_template: 'For {{ instance_text }} of {{ model_table }}?',
      model_table: 'fast, strong',
    });
    const { observation, asked } = await run('Not strong: I would take fast.');
    expect(observation).toMatchObject({ is_error: false, chosen_class: 'model: fast', model: 'fast' });
    expect(asked).toContain('For user: prove it of fast, strong?');
    expect((await run('bogus')).observation).toMatchObject(error("(reply: 'bogus'); nothing was switched"));
  });

  it('keeps the model when no class fits', async () => {
    expect((await run('')).observation).toMatchObject(error('There is no meta-profile'));
    await store('routes', { classes: [...CLASSES, { description: 'lost', model: 'nosuch' }] });
    for (const reply of ['0', '4', 'none']) {
      const { observation, models } = await run(reply);
      expect(observation).toMatchObject(error('did not pick a valid category'));
      expect(models).toEqual(['first', 'judge-model', 'first']);
    }
    expect((await run('3')).observation).toMatchObject(error("LLM profile 'nosuch' was not found"));
    await store('routes', { classifier_model: 'gone', classes: CLASSES });
    expect((await run('')).observation).toMatchObject(error("LLM profile 'gone' was not found"));
  });

  it('uses the meta-profile of the tool, else that of the settings, else the first one', async () => {
    await store('a', { classes: CLASSES });
    await store('b', { classes: [{ description: 'all things', model: 'fast' }] });
    expect((await run('1')).observation).toMatchObject({ chosen_class: 'easy things' });
    await writeFiles(home, { 'settings.json': JSON.stringify({ active_meta_profile: 'b' }) });
    expect((await run('1')).observation).toMatchObject({ chosen_class: 'all things' });
    const named = (params: object) => ({
      include_default_tools: [],
      tools: [{ name: 'ClassifyAndSwitchLLMTool', params }],
    });
    expect((await run('1', named({ active_meta_profile: 'a' }))).observation).toMatchObject({
      chosen_class: 'easy things',
    });
    const own = {
      meta_profile: { classifier_model: 'judge', classes: [{ description: 'own', model: 'fast' }] },
    };
    expect((await run('1', named(own))).observation).toMatchObject({ chosen_class: 'own' });
  });

  it('switches to a model that comes with the agent settings or with an agent profile', async () => {
    const table = { classifier_model: 'asked', classes: [{ description: 'any', model: 'brought' }] };
    const launch = async (source: object) => {
      const before = endpoint.requests.length;
      endpoint.script([ASK, { say: '1' }, { say: 'done' }]);
      const request = { ...scriptedRequest(path.join(folder, 'work'), 'prove it'), agent: undefined };
      const conversation = await ConversationClient.create(server, { ...request, ...source });
      await conversation.reaches('finished');
      const told = JSON.stringify([await conversation.info(), await conversation.events()]);
      const models = endpoint.requests.slice(before).map(({ body }) => body['model']);
      return { models, showsKey: told.includes('sk-brought') };
    };
    const brought = { ...llm('brought-model'), api_key: 'sk-brought' };
    const agent_settings = {
      llm: llm('first'),
      ...{ enable_classify_and_switch_llm_tool: true, meta_profile: table },
      meta_profile_llms: { asked: { ...brought, model: 'openai/asked-model' }, brought },
    };
    expect(await launch({ agent_settings })).toEqual({
      ...{ models: ['first', 'asked-model', 'brought-model'], showsKey: false },
    });

    await store('routes', { classes: CLASSES });
    const profile = {
      ...{ llm_profile_ref: 'strong', public_skills: [] },
      ...{ enable_classify_and_switch_llm_tool: true, meta_profile_ref: 'routes' },
    };
    await server.request('POST', '/api/agent-profiles/router', profile);
    const { body } = await server.request('GET', '/api/agent-profiles/router');
    const { id } = (body as { profile: { id: string } }).profile;
    expect((await launch({ agent_profile_id: id })).models).toEqual([
      ...['strong-model', 'judge-model', 'fast-model'],
    ]);
    const tried = await server.request('POST', '/api/agent-profiles/router/materialize');
    expect(tried.body).toMatchObject({
      resolved_settings: { meta_profile: { classes: CLASSES } },
    });
    const { resolved_settings: settings } = tried.body as { resolved_settings: Record<string, object> };
    expect(Object.keys(settings['meta_profile_llms'] ?? {})).toEqual(['judge', 'fast', 'strong']);
    expect(JSON.stringify(tried.body)).not.toContain('"k"');
  });

  it('uses the meta-profile in the agent settings', async () => {
    const own = { classifier_model: 'judge', classes: [{ description: 'of the settings', model: 'fast' }] };
    endpoint.script([ASK, { say: '1' }, { say: 'done' }]);
    const agent_settings = {
      llm: llm('first'),
      enable_classify_and_switch_llm_tool: true,
      meta_profile: own,
    };
    const conversation = await ConversationClient.create(server, {
      ...scriptedRequest(path.join(folder, 'work'), 'prove it'),
      ...{ agent: undefined, agent_settings: { ...agent_settings, tools: [] } },
      initial_message: { role: 'user', content: [{ type: 'text', text: 'prove it' }] },
    });
    await conversation.reaches('finished');
    const [event] = await conversation.events('&kind=ObservationEvent');
    expect(event?.['observation']).toMatchObject({ chosen_class: 'of the settings', model: 'fast' });
    const agent = (await conversation.info())['agent'] as Record<string, unknown>;
    expect(agent['include_default_tools']).toEqual(['FinishTool', 'ThinkTool', 'SwitchLLMTool']);
  });
});
