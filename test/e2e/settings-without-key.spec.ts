import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { at, SettingsFixture, type Json } from '../support/settings-fixture.js';
import { textsBelow } from '../support/texts-below.js';

const PLAIN = { 'x-expose-secrets': 'plaintext' };

describe('settings of a server without a secret key', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start({ OH_SECRET_KEY: '' })));
  afterAll(() => fixture.stop());
  afterEach(() => fixture.clear());

  const key = (settings: Json) => at(settings, 'agent_settings', 'llm', 'api_key');
  const written = () => textsBelow(fixture.root);

  it('settings of a server without a secret key keep secrets in memory, never on disk, and log it', async () => {
    const mcp_config = { docs: { command: 'x', env: { TOKEN: 'hush-env' } } };
    const llm = {
      ...{ model: 'openai/x', api_key: 'hush-key', base_url: 'https://me:hush-pass@models.test/v1' },
      extra_headers: { Authorization: 'Bearer hush-header' },
    };
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: { llm, mcp_config } });
    await fixture.done('POST', '/api/profiles/main', { llm });
    await fixture.done('PUT', '/api/settings/secrets', { name: 'TOKEN', value: 'hush-secret' });
    const made = await fixture.done('POST', '/api/llm/provider-connections', {
      ...{ display_name: 'Mine', api_key: 'hush-connection' },
    });
    await fixture.done('POST', '/api/profiles/linked', {
      llm: { model: 'openai/x', provider_connection_id: made['id'] },
    });
    await fixture.done('POST', '/api/profiles/main/rename', { new_name: 'other' });
    expect(await written()).not.toContain('hush');

    // The secrets are available until this process ends.
    expect(await fixture.plain()).toMatchObject({ agent_settings: { llm, mcp_config } });
    expect(await fixture.done('GET', '/api/profiles/other', undefined, PLAIN)).toMatchObject({ config: llm });
    expect(await fixture.done('GET', '/api/profiles/linked', undefined, PLAIN)).toMatchObject({
      config: { api_key: 'hush-connection' },
    });
    const secret = await fetch(`${fixture.server.url}/api/settings/secrets/TOKEN`);
    expect(await secret.text()).toBe('hush-secret');
    await fixture.done('PATCH', '/api/settings', { misc_settings_diff: { a: 1 } });
    expect(key(await fixture.plain())).toBe('hush-key');
    await fixture.server.logs(/settings\.json: secrets are kept in memory only/);
    expect(fixture.server.log).not.toContain('hush');

    await fixture.restart();
    expect(await fixture.plain()).toMatchObject({
      llm_api_key_is_set: false,
      agent_settings: { llm: { model: 'openai/x', api_key: null } },
    });
    expect((await fixture.ask('GET', '/api/settings/secrets/TOKEN')).status).toBe(404);
  });

  it('settings of a server without a secret key cannot be read in encrypted form', async () => {
    for (const route of ['/api/settings', '/api/profiles/x']) {
      expect(await fixture.ask('GET', route, undefined, { 'x-expose-secrets': 'encrypted' })).toMatchObject({
        status: 503,
      });
    }
  });

  it('settings of a server without a secret key keep a plaintext key of another program until it is changed', async () => {
    await mkdir(fixture.root, { recursive: true });
    const agent_settings = { llm: { model: 'openai/x', api_key: 'was-there' } };
    await writeFile(path.join(fixture.root, 'settings.json'), JSON.stringify({ agent_settings }));
    await fixture.done('PATCH', '/api/settings', { misc_settings_diff: { a: 1 } });
    await fixture.restart();
    expect(key(await fixture.plain())).toBe('was-there');
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: { llm: { api_key: 'hush-new' } } });
    expect(await written()).not.toMatch(/hush-new|was-there/);
  });

  it('settings of a server without a secret key keep a secret in memory when another server rewrites the file', async () => {
    const llm = { model: 'openai/x', api_key: 'hush-key' };
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: { llm } });
    const other = await fixture.another();
    try {
      const change = { misc_settings_diff: { a: 1 } };
      expect(await other.request('PATCH', '/api/settings', change)).toMatchObject({ status: 200 });
    } finally {
      await other.end();
    }
    const settings = await fixture.plain();
    expect([key(settings), settings['misc_settings']]).toEqual(['hush-key', { a: 1 }]);
  });
});
