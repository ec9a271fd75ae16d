import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startMcpServer, type TestMcpServer } from '../support/mcp-http.mjs';
import { startSignIn, type SignInServer } from '../support/mcp-sign-in.mjs';
import { describeWithDatabase } from '../support/postgres.js';
import { eventually } from '../support/server-process.js';
import { asJson, at, containing } from '../support/settings-fixture.js';
import { type DatabaseServer, SharedServers } from '../support/shared-servers.js';
import { SubscriptionIssuer } from '../support/subscription-issuer.js';
import { writeFiles } from '../support/write-files.js';

const put = (server: DatabaseServer, name: string) =>
  server.done('PUT', '/api/settings/secrets', { name, value: `value of ${name}` });
const value = async (server: DatabaseServer, name: string) =>
  (await server.process.request('GET', `/api/settings/secrets/${name}`)).body;

describeWithDatabase('settings of two servers with one database', () => {
  let servers: SharedServers;
  let issuer: SubscriptionIssuer;
  let here: DatabaseServer;
  let there: DatabaseServer;
  beforeAll(async () => {
    issuer = await SubscriptionIssuer.start();
    servers = await SharedServers.start(2, { OPENAI_AUTH_ISSUER: issuer.url });
    const [first, second] = servers.all;
    if (!first || !second) throw new Error('no servers');
    [here, there] = [first, second];
  });
  afterAll(async () => {
    await servers.stop();
    await issuer.stop();
  });
  // Each test writes on the one that the test before has read on.
  afterEach(() => ([here, there] = [there, here]));

  const gone = async (route: string): Promise<void> =>
    expect(await there.ask('GET', route)).toMatchObject({ status: 404 });

  it('are the same on both, with their MCP servers', async () => {
    const llm = { model: 'openai/mine', api_key: 'sk-secret-key' };
    await here.done('PATCH', '/api/settings', { agent_settings_diff: { llm }, misc_settings_diff: { a: 1 } });
    expect(await there.done('GET', '/api/settings')).toMatchObject({
      agent_settings: { llm },
      misc_settings: { a: 1 },
    });
    const route = '/api/settings/mcp/notes';
    await there.done('POST', route, { command: 'notes', env: { TOKEN: 'hush' } });
    expect((await here.ask('POST', route, { command: 'notes' })).status).toBe(409);
    await here.done('PATCH', route, { enabled: false });
    expect(at(await there.done('GET', '/api/settings'), 'agent_settings', 'mcp_config')).toMatchObject({
      notes: { command: 'notes', env: { TOKEN: 'hush' }, enabled: false },
    });
    await there.done('DELETE', route);
    expect(at(await here.done('GET', '/api/settings'), 'agent_settings', 'mcp_config')).toEqual({});
  });

  it('have the same secrets', async () => {
    const route = '/api/settings/secrets';
    await here.done('PUT', route, { name: 'TOKEN', value: 'hush-token', description: 'for git' });
    expect(await there.done('GET', route)).toEqual({ secrets: [{ name: 'TOKEN', description: 'for git' }] });
    const value = await there.process.request('GET', `${route}/TOKEN`);
    expect(value.body).toBe('hush-token');
    const [row] = await servers.database.query(`SELECT content FROM document WHERE name = 'secrets.json'`);
    expect(row?.['content']).toEqual(containing('"TOKEN"'));
    expect(row?.['content']).not.toEqual(containing('hush-token'));
    await there.done('DELETE', `${route}/TOKEN`);
    await gone(`${route}/TOKEN`);
    expect(await here.done('GET', route)).toEqual({ secrets: [] });
  });

  it('have the same LLM profiles', async () => {
    await here.done('POST', '/api/profiles/main', { llm: { model: 'scripted/x', api_key: 'sk-secret-key' } });
    expect(await there.done('GET', '/api/profiles/main')).toMatchObject({
      config: { model: 'scripted/x', api_key: 'sk-secret-key' },
    });
    await there.done('POST', '/api/profiles/main/rename', { new_name: 'other' });
    expect(await here.done('GET', '/api/profiles')).toMatchObject({ profiles: [{ name: 'other' }] });
    await here.done('POST', '/api/profiles/other/activate');
    expect(await there.done('GET', '/api/settings')).toMatchObject({
      active_profile: 'other',
      agent_settings: { llm: { model: 'scripted/x' } },
    });
    await there.done('DELETE', '/api/profiles/other');
    expect(await here.done('GET', '/api/profiles')).toEqual({ profiles: [], active_profile: null });
  });

  it('have the same agent profiles, and one default profile when both make it at once', async () => {
    const route = '/api/agent-profiles';
    const [first, second] = await Promise.all([here.done('GET', route), there.done('GET', route)]);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ profiles: [{ name: 'default' }] });
    await here.done('POST', `${route}/coder`, { llm_profile_ref: 'main' });
    const { profile } = await there.done('GET', `${route}/coder`);
    await there.done('POST', `${route}/coder/rename`, { new_name: 'writer' });
    await here.done('POST', `${route}/${String(at(profile, 'id'))}/activate`);
    expect(await there.done('GET', route)).toMatchObject({ active_agent_profile_id: at(profile, 'id') });
    await there.done('DELETE', `${route}/writer`);
    expect(await here.done('GET', route)).toMatchObject({ profiles: [{ name: 'default' }] });
  });

  it('have the same meta-profiles', async () => {
    const route = '/api/meta-profiles/router';
    const config = { classifier_model: 'main', classes: [{ description: 'easy', model: 'main' }] };
    await here.done('POST', route, config);
    expect(await there.done('GET', route)).toMatchObject({ config });
    await there.done('POST', `${route}/activate`);
    expect(await here.done('GET', '/api/settings')).toMatchObject({ active_meta_profile: 'router' });
    await here.done('DELETE', route);
    await gone(route);
    expect(await there.done('GET', '/api/settings')).toMatchObject({ active_meta_profile: null });
  });

  it('have the same provider connections', async () => {
    const route = '/api/llm/provider-connections';
    const { id } = await here.done('POST', route, { display_name: 'Team', api_key: 'sk-team-key' });
    expect((await there.process.request('GET', route)).body).toMatchObject([{ id, display_name: 'Team' }]);
    await there.done('POST', '/api/profiles/team', {
      llm: { model: 'openai/x', provider_connection_id: id },
    });
    await here.done('PATCH', `${route}/${String(id)}`, { api_key: 'sk-new-key' });
    expect(await there.done('GET', '/api/profiles/team')).toMatchObject({
      config: { api_key: 'sk-new-key' },
    });
    expect((await here.ask('DELETE', `${route}/${String(id)}`)).status).toBe(409);
    await here.done('DELETE', '/api/profiles/team');
    await there.done('DELETE', `${route}/${String(id)}`);
    expect((await here.process.request('GET', route)).body).toEqual([]);
  });

  it('have the same workspaces', async () => {
    const entry = (name: string) => ({ id: name, name, path: `/work/${name}` });
    await here.done('POST', '/api/workspaces', { workspaces: [entry('one')] });
    await there.done('POST', '/api/workspaces/parents', { parents: [entry('all')] });
    const expected = { workspaces: [entry('one')], workspaceParents: [entry('all')] };
    for (const server of [here, there])
      expect(await server.done('GET', '/api/workspaces')).toMatchObject(expected);
  });

  it('keep a ChatGPT sign-in that starts on one and goes on on the other', async () => {
    const route = (name: string): string => `/api/llm/subscription/openai/${name}`;
    const { device_code, user_code } = await here.done('POST', route('device/start'));
    const poll = { device_code };
    expect(await there.done('POST', route('device/poll'), poll)).toMatchObject({ connected: false });
    issuer.approve(String(user_code));
    // A token that is over at once is renewed by each status.
    issuer.life = 1;
    expect(await there.done('POST', route('device/poll'), poll)).toMatchObject({ connected: true });
    expect((await here.ask('POST', route('device/poll'), poll)).status).toBe(404);
    issuer.life = 3600;
    const before = issuer.requests.length;
    const states = await Promise.all(
      [here, there, here, there].map((server) => server.done('GET', route('status'))),
    );
    for (const state of states) expect(state).toEqual({ ...states[0], connected: true });
    const renewals = issuer.requests.slice(before).map(({ fields }) => fields['grant_type']);
    expect(renewals).toEqual(['refresh_token']);
    await here.done('POST', route('logout'));
    expect(await there.done('GET', route('status'))).toMatchObject({ connected: false });
    const pending = await there.done('POST', route('device/start'));
    await here.done('POST', route('logout'));
    const late = await there.ask('POST', route('device/poll'), { device_code: pending['device_code'] });
    expect(late.status).toBe(404);
    const rows = await servers.database.query('SELECT id, content FROM expiring_record');
    expect(JSON.stringify(rows)).not.toContain(String(device_code));
  });

  it('lose no change when many requests come to both at once', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `SECRET_${index}`);
    await Promise.all(
      names.map((name, index) =>
        (index % 2 === 0 ? here : there).done('PUT', '/api/settings/secrets', {
          name,
          value: `value-${index}`,
        }),
      ),
    );
    const { secrets } = await there.done('GET', '/api/settings/secrets');
    expect((secrets as unknown[]).map((secret) => at(secret, 'name')).sort()).toEqual([...names].sort());
  });

  it('leave extensions on the server that has installed them, which says so', async () => {
    const source = path.join(servers.folder, 'my-skill');
    await mkdir(source, { recursive: true });
    await writeFile(path.join(source, 'SKILL.md'), '---\nname: my-skill\ndescription: Mine\n---\nText');
    await here.done('POST', '/api/skills/install', { source });
    await here.process.logs("Skill 'my-skill' is installed on this server only");
    expect(JSON.stringify(await here.done('GET', '/api/skills/installed'))).toContain('my-skill');
    expect(JSON.stringify(await there.done('GET', '/api/skills/installed'))).not.toContain('my-skill');
  });

  it('are not written to files', async () => {
    for (const { folder } of servers.all) {
      const files = await readdir(folder, { recursive: true });
      expect(files.filter((file) => /(settings|secrets|profiles|workspaces)[^/]*\.json$/.test(file))).toEqual(
        [],
      );
    }
  });

  it('are refused to a server with another secret key, or without one', async () => {
    const reason = 'secret_key: expected the key of the other servers of the database';
    await Promise.all(
      ['key-two', ''].map((OH_SECRET_KEY, index) =>
        expect(servers.add(`refused-${index}`, { OH_SECRET_KEY })).rejects.toThrow(reason),
      ),
    );
  });

  describe('with an MCP server that people sign in to', () => {
    let mcp: TestMcpServer;
    let front: SignInServer;
    beforeAll(async () => {
      mcp = await startMcpServer();
      front = await startSignIn({ to: mcp.url, secret: true });
    });
    afterAll(async () => {
      await front.close();
      await mcp.close();
    });

    const route = (name: string, id: unknown): string => `/api/mcp/oauth/${name}/${String(id)}`;
    const start = () =>
      here.done('POST', '/api/mcp/oauth/start', { server: { url: front.url, auth: { strategy: 'oauth2' } } });

    it('finish a sign-in whose callback another server receives', async () => {
      const { job_id: id, authorization_url: url } = await start();
      expect(await there.done('GET', route('status', id))).toMatchObject({
        status: 'authorizing',
        authorization_url: url,
        callback_ready: true,
      });
      const signedIn = await fetch(String(url), { redirect: 'manual' });
      const callback_url = signedIn.headers.get('location') ?? '';
      const wrong = { callback_url: callback_url.replace(/state=[^&]*/, 'state=x') };
      expect(await there.ask('POST', route('callback', id), wrong)).toMatchObject({ status: 400 });
      const ended = await there.done('POST', route('callback', id), { callback_url });
      expect(ended).toMatchObject({
        ok: true,
        status: 'succeeded',
        tools: expect.arrayContaining(['add']) as unknown,
      });
      expect(asJson(ended['oauth_state'])).toHaveProperty('tokens');
      for (const server of [here, there])
        expect(await server.done('GET', route('status', id))).toEqual(ended);
      expect(await there.ask('POST', route('callback', id), { callback_url })).toMatchObject({ status: 409 });
      expect(await there.ask('GET', route('status', 'x'))).toMatchObject({ status: 404 });
    });

    it('are those of a server that joins, whose sign-in has a result also after its end', async () => {
      await put(here, 'A');
      const own = await servers.add('short-lived');
      expect(await value(own, 'A')).toBe('value of A');
      await here.done('DELETE', '/api/settings/secrets/A');
      const { job_id: id } = await own.done('POST', '/api/mcp/oauth/start', {
        server: { url: front.url, auth: { strategy: 'oauth2' } },
      });
      await own.process.end();
      expect(await there.done('GET', route('status', id))).toMatchObject({ ok: false, status: 'failed' });
    });
  });
});

describeWithDatabase('servers of one database', () => {
  let servers: SharedServers;
  let first: DatabaseServer;
  let files: string;
  beforeAll(async () => {
    servers = await SharedServers.start(0, { OH_SECRET_KEY: 'key-one' });
    files = path.join(servers.folder, 'with-files', 'home', '.openhands');
    await writeFiles(files, {
      'secrets.json': '{"custom_secrets": {"FILE": {"secret": "x"}}}',
      'profiles/mine.json': '{"model": "openai/x"}',
    });
    first = await servers.add('with-files');
  });
  afterAll(() => servers.stop());

  it('take nothing silently from the files that they find', async () => {
    const stored = await first.done('GET', '/api/settings/secrets');
    expect(JSON.stringify(stored)).not.toContain('FILE');
    expect(await first.done('GET', '/api/profiles')).toMatchObject({ profiles: [] });
    expect((await readdir(files)).sort()).toEqual(expect.arrayContaining(['profiles', 'secrets.json']));
    await eventually(() => first.process.log.includes('stored as files'), 'the warning');
    expect(first.process.log).toContain(files);
  });

  it('change their secret key one after another', async () => {
    await put(first, 'OLD');
    const both = { OH_SECRET_KEY: 'key-one', OH_PREVIOUS_SECRET_KEYS: '["key-two"]' };
    const second = await servers.add('knows-the-new-key', both);
    const next = { OH_SECRET_KEY: 'key-two', OH_PREVIOUS_SECRET_KEYS: '["key-one"]' };
    const third = await servers.add('uses-the-new-key', next);
    await put(third, 'NEW');
    for (const server of [second, third]) {
      expect(await value(server, 'OLD')).toBe('value of OLD');
      expect(await value(server, 'NEW')).toBe('value of NEW');
    }
    await expect(servers.add('late')).rejects.toThrow('a key that does not open their secrets');
  });
});
