import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asJson, at, SettingsFixture, type Json } from '../support/settings-fixture.js';
import { textsBelow } from '../support/texts-below.js';

const PLAIN = { 'x-expose-secrets': 'plaintext' };
const TOKEN = /^gAAAAA/;

const llm = {
  ...{ model: 'openai/x', api_key: 'hush-key', base_url: 'https://me:hush-pass@models.test/v1' },
  extra_headers: { Authorization: 'Bearer hush-header', 'X-Innocent': 'hush-innocent' },
  litellm_extra_body: { api_key: 'hush-body', user: 'plain' },
};
const agent = {
  llm,
  mcp_config: {
    web: { url: 'https://me:hush-mcp@mcp.test/mcp', headers: { 'X-Innocent': 'hush-mcp-header' } },
    signed: {
      url: 'https://me:hush-beside-auth@mcp.test/mcp',
      auth: { strategy: 'header', headers: { 'X-Innocent': 'hush-auth-header' } },
    },
    tool: { command: 'x', env: { INNOCENT: 'hush-env' } },
  },
  agent_context: {
    secrets: {
      TEXT: 'hush-text',
      LOOKUP: {
        kind: 'LookupSecret',
        url: 'https://me:hush-lookup@secrets.test/',
        headers: { 'X-Innocent': 'hush-lookup-header' },
      },
    },
  },
};

describe('settings stored with a secret key', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start()));
  afterAll(() => fixture.stop());
  afterEach(() => fixture.clear());

  const written = () => textsBelow(fixture.root);
  /** Without what the audit log adds. */
  const settings = () => textsBelow(fixture.root, 'audit');
  const everything = async (headers?: Record<string, string>, of = fixture) => {
    const routes = [
      ...['/api/settings', '/api/profiles', '/api/profiles/main', '/api/agent-profiles'],
      ...['/api/llm/provider-connections', '/api/settings/secrets'],
    ];
    const answers: [string, Json][] = [];
    for (const route of routes) {
      const { status, body } = await of.ask('GET', route, undefined, headers);
      expect({ route, status, body }).toMatchObject({ status: 200 });
      answers.push([route, body]);
    }
    return Object.fromEntries(answers);
  };
  const fill = async () => {
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: agent });
    await fixture.done('POST', '/api/profiles/main', { llm });
    await fixture.done('PUT', '/api/settings/secrets', { name: 'MINE', value: 'hush-mine' });
    return fixture.done('POST', '/api/llm/provider-connections', {
      ...{ display_name: 'Mine', api_key: 'hush-connection', base_url: 'https://me:hush-url@models.test' },
    });
  };
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  /**
   * What comes back in clear: name and password of an address have become a header, which other programs
   * encrypt.
   */
  const kept = {
    llm,
    agent_context: {
      secrets: {
        TEXT: 'hush-text',
        LOOKUP: {
          ...{ kind: 'LookupSecret', url: 'https://secrets.test/' },
          headers: { 'X-Innocent': 'hush-lookup-header', Authorization: basic('me:hush-lookup') },
        },
      },
    },
    mcp_config: {
      ...agent.mcp_config,
      web: {
        url: 'https://mcp.test/mcp',
        headers: {
          'X-Innocent': 'hush-mcp-header',
          Authorization: basic('me:hush-mcp'),
        },
      },
    },
  };

  it('contain no plaintext value of a header, a variable or a URL, on disk or in answers', async () => {
    await fill();
    expect(await written()).not.toMatch(/hush|aHVzaC/);
    expect(JSON.stringify(await everything())).not.toMatch(/hush/);
    expect(JSON.stringify(await everything({ 'x-expose-secrets': 'encrypted' }))).not.toMatch(/hush/);
    expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    await fixture.restart('SIGKILL');
    expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    const profile = await fixture.done('GET', '/api/profiles/main', undefined, PLAIN);
    expect(profile).toMatchObject({ config: llm });
  });

  it('contain tokens only in fields that other programs decrypt, and keep the others encrypted apart', async () => {
    await fill();
    const { agent_settings, misc_settings } = await fixture.file('settings.json');
    expect(agent_settings).toMatchObject({
      llm: {
        api_key: expect.stringMatching(TOKEN) as unknown,
        base_url: 'https://@models.test/v1',
        extra_headers: {},
        litellm_extra_body: { user: 'plain' },
      },
      mcp_config: {
        web: {
          url: 'https://mcp.test/mcp',
          headers: {
            'X-Innocent': expect.stringMatching(TOKEN) as unknown,
            Authorization: expect.stringMatching(TOKEN) as unknown,
          },
        },
        signed: { auth: { headers: { 'X-Innocent': expect.stringMatching(TOKEN) as unknown } } },
      },
      agent_context: {
        secrets: {
          TEXT: expect.stringMatching(TOKEN) as unknown,
          LOOKUP: { headers: { Authorization: expect.stringMatching(TOKEN) as unknown } },
        },
      },
    });
    expect(JSON.stringify(at(agent_settings, 'agent_context'))).not.toContain('X-Innocent');
    expect(Object.keys(asJson(at(misc_settings, 'agent_server_encrypted')))).toHaveLength(6);
    // Clients do not see the field and cannot write to it.
    const planted = { misc_settings_diff: { agent_server_encrypted: { '/llm/api_key': 'gAAAAAx' } } };
    await fixture.done('PATCH', '/api/settings', planted);
    expect(await fixture.plain()).toMatchObject({ misc_settings: {}, agent_settings: kept });
  });

  it('settings stored with a secret key stay unchanged when clients send them back masked or as tokens', async () => {
    const { id } = await fill();
    for (const headers of [{}, { 'x-expose-secrets': 'encrypted' }] as Record<string, string>[]) {
      const { agent_settings } = await fixture.done('GET', '/api/settings', undefined, headers);
      const { llm: shown, mcp_config, agent_context } = asJson(agent_settings);
      const diff = { llm: shown, mcp_config, agent_context };
      await fixture.done('PATCH', '/api/settings', { agent_settings_diff: diff });
      expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    }
    const { config } = await fixture.done('GET', '/api/profiles/main');
    const { api_key: _hidden, ...shown } = asJson(config);
    await fixture.done('POST', '/api/profiles/main', { llm: { ...shown, api_key: '**********' } });
    expect(await fixture.done('GET', '/api/profiles/main', undefined, PLAIN)).toMatchObject({ config: llm });
    const route = `/api/llm/provider-connections/${String(id)}`;
    const base_url = 'https://**********@models.test';
    expect(await fixture.done('PATCH', route, { base_url })).toMatchObject({ base_url });
    await fixture.done('POST', '/api/profiles/linked', { llm: { model: 'm', provider_connection_id: id } });
    expect(await fixture.done('GET', '/api/profiles/linked', undefined, PLAIN)).toMatchObject({
      config: { api_key: 'hush-connection', base_url: 'https://me:hush-url@models.test' },
    });
  });

  it('settings stored with a secret key are read when another program stored them in plaintext, and encrypted with the next change', async () => {
    await mkdir(path.join(fixture.root, 'profiles'), { recursive: true });
    await writeFile(path.join(fixture.root, 'settings.json'), JSON.stringify({ agent_settings: agent }));
    await writeFile(path.join(fixture.root, 'profiles', 'main.json'), JSON.stringify(llm));
    expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    expect(JSON.stringify(await everything())).not.toContain('hush');
    await fixture.done('PATCH', '/api/settings', { misc_settings_diff: { theme: 'dark' } });
    const { config } = await fixture.done('GET', '/api/profiles/main', undefined, PLAIN);
    await fixture.done('POST', '/api/profiles/main', { llm: config });
    expect(await written()).not.toContain('hush');
    expect(await fixture.plain()).toMatchObject({ agent_settings: kept, misc_settings: { theme: 'dark' } });
  });

  it('settings stored with a secret key survive a program that rewrites the file without the fields it does not know', async () => {
    await fill();
    const file = await fixture.file('settings.json');
    const stored = asJson(file['agent_settings']);
    const rewritten = { ...stored, llm: { ...asJson(stored['llm']), extra_headers: null } };
    const settings = JSON.stringify({ ...file, agent_settings: rewritten });
    await writeFile(path.join(fixture.root, 'settings.json'), settings);
    expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    // The secrets are not sent to another provider.
    const elsewhere = { ...rewritten, llm: { ...rewritten.llm, base_url: 'https://elsewhere.test' } };
    await writeFile(
      path.join(fixture.root, 'settings.json'),
      JSON.stringify({ ...file, agent_settings: elsewhere }),
    );
    expect(JSON.stringify(at(await fixture.plain(), 'agent_settings', 'llm'))).not.toMatch(/hush-(?!key)/);
  });

  it.each([
    ['another key', { OH_SECRET_KEY: 'another-key' }],
    ['no key', { OH_SECRET_KEY: '' }],
  ])(
    'settings stored with a secret key are read by a server with %s without their secrets, and are not overwritten',
    async (_name, env) => {
      await fill();
      const before = await settings();
      await fixture.withAnother(env, async (other) => {
        const seen = await everything(undefined, other);
        expect(seen['/api/settings']).toMatchObject({
          llm_api_key_is_set: false,
          agent_settings: {
            llm: { model: 'openai/x', api_key: null, base_url: 'https://@models.test/v1' },
            mcp_config: { web: { url: 'https://mcp.test/mcp' }, tool: { command: 'x' } },
          },
        });
        expect(seen['/api/profiles']).toMatchObject({
          profiles: [{ name: 'main', model: 'openai/x', api_key_set: false }],
        });
        expect(seen['/api/profiles/main']).toMatchObject({
          config: { model: 'openai/x' },
          api_key_set: false,
        });
        expect(seen['/api/settings/secrets']).toEqual({ secrets: [{ name: 'MINE', description: null }] });
        expect(seen['/api/llm/provider-connections']).toMatchObject({
          0: { display_name: 'Mine', base_url: 'https://@models.test', api_key_set: false },
        });
        expect(JSON.stringify([seen, await other.plain()])).not.toMatch(/hush|gAAAAA/);

        const refused = {
          detail: expect.stringMatching(/encrypted with a different key.*OH_SECRET_KEY/) as unknown,
        };
        const change = { agent_settings_diff: { llm: { model: 'openai/y' } } };
        expect(await other.ask('PATCH', '/api/settings', change)).toEqual({ status: 409, body: refused });
        const secret = { name: 'OTHER', value: 'x' };
        expect(await other.ask('PUT', '/api/settings/secrets', secret)).toEqual({
          status: 409,
          body: refused,
        });
        expect((await other.ask('GET', '/api/settings/secrets/MINE')).status).toBe(409);
        await other.server.logs(/settings\.json: no key opens [^"]*llm\/api_key/);
        expect(await settings()).toBe(before);
      });
      expect(await fixture.plain()).toMatchObject({ agent_settings: kept });
    },
  );
});
