import { rm } from 'node:fs/promises';
import type { ConversationClient, SeenEvent } from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';
import { writeFiles } from '../support/write-files.js';

describe('tools that use the models of stored profiles', () => {
  const fixture = ServerFixture.forTests();
  let endpoint: ChatEndpoint;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(async () => {
    await endpoint.close();
    await rm(fixture.persistence, { recursive: true, force: true, maxRetries: 10 });
  });

  const llm = (model: string) => endpointLlm(endpoint, { model: `openai/${model}`, api_key: 'sk-quiet' });
  const storeProfile = (name: string, fields: object): Promise<void> =>
    writeFiles(fixture.persistence, {
      [`profiles/${name}.json`]: JSON.stringify({ ...fields, schema_version: 1 }),
    });
  const run = async (script: string[], source: object): Promise<[SeenEvent[], ConversationClient]> => {
    const conversation = await fixture.run(script.join('\n'), { agent: undefined, ...source });
    return [await conversation.events(), conversation];
  };
  const observations = (events: SeenEvent[]): unknown[] =>
    events.flatMap((event) => event['observation'] ?? []);
  const models = () => endpoint.requests.map(({ body }) => body['model']);

  it('switches to the model of a profile from the next answer on', async () => {
    await storeProfile('fast', llm('second'));
    const script = [
      'TOOL: switch_llm {"profile_name": "fast", "reason": "r"}',
      'TOOL: switch_llm {"profile_name": "nope", "reason": "r"}',
      'TOOL: switch_llm {"profile_name": "fast"}',
      'FINISH: d',
    ];
    const [events, conversation] = await run(script, { agent_settings: { llm: llm('first') } });
    expect(models()).toEqual(['first', 'second', 'second', 'second']);
    expect(observations(events)).toMatchObject([
      {
        content: [
          {
            text:
              "Switched LLM profile to 'fast' with active model 'openai/second'. Reason: r Future agent steps will " +
              'use this profile.',
          },
        ],
        is_error: false,
        profile_name: 'fast',
        reason: 'r',
        active_model: 'openai/second',
        kind: 'SwitchLLMObservation',
      },
      {
        content: [{ text: "LLM profile 'nope' was not found." }],
        is_error: true,
        profile_name: 'nope',
        reason: 'r',
      },
      { kind: 'FinishObservation' },
    ]);
    const [update] = events.filter(({ key }) => key === 'agent');
    // The condenser used the same model. It is switched too, and keeps its usage_id.
    expect(update?.value).toMatchObject({
      llm: { model: 'openai/second', usage_id: 'profile:fast' },
      condenser: { llm: { model: 'openai/second', usage_id: 'condenser' } },
    });
    expect(JSON.stringify(events)).not.toContain('sk-quiet');
    const kinds = events.map(({ kind, key }) => key ?? kind);
    expect(kinds.indexOf('agent')).toBe(kinds.indexOf('ObservationEvent') - 1);
    const [prompt] = events.filter(({ kind }) => kind === 'SystemPromptEvent');
    expect(JSON.stringify(prompt?.['tools'])).toContain('Available LLM profiles:\\n- fast');
    const { agent, stats } = await conversation.info();
    expect(agent).toMatchObject({
      include_default_tools: ['FinishTool', 'ThinkTool', 'SwitchLLMTool'],
      llm: { model: 'openai/second' },
    });
    expect(stats).toMatchObject({ usage_to_metrics: { agent: {}, 'profile:fast': {} } });
  });

  it('asks the model of the profile that is named oracle', async () => {
    const script = ['TOOL: ask_oracle {"question": "q?", "context": "SAY: do it"}', 'FINISH: d'];
    const agent = { llm: llm('first'), tools: [{ name: 'ask_oracle' }] };
    const [without] = await run(script, { agent });
    expect(observations(without)[0]).toMatchObject({ is_error: true, kind: 'AskOracleObservation' });
    expect(JSON.stringify(observations(without)[0])).toContain('The Oracle is not available');
    await storeProfile('oracle', llm('wise'));
    const [events, conversation] = await run(script, { agent });
    expect(observations(events)[0]).toEqual({
      content: [{ cache_prompt: false, type: 'text', text: 'do it' }],
      is_error: false,
      kind: 'AskOracleObservation',
    });
    const oracleCall = endpoint.requests.find(({ body }) => body['model'] === 'wise');
    expect(JSON.stringify(oracleCall?.body)).toContain(
      'Question:\\nq?\\n\\nAdditional context from the agent:',
    );
    expect((await conversation.info())['stats']).toMatchObject({
      usage_to_metrics: { 'oracle:openai/wise': { token_usages: [{}] } },
    });
  });

  it('asks a model with vision about images of the user', async () => {
    await storeProfile('blind', llm('first'));
    await storeProfile('eyes', llm('gpt-4o'));
    const image = 'data:image/png;base64,iVBORw0KGgo=';
    const script = [
      'TOOL: inspect_image_with_vision {"image_index": 0, "question": "SAY: a cat"}',
      'TOOL: inspect_image_with_vision {"image_index": 1, "question": "q"}',
      'TOOL: inspect_image_with_vision {"image_index": 0, "question": "q", "profile_name": "blind"}',
      'FINISH: d',
    ].join('\n');
    const conversation = await fixture.create(undefined, {
      agent: { llm: llm('first'), tools: [] },
      initial_message: {
        role: 'user',
        content: [
          { type: 'text', text: script },
          { type: 'image', image_urls: [image] },
        ],
      },
    });
    await conversation.reaches('finished');
    expect(observations(await conversation.events())).toMatchObject([
      {
        content: [{ text: 'a cat' }],
        is_error: false,
        image_index: 0,
        question: 'SAY: a cat',
        profile_name: 'eyes',
        model: 'openai/gpt-4o',
        base_url: endpoint.url,
        answer: 'a cat',
        kind: 'VisionInspectObservation',
      },
      {
        content: [{ text: 'Image index 1 is out of range. The latest user message has 1 image(s).' }],
        is_error: true,
      },
      {
        content: [
          { text: "Profile 'blind' is not listed as a vision-capable profile for this conversation." },
        ],
        is_error: true,
      },
      { kind: 'FinishObservation' },
    ]);
    const [first, seeing, ...others] = endpoint.requests.map(({ body }) => JSON.stringify(body));
    expect(models().slice(0, 2)).toEqual(['first', 'gpt-4o']);
    expect(first).toContain('[Image 0 is attached to the latest user message.');
    expect(seeing).toContain(image);
    expect([first, ...others].filter((body) => body?.includes(image))).toEqual([]);
    expect((await conversation.info())['stats']).toMatchObject({
      usage_to_metrics: { 'vision-profile:eyes': { token_usages: [{}] } },
    });
  });
});
