import type * as Clients from '@openhands/typescript-client/clients';
import path from 'node:path';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';

const SECRET = 'sk-planted-1234567890';

describe('the TypeScript client on settings, profiles and workspaces', () => {
  let fixture: TypeScriptClientFixture;
  let clients: typeof Clients;
  let folder: string;
  let options: { host: string; apiKey: string };

  beforeAll(async () => {
    fixture = await TypeScriptClientFixture.start();
    ({ clients, folder, options } = fixture);
  });
  afterAll(() => fixture.stop());

  it('reads and changes settings, and reads keys only on request', async () => {
    const settings = new clients.SettingsClient(options);
    expect((await settings.getAgentSchema()).sections.length).toBeGreaterThan(0);
    expect((await settings.getConversationSchema()).sections.length).toBeGreaterThan(0);
    const before = await settings.getSettings();
    expect(before.llm_api_key_is_set).toBe(false);
    const llm = { model: 'scripted/test', api_key: SECRET };
    const request: Clients.AgentServerSettingsPatchRequest = { agent_settings_diff: { llm } };
    const masked: Clients.AgentServerSettingsPatchRequest = {
      agent_settings_diff: { llm: { api_key: '**********' } },
    };
    const changed = await settings.updateSettings(request);
    expect([changed.llm_api_key_is_set, JSON.stringify(changed).includes(SECRET)]).toEqual([true, false]);
    // A form sends back the masked value.
    await settings.updateSettings(masked);
    const shown = await settings.getSettings({ exposeSecrets: 'plaintext' });
    expect(shown.agent_settings).toMatchObject({ llm });
    const encrypted = JSON.stringify(await settings.getSettings({ exposeSecrets: 'encrypted' }));
    expect([encrypted.includes(SECRET), encrypted.includes('gAAAAA')]).toEqual([false, true]);
    settings.close();
  });

  it('adds, changes and removes MCP servers', async () => {
    const settings = new clients.SettingsClient(options);
    const added = await settings.createMcpServer('notes', {
      transport: 'streamable-http',
      url: 'https://notes.example/mcp',
      headers: { Authorization: `Bearer ${SECRET}` },
    });
    expect(added.agent_settings).toMatchObject({
      mcp_config: { notes: { url: 'https://notes.example/mcp' } },
    });
    expect(JSON.stringify(added)).not.toContain(SECRET);
    await expect(
      settings.createMcpServer('notes', { transport: 'sse', url: 'https://other.example' }),
    ).rejects.toMatchObject({
      status: 409,
    });
    const switched = await settings.patchMcpServer('notes', { enabled: false });
    expect(switched.agent_settings).toMatchObject({ mcp_config: { notes: { enabled: false } } });
    const removed = await settings.deleteMcpServer('notes');
    expect(removed.agent_settings).toMatchObject({ mcp_config: {} });
    await expect(settings.deleteMcpServer('notes')).rejects.toMatchObject({ status: 404 });
    settings.close();
  });

  it('stores secrets by name', async () => {
    const settings = new clients.SettingsClient(options);
    await settings.upsertSecret({ name: 'TOKEN', value: SECRET, description: 'for tests' });
    expect(await settings.listSecrets()).toEqual({ secrets: [{ name: 'TOKEN', description: 'for tests' }] });
    expect(await settings.getSecret('TOKEN')).toBe(SECRET);
    expect(await settings.deleteSecret('TOKEN')).toMatchObject({ deleted: true });
    await expect(settings.getSecret('TOKEN')).rejects.toMatchObject({ status: 404 });
    settings.close();
  });

  it('stores LLM profiles with both of its classes', async () => {
    const settings = new clients.SettingsClient(options);
    const profiles = new clients.ProfilesClient(options);
    const request = { llm: { model: 'scripted/test', api_key: SECRET }, include_secrets: true };
    expect(await profiles.validateProfile('fast', request)).toMatchObject({ valid: true });
    expect(await profiles.saveProfile('fast', request)).toMatchObject({ name: 'fast' });
    expect(await settings.saveProfile('slow', request)).toMatchObject({ name: 'slow' });
    expect(await profiles.renameProfile('fast', 'faster')).toMatchObject({ name: 'faster' });
    expect(await settings.renameProfile('slow', 'slower')).toMatchObject({ name: 'slower' });
    expect(await profiles.activateProfile('faster')).toMatchObject({ name: 'faster', llm_applied: true });
    const listed = await profiles.listProfiles();
    expect([listed.active_profile, listed.profiles.map(({ name }) => name)]).toEqual([
      'faster',
      ['faster', 'slower'],
    ]);
    expect(await settings.listProfiles()).toEqual(listed);
    const shown = await profiles.getProfile('faster');
    expect([shown.api_key_set, JSON.stringify(shown).includes(SECRET)]).toEqual([true, false]);
    expect((await settings.getProfile('slower', { exposeSecrets: 'plaintext' })).config).toMatchObject(
      request.llm,
    );
    await profiles.deleteProfile('faster');
    await settings.deleteProfile('slower');
    expect((await profiles.listProfiles()).profiles).toEqual([]);
    settings.close();
    profiles.close();
  });

  it('stores agent profiles and meta-profiles', async () => {
    const profiles = new clients.ProfilesClient(options);
    await profiles.saveProfile('model', { llm: { model: 'scripted/test' } });
    const agents = new clients.AgentProfilesClient(options);
    const agent = { agent_kind: 'openhands', llm_profile_ref: 'model' } as const;
    expect(await agents.saveAgentProfile('helper', agent)).toMatchObject({ name: 'helper' });
    expect(await agents.renameAgentProfile('helper', 'worker')).toMatchObject({ name: 'worker' });
    const { profile } = await agents.getAgentProfile('worker', { exposeSecrets: 'encrypted' });
    expect(profile).toMatchObject({ name: 'worker', ...agent });
    expect(await agents.materializeAgentProfile('worker')).toMatchObject({
      valid: true,
      llm_profile_resolved: true,
    });
    const id = profile.id;
    expect(await agents.activateAgentProfile(id)).toMatchObject({ id });
    const listed = await agents.listAgentProfiles();
    expect(listed.active_agent_profile_id).toBe(id);
    expect(listed.profiles.map(({ name }) => name)).toContain('worker');
    expect(await agents.deleteAgentProfile('worker')).toMatchObject({ name: 'worker' });
    await expect(agents.getAgentProfile('worker')).rejects.toMatchObject({ status: 404 });

    const metas = new clients.MetaProfilesClient(options);
    const routes = { classifier_model: 'model', classes: [{ model: 'model', description: 'everything' }] };
    // The type of the client still requires a model that servers of this version do not have.
    const meta = { ...routes, default_model: 'model' };
    expect(await metas.saveMetaProfile('by-task', meta)).toMatchObject({ name: 'by-task' });
    expect((await metas.getMetaProfile('by-task')).config).toMatchObject(routes);
    expect(await metas.activateMetaProfile('by-task')).toMatchObject({ name: 'by-task' });
    expect((await metas.listMetaProfiles()).active_meta_profile).toBe('by-task');
    await metas.deleteMetaProfile('by-task');
    expect((await metas.listMetaProfiles()).meta_profiles).toEqual([]);
    for (const used of [profiles, agents, metas]) used.close();
  });

  it('stores workspaces', async () => {
    const workspaces = new clients.WorkspacesClient(options);
    const item = { id: 'one', name: 'One', path: path.join(folder, 'one') };
    const parent = { id: 'all', name: 'All', path: folder };
    expect((await workspaces.addWorkspaces([item])).workspaces).toMatchObject([item]);
    expect((await workspaces.addWorkspaceParents([parent])).workspaceParents).toEqual([parent]);
    expect(await workspaces.listWorkspaces()).toMatchObject({
      workspaces: [item],
      workspaceParents: [parent],
    });
    expect(await workspaces.deleteWorkspace(item.path)).toEqual({ deleted: true });
    expect(await workspaces.deleteWorkspaceParent(parent.path)).toEqual({ deleted: true });
    expect(await workspaces.listWorkspaces()).toEqual({ workspaces: [], workspaceParents: [] });
    workspaces.close();
  });

  it('reads information about the server and its models', async () => {
    const info = new clients.ServerClient(options);
    expect(await info.getRoot()).toMatchObject({ title: 'OpenHands Agent Server' });
    expect(await info.getAlive()).toMatchObject({ status: 'ok' });
    expect(await info.getHealth()).toMatchObject({ status: 'ok' });
    expect(await info.getReady()).toMatchObject({ status: 'ready' });
    expect((await info.getServerInfo()).version).toMatch(/^\d+\.\d+\.\d+$/);
    const models = new clients.LLMMetadataClient(options);
    expect(await models.getProviders()).toContain('anthropic');
    expect((await models.getModels('anthropic')).length).toBeGreaterThan(0);
    expect(Object.keys(await models.getVerifiedModels())).toContain('anthropic');
    const editor = new clients.VSCodeClient(options);
    expect(await editor.getStatus()).toMatchObject({ running: false });
    expect(await editor.getUrl({ workspaceDir: folder })).toBeNull();
    for (const used of [info, models, editor]) used.close();
  });
});
