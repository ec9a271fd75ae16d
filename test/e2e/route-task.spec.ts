import { rm } from 'node:fs/promises';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';
import { writeFiles } from '../support/write-files.js';

const CLASSES = [
  { description: 'easy things', model: 'fast' },
  { description: 'hard things', model: 'strong' },
];
const ROUTE_CALL = { tools: [['route_task_to_model', {}] as [string, object]] };

/** The agent has a model classify its task and continues with the model for that class. */
describe('route_task_to_model', () => {
  const fixture = ServerFixture.forTests();
  let endpoint: ChatEndpoint;

  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
    for (const name of ['fast', 'strong', 'judge']) {
      const profile = { ...llm(`${name}-model`), usage_id: undefined, schema_version: 1 };
      await writeFiles(fixture.persistence, { [`profiles/${name}.json`]: JSON.stringify(profile) });
    }
  });
  afterEach(async () => {
    await endpoint.close();
    await rm(fixture.persistence, { recursive: true, force: true, maxRetries: 10 });
  });

  const llm = (model: string) => endpointLlm(endpoint, { model: `openai/${model}`, api_key: 'k' });
  const storeMetaProfile = (name: string, table: object): Promise<void> =>
    writeFiles(fixture.persistence, {
      [`meta-profiles/${name}.json`]: JSON.stringify({ classifier_model: 'judge', ...table }),
    });
  const run = async (reply: string, more: object = {}) => {
    const before = endpoint.requests.length;
    endpoint.script([ROUTE_CALL, ...(reply === '' ? [] : [{ say: reply }]), { say: 'done' }]);
    const conversation = await fixture.run('prove it', {
      agent: {
        llm: llm('first'),
        include_default_tools: ['FinishTool', 'ClassifyAndSwitchLLMTool'],
        ...more,
      },
    });
    const [event] = await conversation.events('&kind=ObservationEvent');
    const requests = endpoint.requests.slice(before).map(({ body }) => body);
    const info = await conversation.info();
    return {
      observation: event?.['observation'],
      models: requests.map((body) => body['model']),
      prompt: JSON.stringify(requests[1]?.messages),
      usage: Object.keys((info['stats'] as { usage_to_metrics: object }).usage_to_metrics),
    };
  };
  const error = (text: string): object => ({
    is_error: true,
    content: [{ text: expect.stringContaining(text) as unknown }],
  });

  it('switches to the model for the class of the task', async () => {
    await storeMetaProfile('routes', { classes: CLASSES });
    const { observation, models, prompt, usage } = await run('Category 2');
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
    expect(prompt).toContain('1. easy things\\n2. hard things');
    expect(prompt).toContain('user: prove it');
    expect(usage.sort()).toEqual(['agent', 'classifier:judge', 'profile:strong']);
  });

  it('switches to the model that the answer to a prompt template names', async () => {
    await storeMetaProfile('routes', {
      prompt_template: 'For {{ instance_text }} of {{ model_table }}?',
      model_table: 'fast, strong',
    });
    const { observation, prompt } = await run('Not strong: I would take fast.');
    expect(observation).toMatchObject({ is_error: false, chosen_class: 'model: fast', model: 'fast' });
    expect(prompt).toContain('For user: prove it of fast, strong?');
    expect((await run('bogus')).observation).toMatchObject(error("(reply: 'bogus'); nothing was switched"));
  });

  it('keeps the model when no class fits', async () => {
    expect((await run('')).observation).toMatchObject(error('There is no meta-profile'));
    await storeMetaProfile('routes', { classes: [...CLASSES, { description: 'lost', model: 'nosuch' }] });
    for (const reply of ['0', '4', 'none']) {
      const { observation, models } = await run(reply);
      expect(observation).toMatchObject(error('did not pick a valid category'));
      expect(models).toEqual(['first', 'judge-model', 'first']);
    }
    expect((await run('3')).observation).toMatchObject(error("LLM profile 'nosuch' was not found"));
    await storeMetaProfile('routes', { classifier_model: 'gone', classes: CLASSES });
    expect((await run('')).observation).toMatchObject(error("LLM profile 'gone' was not found"));
  });

  it('uses the meta-profile of the tool, else that of the settings, else the first one', async () => {
    await storeMetaProfile('a', { classes: CLASSES });
    await storeMetaProfile('b', { classes: [{ description: 'all things', model: 'fast' }] });
    expect((await run('1')).observation).toMatchObject({ chosen_class: 'easy things' });
    await writeFiles(fixture.persistence, { 'settings.json': JSON.stringify({ active_meta_profile: 'b' }) });
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
      endpoint.script([ROUTE_CALL, { say: '1' }, { say: 'done' }]);
      const conversation = await fixture.run('prove it', { agent: undefined, ...source });
      const shown = JSON.stringify([await conversation.info(), await conversation.events()]);
      const models = endpoint.requests.slice(before).map(({ body }) => body['model']);
      return { models, showsKey: shown.includes('sk-brought') };
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

    await storeMetaProfile('routes', { classes: CLASSES });
    const profile = {
      ...{ llm_profile_ref: 'strong', public_skills: [] },
      ...{ enable_classify_and_switch_llm_tool: true, meta_profile_ref: 'routes' },
    };
    await fixture.server.request('POST', '/api/agent-profiles/router', profile);
    const { body } = await fixture.server.request('GET', '/api/agent-profiles/router');
    const { id } = (body as { profile: { id: string } }).profile;
    expect((await launch({ agent_profile_id: id })).models).toEqual([
      ...['strong-model', 'judge-model', 'fast-model'],
    ]);
    const resolved = await fixture.server.request('POST', '/api/agent-profiles/router/materialize');
    expect(resolved.body).toMatchObject({
      resolved_settings: { meta_profile: { classes: CLASSES } },
    });
    const { resolved_settings: settings } = resolved.body as { resolved_settings: Record<string, object> };
    expect(Object.keys(settings['meta_profile_llms'] ?? {})).toEqual(['judge', 'fast', 'strong']);
    expect(JSON.stringify(resolved.body)).not.toContain('"k"');
  });

  it('uses the meta-profile in the agent settings', async () => {
    const own = { classifier_model: 'judge', classes: [{ description: 'of the settings', model: 'fast' }] };
    endpoint.script([ROUTE_CALL, { say: '1' }, { say: 'done' }]);
    const agent_settings = {
      llm: llm('first'),
      enable_classify_and_switch_llm_tool: true,
      meta_profile: own,
    };
    const conversation = await fixture.run('prove it', {
      agent: undefined,
      agent_settings: { ...agent_settings, tools: [] },
    });
    const [event] = await conversation.events('&kind=ObservationEvent');
    expect(event?.['observation']).toMatchObject({ chosen_class: 'of the settings', model: 'fast' });
    const agent = (await conversation.info())['agent'] as Record<string, unknown>;
    expect(agent['include_default_tools']).toEqual(['FinishTool', 'ThinkTool']);
  });
});
