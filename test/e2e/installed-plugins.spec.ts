import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { bareCopy, commitAll, skillText, writeFiles } from '../support/extension-files.js';
import { at, containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

const manifest = (name: string) => JSON.stringify({ name, version: '0.1.0', description: `About ${name}` });

describe('installed plugins', () => {
  let fixture: SettingsFixture;
  /** A marketplace of the configuration, and the repositories of github.com for this server. */
  let [market, hub] = ['', ''];
  /** The folder of a test. */
  let folder: string;
  let source: string;
  beforeAll(async () => {
    [market, hub] = [
      await mkdtemp(path.join(os.tmpdir(), 'market-')),
      await mkdtemp(path.join(os.tmpdir(), 'hub-')),
    ];
    fixture = await SettingsFixture.start({
      OH_GITHUB_URL: `file://${hub}`,
      OH_REGISTERED_MARKETPLACES_0_NAME: 'mine',
      OH_REGISTERED_MARKETPLACES_0_SOURCE: market,
    });
  });
  beforeEach(async () => {
    await fixture.clear();
    folder = await mkdtemp(path.join(fixture.folder, 'test-'));
    source = path.join(folder, 'source');
    await writeFiles(source, {
      '.plugin/plugin.json': manifest('tools'),
      'skills/helper/SKILL.md': skillText('helper', 'body-of-helper', 'triggers: [helpword]\n'),
      'commands/do-it.md': '---\ndescription: does it\n---\nDo it.',
      'hooks/hooks.json': JSON.stringify({ hooks: { Stop: [{ hooks: [{ command: 'echo of-plugin' }] }] } }),
    });
  });
  afterAll(async () => {
    await fixture.stop();
    for (const other of [market, hub]) await rm(other, { recursive: true });
  });

  const names = (list: unknown) =>
    Array.isArray(list) ? list.map((entry: unknown) => at(entry, 'name')) : [];
  const plugins = async (body: Json = {}) => (await fixture.done('POST', '/api/plugins', body))['plugins'];
  const contents = {
    skills: [
      { name: 'helper', description: 'About helper' },
      { name: 'tools:do-it', description: 'does it' },
    ],
    files: ['.plugin/plugin.json', 'commands/do-it.md', 'hooks/hooks.json', 'skills/helper/SKILL.md'],
  };
  const install = (body: Json) => fixture.ask('POST', '/api/plugins/install', body);

  it('installs, lists, disables, refreshes and uninstalls a plugin', async () => {
    const one = '/api/plugins/installed/tools';
    const { body } = await install({ source });
    const installPath = path.join(fixture.root, 'plugins/installed/tools');
    expect(body).toMatchObject({
      ...{
        name: 'tools',
        version: '0.1.0',
        description: 'About tools',
        enabled: true,
        install_path: installPath,
      },
      ...contents,
    });
    expect((await install({ source })).body).toEqual({
      detail: 'Plugin already installed. Use force=true to overwrite.',
    });
    expect(await plugins()).toEqual([
      { name: 'tools', version: '0.1.0', description: 'About tools', path: installPath, ...contents },
    ]);
    expect((await fixture.done('GET', '/api/plugins/installed'))['plugins']).toEqual([body]);
    await fixture.done('PATCH', one, { enabled: false });
    expect(await plugins()).toEqual([]);
    const refreshed = await fixture.done('POST', `${one}/refresh`);
    expect(refreshed).toMatchObject({
      message: "Plugin 'tools' updated",
      plugin: { enabled: false, ...contents },
    });
    expect(await fixture.done('DELETE', one)).toEqual({ message: "Plugin 'tools' uninstalled" });
    expect((await fixture.ask('GET', one)).body).toEqual({ detail: "Plugin 'tools' is not installed" });
  });

  it('installs a folder without a manifest, and rejects unsafe names and broken manifests', async () => {
    const plain = path.join(folder, 'plain');
    await writeFiles(plain, { 'x.txt': 'x' });
    expect((await install({ source: plain })).body).toMatchObject({
      ...{
        name: 'plain',
        version: '1.0.0',
        description: 'Plugin loaded from plain',
        skills: [],
        files: ['x.txt'],
      },
    });
    for (const name of ['../evil', 'Bad', '.', '', 'x'.repeat(300)]) {
      await writeFiles(plain, { '.plugin/plugin.json': manifest(name) });
      expect((await install({ source: plain, force: true })).status).toBe(422);
    }
    for (const broken of ['{ broken', '[]', '{}', '{"name": 3}', 'null']) {
      await writeFiles(plain, { '.plugin/plugin.json': broken });
      expect(await install({ source: plain, force: true })).toEqual({
        status: 422,
        body: { detail: containing('Invalid plugin. Ensure it has a valid kebab-case name.') },
      });
    }
    expect((await install({ source: '/nowhere' })).body).toEqual({
      detail: containing('Failed to fetch plugin source. Check that the source is valid.'),
    });
  });

  it('lists a plugin with a damaged manifest without contents, and rejects conversations that name it', async () => {
    const source = path.join(folder, 'damaged');
    await writeFiles(source, { '.plugin/plugin.json': manifest('damaged'), 'x.txt': 'x' });
    const { body } = await install({ source });
    const file = path.join(String(body['install_path']), '.plugin/plugin.json');
    await writeFile(file, '{ broken');
    const { plugins } = await fixture.done('GET', '/api/plugins/installed');
    const found = (plugins as Record<string, unknown>[]).find(({ name }) => name === 'damaged');
    expect(found).toMatchObject({ version: '0.1.0', skills: null, files: null });
    expect(await fixture.done('GET', '/api/plugins/installed/damaged')).toEqual(found);
    const agent = { llm: { model: 'scripted/test' }, tools: [] };
    const refused = await fixture.ask('POST', '/api/conversations', {
      ...{ agent, workspace: { working_dir: folder } },
      plugins: [{ source: body['install_path'] }],
    });
    expect(refused).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'plugins', 0, 'source'], msg: containing(file) }] },
    });
    await fixture.done('DELETE', '/api/plugins/installed/damaged');
  });

  it('lists plugins of the user and of the project, which takes precedence', async () => {
    const project = path.join(folder, 'project');
    await writeFiles(path.join(fixture.folder, 'home'), {
      '.agents/plugins/mine/.plugin/plugin.json': manifest('mine'),
      '.openhands/plugins/both/.plugin/plugin.json': manifest('both'),
    });
    await writeFiles(folder, {
      'project/.agents/plugins/both/.plugin/plugin.json': manifest('both'),
      'project/.openhands/plugins/theirs/.plugin/plugin.json': manifest('theirs'),
    });
    await symlink(source, path.join(project, '.agents/plugins/linked'));
    const all = await plugins({ project_dir: project });
    expect(names(all)).toEqual(['mine', 'both', 'theirs']);
    expect(at(all, '1', 'path')).toBe(path.join(project, '.agents/plugins/both'));
    expect(names(await plugins({ project_dir: project, load_user: false }))).toEqual(['both', 'theirs']);
    expect(names(await plugins({ project_dir: project, load_project: false }))).toEqual(['mine', 'both']);
  });

  it('loads installed plugins into new conversations until they are disabled', async () => {
    await install({ source });
    const talk = async (more: Json = {}) => {
      const work = path.join(folder, 'work');
      await mkdir(work, { recursive: true });
      const request = { ...scriptedRequest(work, 'SAY: about helpword'), ...more };
      const conversation = await ConversationClient.create(fixture.server, request);
      await conversation.reaches('finished');
      return JSON.stringify(await conversation.events());
    };
    const first = await talk();
    expect(first).toContain('body-of-helper');
    expect(first).toContain('echo of-plugin');
    await fixture.done('PATCH', '/api/plugins/installed/tools', { enabled: false });
    const second = await talk();
    expect(second).not.toContain('body-of-helper');
    expect(second).not.toContain('echo of-plugin');
  });

  it('starts no hooks or MCP servers of project plugins where actions need confirmation', async () => {
    const work = path.join(folder, 'work');
    await writeFiles(path.join(work, '.agents/plugins/theirs'), {
      '.plugin/plugin.json': manifest('theirs'),
      'skills/theirs/SKILL.md': skillText('theirs', 'x'),
      'hooks/hooks.json': JSON.stringify({ hooks: { Stop: [{ hooks: [{ command: 'echo of-project' }] }] } }),
      '.mcp.json': JSON.stringify({ mcpServers: { theirs: { command: '/bin/false', enabled: false } } }),
    });
    const known = async (load_project_skills: boolean, kind: string) => {
      const request = scriptedRequest(work, 'SAY: hi');
      const agent = { ...request.agent, agent_context: { load_project_skills } };
      const more = { agent, confirmation_policy: { kind } };
      const conversation = await ConversationClient.create(fixture.server, { ...request, ...more });
      await conversation.reaches('finished');
      const text = JSON.stringify([await conversation.info(), await conversation.events()]);
      return ['About theirs', 'echo of-project', '/bin/false'].map((word) => text.includes(word));
    };
    expect(await known(false, 'NeverConfirm')).toEqual([false, false, false]);
    expect(await known(true, 'NeverConfirm')).toEqual([true, true, true]);
    expect(await known(true, 'AlwaysConfirm')).toEqual([true, false, false]);
  });

  it('fetches a plugin for inspection without installing it', async () => {
    const facts = {
      manifest: { name: 'tools', version: '0.1.0', description: 'About tools' },
      ...{ skills: ['helper'], commands: ['do-it'] },
    };
    const fetched = (body: Json) => fixture.ask('POST', '/api/plugins/fetch', body);
    expect((await fetched({ source })).body).toEqual({
      path: source,
      resolved_ref: null,
      source,
      repo_path: null,
      ...facts,
    });
    const commit = await commitAll(source);
    await bareCopy(source, path.join(folder, 'tools.git'));
    const address = `file://${folder}/tools.git`;
    const { body } = await fetched({ source: address });
    expect(body).toMatchObject({ resolved_ref: commit, source: address, ...facts });
    expect((await fetched({ source: String(body['path']) })).body).toMatchObject(facts);
    expect(await fetched({ source: '/nowhere' })).toEqual({
      status: 422,
      body: { detail: { code: 'invalid_plugin', message: 'Invalid plugin: plugin.json not found.' } },
    });
    expect(await fetched({ source: `file://${folder}/none.git` })).toMatchObject({
      status: 502,
      body: { exception: containing('source_unavailable') },
    });
    expect((await fetched({ source: 'x/y', timeout: 601 })).status).toBe(422);
    expect((await fixture.done('GET', '/api/plugins/installed'))['plugins']).toEqual([]);
  });

  it('lists what marketplaces offer, and fetches the public one only on request', async () => {
    const open = path.join(folder, 'open');
    await writeFiles(open, {
      'marketplaces/default.json': JSON.stringify({
        plugins: [
          { name: 'demo', source: './plugins/demo', description: 'Demo' },
          { name: 'alpha', source: './skills/alpha', description: 'Alpha' },
          { name: 'outside', source: '../../..' },
        ],
      }),
      'plugins/demo/.plugin/plugin.json': manifest('demo'),
      'skills/alpha/SKILL.md': skillText('alpha', 'say alpha'),
      'skills/unlisted/SKILL.md': skillText('unlisted', 'x'),
    });
    await commitAll(open);
    await writeFiles(market, {
      '.claude-plugin/marketplace.json': JSON.stringify({
        plugins: [{ name: 'tools', source: './tools' }],
      }),
      'tools/.plugin/plugin.json': manifest('tools'),
    });
    const offered = async (kind: string) => (await fixture.done('GET', `/api/${kind}/marketplace`))[kind];
    expect(names(await offered('skills'))).toEqual(['tools']);
    expect(await fixture.done('POST', '/api/skills/sync')).toMatchObject({ status: 'error' });
    await bareCopy(open, path.join(hub, 'OpenHands/extensions.git'));
    for (let again = 0; again < 2; again++) {
      expect(await fixture.done('POST', '/api/skills/sync')).toEqual({
        status: 'success',
        message: 'Skills repository synced successfully',
      });
    }
    const cache = path.join(fixture.root, 'cache/skills/public-skills');
    expect(await offered('skills')).toMatchObject([
      { name: 'demo', description: 'Demo', source: path.join(cache, 'plugins/demo'), installed: false },
      { name: 'alpha', source: path.join(cache, 'skills/alpha'), installed: false },
      { name: 'tools', source: path.join(market, 'tools'), installed: false },
    ]);
    expect(await offered('plugins')).toMatchObject([
      { name: 'demo', ref: null, repo_path: null, installed: false, files: ['.plugin/plugin.json'] },
      { name: 'tools' },
    ]);
    const skills = async (body: Json) => names((await fixture.done('POST', '/api/skills', body))['skills']);
    expect(await skills({})).toEqual(['alpha']);
    expect(await skills({ load_public: false })).toEqual([]);
    expect(await skills({ marketplace_path: null })).toEqual(['alpha', 'unlisted']);
    expect(await skills({ marketplace_path: '../../../../../etc/passwd' })).toEqual([]);
    expect((await fixture.done('GET', '/api/skills/catalog'))['skills']).toMatchObject([
      { name: 'alpha', origin: 'public' },
    ]);
    await fixture.done('POST', '/api/skills/install', { source: path.join(cache, 'skills/alpha') });
    await install({ source: path.join(cache, 'plugins/demo') });
    expect(await offered('skills')).toMatchObject([
      { installed: false },
      { name: 'alpha', installed: true },
      {},
    ]);
    expect(await offered('plugins')).toMatchObject([{ name: 'demo', installed: true }, { installed: false }]);
  });
});
