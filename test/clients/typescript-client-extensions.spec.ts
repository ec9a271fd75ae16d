import path from 'node:path';
import { skillText, writeFiles } from '../support/extension-files.js';
import { SettingsFixture } from '../support/settings-fixture.js';

describe('the TypeScript client on extensions', () => {
  let fixture: SettingsFixture;
  let options: { host: string };
  beforeEach(async () => {
    fixture = await SettingsFixture.start({ OH_GITHUB_URL: 'file:///nowhere' });
    options = { host: fixture.server.url };
    await writeFiles(fixture.folder, {
      'my-skill/SKILL.md': skillText('my-skill', 'x'),
      'tools/.plugin/plugin.json': '{"name":"tools"}',
      'project/.openhands/hooks.json': '{"hooks":{"Stop":[{"hooks":[{"command":"exit 0"}]}]}}',
      'project/.agents/agents/reviewer.md': '---\nname: reviewer\ndescription: reviews\n---\nx',
      'project/.agents/plugins/theirs/.plugin/plugin.json': '{"name":"theirs"}',
    });
  });
  afterEach(() => fixture.stop());

  it('installs, lists and removes skills with all methods of SkillsClient', async () => {
    const { SkillsClient } = await import('@openhands/typescript-client/clients');
    const client = new SkillsClient(options);
    expect(await client.installSkill({ source: path.join(fixture.folder, 'my-skill') })).toMatchObject({
      name: 'my-skill',
    });
    expect(await client.listInstalledSkills()).toMatchObject({
      skills: [{ name: 'my-skill', enabled: true }],
    });
    expect(await client.getInstalledSkill('my-skill')).toMatchObject({ description: 'About my-skill' });
    expect(await client.getSkills({ load_public: false })).toMatchObject({ skills: [{ name: 'my-skill' }] });
    expect(await client.toggleSkill('my-skill', false)).toEqual({ name: 'my-skill', enabled: false });
    expect(await client.refreshSkill('my-skill')).toMatchObject({ skill: { enabled: false } });
    expect(await client.getMarketplace()).toEqual({ skills: [] });
    expect(await client.syncSkills()).toMatchObject({ status: 'error' });
    expect(await client.uninstallSkill('my-skill')).toEqual({ message: "Skill 'my-skill' uninstalled" });
    await expect(client.getInstalledSkill('my-skill')).rejects.toThrow(/404/);
    client.close();
  });

  it('installs, lists and removes plugins with all methods of PluginsClient', async () => {
    const { PluginsClient } = await import('@openhands/typescript-client/clients');
    const client = new PluginsClient(options);
    expect(await client.installPlugin({ source: path.join(fixture.folder, 'tools') })).toMatchObject({
      name: 'tools',
    });
    expect(await client.listInstalledPlugins()).toMatchObject({
      plugins: [{ files: ['.plugin/plugin.json'] }],
    });
    expect(await client.getInstalledPlugin('tools')).toMatchObject({ enabled: true, skills: [] });
    const project_dir = path.join(fixture.folder, 'project');
    expect(await client.getPlugins({ project_dir })).toMatchObject({
      plugins: [{ name: 'tools' }, { name: 'theirs' }],
    });
    expect(await client.setPluginEnabled('tools', false)).toEqual({ name: 'tools', enabled: false });
    expect(await client.refreshPlugin('tools')).toMatchObject({ plugin: { enabled: false } });
    expect(await client.getPluginsMarketplace()).toEqual({ plugins: [] });
    expect(await client.uninstallPlugin('tools')).toEqual({ message: "Plugin 'tools' uninstalled" });
    client.close();
  });

  it('lists sub-agents and loads hooks', async () => {
    const { SubAgentsClient, HooksClient } = await import('@openhands/typescript-client/clients');
    const project_dir = path.join(fixture.folder, 'project');
    const agents = new SubAgentsClient(options);
    expect(await agents.getSubAgents({ project_dir, load_builtin: false })).toMatchObject({
      agents: [{ name: 'reviewer', level: 'project' }],
    });
    const hooks = new HooksClient(options);
    expect(await hooks.loadHooks({ project_dir })).toMatchObject({
      hook_config: { stop: [{ hooks: [{ command: 'exit 0' }] }] },
    });
    agents.close();
    hooks.close();
  });
});
