import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient } from '../support/conversation-client.js';
import { asJson, at, containing, SettingsFixture } from '../support/settings-fixture.js';

describe('the stored agent profiles, meta-profiles, secrets and workspaces', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start()));
  afterAll(() => fixture.stop());
  afterEach(() => fixture.clear());

  const detail = async (method: string, route: string, body?: unknown) => {
    const answer = await fixture.ask(method, route, body);
    return [answer.status, answer.body['detail']];
  };
  const agents = () => fixture.done('GET', '/api/agent-profiles');
  const model = (more: object = {}) => ({ llm: { model: 'scripted/x', ...more } });

  it('include a default agent profile, made from the settings when no profile exists', async () => {
    const llm = { model: 'openai/mine', api_key: 'sk-secret-key' };
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: { llm } });
    const first = await agents();
    const [profile] = first['profiles'] as unknown[];
    expect(profile).toMatchObject({ name: 'default', llm_profile_ref: 'default', revision: 0 });
    expect(first['active_agent_profile_id']).toBe(at(profile, 'id'));
    expect(await fixture.plain()).toMatchObject({ active_agent_profile_id: at(profile, 'id') });
    const route = '/api/profiles/default';
    const stored = await fixture.done('GET', route, undefined, { 'x-expose-secrets': 'plaintext' });
    expect(stored).toMatchObject({ config: llm });
    expect(await agents()).toEqual(first);
    // When the settings cannot be read, the list is still answered.
    await writeFile(path.join(fixture.root, 'settings.json'), '{');
    expect(await agents()).toEqual({ ...first, active_agent_profile_id: null });
  });

  it('agent profiles keep their id, count their revisions and report what is invalid', async () => {
    const route = '/api/agent-profiles/coder';
    await fixture.done('POST', route, {
      llm_profile_ref: 'main',
      name: 'other',
      system_message_suffix: 'Be brief',
    });
    const before = asJson((await fixture.done('GET', route))['profile']);
    expect(before).toMatchObject({ schema_version: 4, name: 'coder', revision: 0 });
    await fixture.done('POST', route, { llm_profile_ref: 'main' });
    const after = { ...before, revision: 1, system_message_suffix: null };
    expect((await fixture.done('GET', route))['profile']).toEqual(after);
    await fixture.done('POST', `${route}/rename`, { new_name: 'coder2' });
    const id = String(before['id']);
    expect(await fixture.file('agent-profiles/coder2.json')).toEqual({ ...after, name: 'coder2' });
    expect(await detail('POST', '/api/agent-profiles/coder2/activate')).toEqual([
      404,
      "Agent profile with id 'coder2' not found",
    ]);
    await fixture.done('POST', `/api/agent-profiles/${id}/activate`);
    expect(await agents()).toMatchObject({ active_agent_profile_id: id });
    await fixture.done('DELETE', '/api/agent-profiles/coder2');
    expect((await agents())['active_agent_profile_id']).not.toBe(id);

    expect(await detail('POST', route, { agent_kind: 'openhands', nope: 1 })).toEqual([
      422,
      [
        { loc: ['openhands', 'llm_profile_ref'], type: 'missing', msg: 'Field required' },
        { loc: ['openhands', 'nope'], type: 'extra_forbidden', msg: 'Extra inputs are not permitted' },
      ],
    ]);
    expect(await detail('POST', route, { agent_kind: 'zzz' })).toMatchObject([422, [{ loc: [] }]]);
    expect(await detail('POST', route, [1])).toMatchObject([422, [{ type: 'dict_type', loc: ['body'] }]]);
    const raw = await fetch(fixture.server.url + route, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expect(raw.status).toBe(415);
  });

  it('launch conversations with the MCP servers and the model that a profile names', async () => {
    await fixture.done('POST', '/api/profiles/main', model({ api_key: 'sk-secret-key' }));
    for (const name of ['one', 'two']) {
      const server = { command: '/nowhere', env: { TOKEN: `hush-${name}` }, enabled: false };
      await fixture.done('POST', `/api/settings/mcp/${name}`, server);
    }
    const launch = async (fields: object) => {
      await fixture.done('POST', '/api/agent-profiles/mine', { llm_profile_ref: 'main', ...fields });
      const { profile } = await fixture.done('GET', '/api/agent-profiles/mine');
      const working_dir = path.join(fixture.folder, 'work');
      return { agent_profile_id: at(profile, 'id'), workspace: { working_dir }, autotitle: false };
    };
    const serversOf = async (fields: object) => {
      const conversation = await ConversationClient.create(fixture.server, await launch(fields));
      const info: unknown = await conversation.info();
      expect(JSON.stringify(info)).not.toContain('hush');
      return Object.keys(asJson(at(info, 'agent', 'mcp_config')));
    };
    expect(await serversOf({})).toEqual(['one', 'two']);
    expect(await serversOf({ mcp_server_refs: ['two'] })).toEqual(['two']);
    expect(await serversOf({ mcp_server_refs: [] })).toEqual([]);

    const dangling = {
      mcp_server_refs: ['two', 'gone'],
      meta_profile_ref: 'none',
      enable_classify_and_switch_llm_tool: true,
    };
    expect(await detail('POST', '/api/conversations', await launch(dangling))).toMatchObject([
      422,
      {
        dangling_mcp_server_refs: ['gone'],
        dangling_meta_profile_ref: 'none',
        dangling_llm_profile_ref: null,
      },
    ]);
    const materialize = '/api/agent-profiles/mine/materialize';
    expect(await fixture.done('POST', materialize)).toMatchObject({
      valid: false,
      errors: ['MCP server(s) not configured: gone', "Meta-profile 'none' not found"],
      resolved_settings: null,
    });
    const draft = { llm_profile_ref: 'main', mcp_server_refs: ['one'], tools: [{ name: 'terminal' }] };
    const tried = await fixture.done('POST', materialize, { profile: draft });
    expect(tried).toMatchObject({
      ...{ valid: true, errors: [], llm_api_key_set: true, resolved_mcp_config_keys: ['one'] },
      resolved_settings: {
        llm: { model: 'scripted/x', api_key: '**********' },
        tools: [{ name: 'terminal', params: {} }],
        mcp_config: { one: { env: { TOKEN: '**********' } } },
      },
    });
    expect(
      await fixture.done('POST', materialize, { profile: { ...draft, tools: [{ name: 'nope' }] } }),
    ).toMatchObject({
      valid: false,
      unusable_tools: ['nope'],
    });
    const acp = { agent_kind: 'acp', acp_server: 'custom', acp_command: 'run "my agent" --acp' };
    expect(await fixture.done('POST', materialize, { profile: acp })).toMatchObject({
      ...{ valid: true, resolved_mcp_config_keys: ['one', 'two'] },
      resolved_settings: { agent_kind: 'acp', acp_command: ['run', 'my agent', '--acp'] },
    });
    expect(await fixture.done('POST', materialize, { profile: { ...acp, acp_command: null } })).toMatchObject(
      {
        valid: false,
        resolved_settings: null,
      },
    );
    expect(await detail('POST', materialize, { foo: 1 })).toMatchObject([422, [{ type: 'extra_forbidden' }]]);
    expect(await detail('POST', '/api/agent-profiles/none/materialize')).toMatchObject([
      404,
      containing('none'),
    ]);
  });

  it('put the active meta-profile into the settings', async () => {
    const route = '/api/meta-profiles/router';
    const config = { classifier_model: 'main', classes: [{ description: 'easy', model: 'main' }] };
    await fixture.done('POST', route, config);
    expect(await fixture.file('meta-profiles/router.json')).toEqual({
      ...config,
      prompt_template: null,
      model_table: null,
    });
    expect(await fixture.done('POST', `${route}/activate`)).toMatchObject({ applied: true });
    expect(await fixture.plain()).toMatchObject({
      active_meta_profile: 'router',
      agent_settings: { enable_classify_and_switch_llm_tool: true, meta_profile: config },
    });
    await fixture.done('DELETE', route);
    expect(await fixture.plain()).toMatchObject({
      active_meta_profile: null,
      agent_settings: { enable_classify_and_switch_llm_tool: false, meta_profile: null },
    });
    const both = { ...config, prompt_template: '{{ instance_text }}' };
    expect(await detail('POST', route, both)).toMatchObject([422, [{ type: 'value_error', loc: ['body'] }]]);
    expect(await detail('POST', route, { classifier_model: 'm' })).toMatchObject([
      422,
      [{ type: 'value_error' }],
    ]);
    expect(await detail('GET', route)).toEqual([404, "Meta-profile 'router' not found"]);
  });

  it('show secret values only when they are read one by one', async () => {
    const route = '/api/settings/secrets';
    await fixture.done('PUT', route, { name: 'TOKEN', value: 'hush-token', description: 'for git' });
    expect(await fixture.done('GET', route)).toEqual({
      secrets: [{ name: 'TOKEN', description: 'for git' }],
    });
    expect(await fixture.text('secrets.json')).not.toContain('hush-token');
    const value = await fetch(`${fixture.server.url}${route}/TOKEN`);
    expect([value.headers.get('content-type'), await value.text()]).toEqual([
      'text/plain; charset=utf-8',
      'hush-token',
    ]);
    await fixture.done('PUT', route, { name: 'OTHER', value: 'hush-other' });
    await fixture.done('POST', '/api/agent-profiles/one', { llm_profile_ref: 'x', secret_refs: ['OTHER'] });
    const id = String(at((await fixture.done('GET', '/api/agent-profiles/one'))['profile'], 'id'));
    expect(await fixture.done('GET', `${route}?agent_profile_id=${id}`)).toMatchObject({
      secrets: [{ name: 'OTHER' }],
    });
    for (const name of ['1x', 'a-b', '', 'x'.repeat(65), '__proto__', 'A\r\nB']) {
      expect((await fixture.ask('PUT', route, { name, value: 'v' })).status).toBe(422);
    }
    for (const blank of ['', ' ', '**********']) {
      expect((await fixture.ask('PUT', route, { name: 'A', value: blank })).status).toBe(422);
    }
    await fixture.done('PUT', route, { name: 'constructor', value: 'odd' });
    expect(await detail('GET', `${route}/toString`)).toEqual([404, 'Secret not found']);
    await fixture.done('DELETE', `${route}/TOKEN`);
    expect(await detail('DELETE', `${route}/TOKEN`)).toEqual([404, 'Secret not found']);

    const damaged = '{"custom_secrets":{"A":{"secret":"hush';
    await writeFile(path.join(fixture.root, 'secrets.json'), damaged);
    expect(await fixture.done('GET', route)).toEqual({ secrets: [] });
    for (const [method, to, body] of [
      ['PUT', route, { name: 'A', value: 'v' }],
      ['DELETE', `${route}/A`],
      ['GET', `${route}/A`],
    ] as const) {
      expect(await detail(method, to, body)).toEqual([409, containing('Secrets file is corrupted')]);
    }
    expect(await fixture.text('secrets.json')).toBe(damaged);
    expect(fixture.server.log).not.toContain('hush');
  });

  it('store workspaces beside the conversations', async () => {
    const route = '/api/workspaces';
    const entry = { id: 'a', name: 'a', path: '/p/a' };
    const more = { id: 'b', name: 'b', path: '/p/b', parent_path: '/p' };
    await fixture.done('POST', route, { workspaces: [entry, { ...entry, id: 'twice' }, more] });
    const { parent_path: parentPath, ...rest } = more;
    expect(await fixture.done('GET', route)).toEqual({
      workspaces: [entry, { ...rest, parentPath }],
      workspaceParents: [],
    });
    const file = path.join(fixture.folder, 'workspace', '.openhands', 'workspaces.json');
    await fixture.done('POST', `${route}/parents`, { parents: [entry] });
    await fixture.done('DELETE', `${route}/parents?path=/p/a`);
    expect(await detail('DELETE', `${route}/parents?path=/p/a`)).toEqual([404, 'Workspace parent not found']);
    await fixture.done('DELETE', `${route}?path=/p/a`);
    expect(await detail('DELETE', `${route}?path=/p/a`)).toEqual([404, 'Workspace not found']);
    await writeFile(file, '[]');
    expect(await detail('GET', route)).toEqual([409, 'Workspaces file is corrupted']);
    expect(await detail('POST', route, { workspaces: [entry] })).toEqual([
      409,
      'Workspaces file is corrupted',
    ]);
  });
});
