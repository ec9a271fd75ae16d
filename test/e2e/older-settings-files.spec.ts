import { asJson, at, SettingsFixture, type Json } from '../support/settings-fixture.js';
import { writeFiles } from '../support/write-files.js';

const USUAL = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'];
const ID = '5c026fd2-874f-46b0-95cc-77ec5ebdcb0f';
const LLM = { model: 'openai/mine', api_key: 'sk-plain' };

/** Settings that former versions of OpenHands wrote are read with all that they hold. */
describe('settings files of older versions', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
  });
  afterAll(() => fixture.stop());

  const store = (name: string, content: unknown) =>
    writeFiles(fixture.root, { [name]: JSON.stringify(content) });
  const namesOf = (tools: unknown) =>
    Array.isArray(tools) ? tools.map((tool: { name: string }) => tool.name) : tools;
  const storeAgent = (schema_version: number | undefined, fields: object) =>
    store('settings.json', { schema_version: 5, agent_settings: { schema_version, llm: LLM, ...fields } });
  const agent = async () => asJson((await fixture.plain())['agent_settings']);
  const terminal = { name: 'terminal', params: {} };

  it.each<[number | undefined, object, unknown]>([
    [undefined, { tools: [] }, null],
    [7, { tools: [] }, null],
    [8, { tools: [] }, []],
    [1, { enable_sub_agents: true }, [...USUAL, 'task_tool_set', 'switch_llm']],
    [7, { enable_sub_agents: true, enable_switch_llm_tool: false, tools: [] }, [...USUAL, 'task_tool_set']],
    [7, { enable_switch_llm_tool: false }, USUAL],
    [7, { enable_sub_agents: true, tools: [terminal] }, ['terminal', 'switch_llm']],
    [7, { enable_switch_llm_tool: false, tools: [{ name: 'switch_llm' }, terminal] }, ['terminal']],
    [8, { enable_sub_agents: true, tools: [terminal] }, ['terminal']],
  ])('migrates agent settings of version %s: %j', async (version, fields, tools) => {
    await storeAgent(version, fields);
    const { tools: found, schema_version, llm } = await agent();
    expect([namesOf(found), schema_version, llm]).toMatchObject([tools, 9, LLM]);
  });

  it('keeps the MCP servers of `mcpServers` and their secrets', async () => {
    const docs = { command: 'docs', env: { TOKEN: 'hush' } };
    await storeAgent(4, { mcp_config: { mcpServers: { docs }, beside: { url: 'http://127.0.0.1/' } } });
    expect((await agent())['mcp_config']).toMatchObject({ docs, beside: { url: 'http://127.0.0.1/' } });
    await fixture.done('PATCH', '/api/settings', { misc_settings_diff: { seen: true } });
    const text = await fixture.text('settings.json');
    expect(text).not.toContain('mcpServers');
    expect((await agent())['mcp_config']).toMatchObject({ docs });
  });

  it('writes the current format with the first change, and changes no file before', async () => {
    await storeAgent(7, { enable_sub_agents: true, later: 'unknown here' });
    const before = await fixture.text('settings.json');
    await agent();
    expect(await fixture.text('settings.json')).toBe(before);
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: { tools: [] } });
    const stored = asJson((await fixture.file('settings.json'))['agent_settings']);
    expect(stored).toMatchObject({ schema_version: 9, tools: [], later: 'unknown here' });
    expect(Object.keys(stored)).not.toContain('enable_sub_agents');
    expect((await agent())['tools']).toEqual([]);
  });

  it('migrates agent profiles, and keeps a copy of one that loses fields', async () => {
    const old = (schema_version: number | undefined, fields: object) =>
      store('agent-profiles/old.json', {
        ...{ schema_version, agent_kind: 'openhands', id: ID, name: 'old', revision: 2 },
        ...{ llm_profile_ref: 'main', ...fields },
      });
    const profile = async (): Promise<Json> =>
      asJson((await fixture.done('GET', '/api/agent-profiles/old'))['profile']);
    await old(2, { enable_sub_agents: true });
    expect(namesOf((await profile())['tools'])).toEqual([...USUAL, 'task_tool_set', 'switch_llm']);
    await old(3, { enable_switch_llm_tool: false, tools: [terminal] });
    expect(namesOf((await profile())['tools'])).toEqual(['terminal']);
    await old(undefined, { tools: [terminal] });
    expect(namesOf((await profile())['tools'])).toEqual(['terminal']);

    const skills = [{ name: 'own', content: 'Said once.' }];
    await old(1, { skills });
    expect(await profile()).toMatchObject({ schema_version: 4, id: ID, revision: 2, tools: null });
    expect(Object.keys(await profile())).not.toContain('skills');
    await fixture.done('POST', '/api/agent-profiles/old', { llm_profile_ref: 'main', persona: 'New' });
    expect(await profile()).toMatchObject({ id: ID, revision: 3, persona: 'New' });
    expect(await fixture.file('agent-profiles/old.json.old')).toMatchObject({ skills });
    const { profiles } = await fixture.done('GET', '/api/agent-profiles');
    expect(JSON.stringify(profiles)).not.toContain('json.old');
  });

  it('reads secrets that are stored as plain texts, and encrypts them with the next change', async () => {
    await store('secrets.json', { custom_secrets: { OLD: 'sesame', NEW: { name: 'NEW', secret: 'open' } } });
    const route = '/api/settings/secrets';
    expect(await fixture.done('PUT', route, { name: 'THIRD', value: 'x' })).toMatchObject({ name: 'THIRD' });
    const { body } = await fixture.server.request('GET', `${route}/OLD`);
    expect(body).toBe('sesame');
    expect(await fixture.text('secrets.json')).not.toContain('sesame');
  });

  it.each([
    ['invalid JSON', 'half a {'],
    ['an array', '[1]'],
    ['agent settings that are an array', { agent_settings: [] }],
    ['an invalid model', { agent_settings: { llm: { model: 3 } } }],
    ['nulls only', { agent_settings: null, conversation_settings: null, misc_settings: null }],
    ['an empty object', {}],
    ['flat settings of the first web UI', { language: 'en', llm_model: 'old', llm_api_key: 'sk-old' }],
  ])('uses defaults and keeps the file when it holds %s', async (_what, content) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFiles(fixture.root, { 'settings.json': text });
    expect(at(await fixture.plain(), 'agent_settings', 'schema_version')).toBe(9);
    await fixture.ask('PATCH', '/api/settings', { misc_settings_diff: { seen: true } });
    const after = await fixture.text('settings.json');
    for (const word of ['half a', 'sk-old', '[1]']) expect(after.includes(word)).toBe(text.includes(word));
  });

  it('starts the server with damaged settings files', async () => {
    await writeFiles(fixture.root, { 'settings.json': 'half a {', 'agent-profiles/old.json': '[' });
    await fixture.restart();
    expect(at(await fixture.plain(), 'agent_settings', 'schema_version')).toBe(9);
    expect((await fixture.ask('GET', '/api/agent-profiles')).status).toBe(200);
  });
});
