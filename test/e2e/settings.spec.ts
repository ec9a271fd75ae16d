import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { undefinedIfMissing } from '../../src/files/index.js';
import { asJson, at, containing, SettingsFixture } from '../support/settings-fixture.js';
import { writeFiles } from '../support/write-files.js';

const MASK = '**********';
const change = (agent: object) => ({ agent_settings_diff: agent });

describe('settings', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start()));
  afterAll(() => fixture.stop());
  afterEach(() => fixture.clear());

  const patch = (body: unknown) => fixture.ask('PATCH', '/api/settings', body);
  const get = (headers = {}) => fixture.done('GET', '/api/settings', undefined, headers);
  const key = async (of = fixture) => at(await of.plain(), 'agent_settings', 'llm', 'api_key');

  /** What is stored, without the audit log, which may get the end of the test before. */
  const stored = async () => {
    const names = await readdir(fixture.root).catch(undefinedIfMissing);
    return (names ?? []).filter((name) => name !== 'audit');
  };

  it('settings are the defaults, and are not written to disk, until somebody changes them', async () => {
    const settings = await get();
    expect(settings).toMatchObject({
      agent_settings: {
        schema_version: 9,
        agent_kind: 'openhands',
        llm: { model: 'gpt-5.6', api_key: null },
      },
      conversation_settings: { max_iterations: 500, security_analyzer: 'llm' },
      llm_api_key_is_set: false,
      active_profile: null,
      misc_settings: {},
    });
    expect(await stored()).toEqual([]);
  });

  it('settings are not repeated in errors when a secret is sent in the wrong form', async () => {
    const secret = 'hush-hush';
    const numeric = 271828182845;
    const wrong: [string, string, unknown][] = [
      ...[[secret], { a: secret }, numeric].map((value): [string, string, unknown] => [
        'PUT',
        '/api/settings/secrets',
        { name: 'N', value },
      ]),
      // The name is missing: the error is about the whole body.
      ['PUT', '/api/settings/secrets', { value: secret }],
      ['PUT', '/api/settings/secrets', secret],
      ['PUT', '/api/settings/secrets', [secret]],
      ['PATCH', '/api/settings', secret],
      ...['agent_settings_diff', 'conversation_settings_diff', 'misc_settings_diff'].flatMap((field) =>
        [secret, [secret], numeric].map((value): [string, string, unknown] => [
          'PATCH',
          '/api/settings',
          { [field]: value },
        ]),
      ),
      ...[{ llm: secret }, { llm: [secret] }, { llm: { api_key: [secret] } }, { mcp_config: [secret] }].map(
        (diff): [string, string, unknown] => ['PATCH', '/api/settings', change(diff)],
      ),
    ];
    for (const [method, route, sent] of wrong) {
      const { status, body } = await fixture.ask(method, route, sent);
      const told = JSON.stringify(body);
      expect([sent, status, told.includes(secret) || told.includes(String(numeric))]).toEqual([
        sent,
        422,
        false,
      ]);
    }
    expect((await fixture.ask('PUT', '/api/settings/secrets', { name: 'N', value: [secret] })).body).toEqual({
      detail: [
        {
          type: 'string_type',
          loc: ['body', 'value'],
          msg: 'Input should be a valid string',
          input: '<redacted>',
        },
      ],
    });
  });

  it('settings keep a key that is sent back masked, and drop one that is null or blank', async () => {
    await patch(change({ llm: { model: 'openai/x', api_key: 'sk-secret-key' } }));
    const shown = await get();
    expect(at(shown, 'agent_settings', 'llm', 'api_key')).toBe(MASK);
    // Clients send the whole form back.
    const { status, body } = await patch(change(asJson(shown['agent_settings'])));
    expect([status, body['llm_api_key_is_set']]).toEqual([200, true]);
    expect(await key()).toBe('sk-secret-key');
    await patch(change({ llm: { api_key: ' ' } }));
    expect(await key()).toBeNull();
    await patch(change({ llm: { api_key: MASK } }));
    expect(await key()).toBeNull();
  });

  it('treat blank keys as missing, also in files of other programs', async () => {
    const llm = { model: 'openai/blank', api_key: ' \t', aws_secret_access_key: '\n' };
    const file = { schema_version: 6, agent_settings: { llm, verification: { critic_api_key: ' ' } } };
    const connection = { id: 'c', display_name: 'c', provider: 'custom', api_key: '  ' };
    const files = {
      'settings.json': file,
      'profiles/blank.json': { schema_version: 1, ...llm },
      'profiles/linked.json': { schema_version: 1, model: 'openai/x', provider_connection_id: 'c' },
      'provider-connections/provider_connections.json': { schema_version: 1, connections: [connection] },
    };
    for (const [name, content] of Object.entries(files))
      await writeFiles(fixture.root, { [name]: JSON.stringify(content) });
    const settings = await fixture.plain();
    expect(settings).toMatchObject({
      llm_api_key_is_set: false,
      agent_settings: {
        llm: { api_key: null, aws_secret_access_key: null },
        verification: { critic_api_key: null },
      },
    });
    const { profiles } = await fixture.done('GET', '/api/profiles');
    expect(profiles).toEqual([
      expect.objectContaining({ name: 'blank', api_key_set: false }),
      expect.objectContaining({ name: 'linked', api_key_set: false, provider_connection_broken: false }),
    ]);
    const plain = { 'x-expose-secrets': 'plaintext' };
    expect(await fixture.done('GET', '/api/profiles/blank', undefined, plain)).toMatchObject({
      config: { api_key: null },
      api_key_set: false,
    });
  });

  it('settings keep masked secrets of headers, URLs and MCP servers', async () => {
    const secrets = {
      llm: {
        base_url: 'https://me:hush-hush@models.test/v1',
        extra_headers: { Authorization: 'Bearer hush', 'X-Plain': 'seen' },
      },
      mcp_config: { docs: { url: 'https://docs.test', headers: { 'X-Key': 'hush-header' } } },
    };
    await patch(change(secrets));
    const shown = await get();
    expect(JSON.stringify(shown)).not.toContain('hush');
    await patch(change(asJson(shown['agent_settings'])));
    expect(await fixture.plain()).toMatchObject({ agent_settings: secrets });
  });

  it('show secrets as the header X-Expose-Secrets asks', async () => {
    await patch(change({ llm: { api_key: 'sk-secret-key' } }));
    const shown = async (value: string) =>
      at(await get({ 'x-expose-secrets': value }), 'agent_settings', 'llm', 'api_key');
    expect(await shown(' PLAINTEXT ')).toBe('sk-secret-key');
    const token = await shown('encrypted');
    expect(token).toMatch(/^gAAAAA/);
    expect(await shown('true')).toMatch(/^gAAAAA/);
    await patch(change({ llm: { api_key: null } }));
    await patch(change({ llm: { api_key: token } }));
    expect(await key()).toBe('sk-secret-key');
    expect(await fixture.ask('GET', '/api/settings', undefined, { 'x-expose-secrets': 'maybe' })).toEqual({
      status: 400,
      body: {
        detail: "Invalid X-Expose-Secrets header value: 'maybe'. Valid values are: 'encrypted', 'plaintext'.",
      },
    });
  });

  it('refuse an encrypted token of another server', async () => {
    const foreign = `gAAAAAB${'A'.repeat(91)}`;
    const { status, body } = await patch(change({ llm: { api_key: foreign } }));
    expect([status, body['detail']]).toEqual([422, containing('llm.api_key is an encrypted token')]);
  });

  it('change as a whole or not at all', async () => {
    const before = await get();
    for (const body of [
      { agent_settings_diff: { persona: 'P' }, conversation_settings_diff: { max_iterations: 0 } },
      { agent_settings_diff: { persona: 'P', llm: { temperature: 'hot' } }, misc_settings_diff: { a: 1 } },
      { agent_settings_diff: { persona: 'P' }, conversation_settings_diff: { worktree_base: 'ref' } },
      { agent_settings_diff: { agent_kind: 'other' } },
      { conversation_settings_diff: { confirmation_mode: null } },
    ]) {
      expect(await patch(body)).toEqual({ status: 422, body: { detail: 'Settings validation failed' } });
    }
    expect(await patch({ misc_settings_diff: { a: 1 }, active_profile: 'nope' })).toMatchObject({
      status: 404,
    });
    expect(await patch({ nothing: 1 })).toMatchObject({ status: 400 });
    const { agent_settings: _now, ...rest } = before;
    expect(await get()).toMatchObject(rest);
  });

  it('merge misc_settings without interpreting them', async () => {
    await patch({ misc_settings_diff: { ui: { theme: 'dark', list: [1, 2] }, api_key: 'mine', gone: 1 } });
    const { body } = await patch({ misc_settings_diff: { ui: { theme: null, list: [3] }, gone: null } });
    expect(body['misc_settings']).toEqual({ ui: { list: [3] }, api_key: 'mine', gone: null });
    expect(await fixture.file('settings.json')).toMatchObject({ misc_settings: { api_key: 'mine' } });
    const odd = JSON.parse(
      '{"misc_settings_diff":{"__proto__":{"polluted":1},"constructor":{"a":1}}}',
    ) as unknown;
    const answer = await patch(odd);
    expect(answer.status).toBe(200);
    expect(Object.keys(asJson(answer.body['misc_settings']))).toEqual(
      expect.arrayContaining(['__proto__', 'constructor']),
    );
    expect(at((await get())['misc_settings'], 'ui')).toEqual({ list: [3] });
  });

  it('settings are stored encrypted in a file that only its owner can read, and survive a restart', async () => {
    await patch(change({ llm: { api_key: 'sk-secret-key' }, verification: { critic_api_key: 'crit-key' } }));
    const text = await fixture.text('settings.json');
    expect(text).not.toMatch(/sk-secret-key|crit-key/);
    expect(await fixture.file('settings.json')).toMatchObject({ schema_version: 6 });
    expect((await stat(path.join(fixture.root, 'settings.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(fixture.root)).mode & 0o777).toBe(0o700);
    expect(await stored()).toEqual(['settings.json']);
    // A new key, with the previous one configured as well.
    const next = { OH_SECRET_KEY: 'next', OH_PREVIOUS_SECRET_KEYS: '["test-key"]' };
    await fixture.withAnother(next, async (other) => {
      expect(await key(other)).toBe('sk-secret-key');
      await other.done('PATCH', '/api/settings', { misc_settings_diff: { a: 1 } });
    });
    await fixture.withAnother({ OH_SECRET_KEY: 'next' }, async (other) =>
      expect(await key(other)).toBe('sk-secret-key'),
    );
  });

  it('settings keep fields that a newer program has stored', async () => {
    await patch(change({ llm: { model: 'openai/x' }, mcp_config: { docs: { command: 'x' } } }));
    const file = await fixture.file('settings.json');
    const agent = asJson(file['agent_settings']);
    await writeFile(
      path.join(fixture.root, 'settings.json'),
      JSON.stringify({
        ...file,
        schema_version: 7,
        new_top: [1],
        agent_settings: {
          ...agent,
          new_agent: { a: 1 },
          llm: { ...asJson(agent['llm']), new_llm: true },
          mcp_config: { docs: { command: 'x', new_server: 1 } },
        },
        conversation_settings: { ...asJson(file['conversation_settings']), new_conversation: 'c' },
      }),
    );
    const { status } = await patch({
      ...change({ llm: { temperature: 0.5 }, bogus: 1, mcp_config: { docs: { enabled: false } } }),
      conversation_settings_diff: { max_iterations: 7 },
    });
    expect(status).toBe(200);
    const stored = await fixture.file('settings.json');
    expect(stored).toMatchObject({
      schema_version: 7,
      new_top: [1],
      agent_settings: {
        new_agent: { a: 1 },
        llm: { new_llm: true, temperature: 0.5, model: 'openai/x' },
        mcp_config: { docs: { command: 'x', new_server: 1, enabled: false } },
      },
      conversation_settings: { new_conversation: 'c', max_iterations: 7 },
    });
    expect(at(stored, 'agent_settings')).not.toHaveProperty('bogus');
  });

  it('settings are not overwritten when the file is damaged or needs another key', async () => {
    await mkdir(fixture.root, { recursive: true });
    const file = path.join(fixture.root, 'settings.json');
    await patch(change({ llm: { api_key: 'sk-secret-key' } }));
    const good = await fixture.text('settings.json');
    for (const text of [
      '{"agent_settings": {"llm": {"api_key": "sk-hush',
      '[]',
      '{"agent_settings":[]}',
      '',
    ]) {
      await writeFile(file, text);
      expect(await get()).toMatchObject({ llm_api_key_is_set: false });
      for (const answer of [
        await patch({ misc_settings_diff: { a: 1 } }),
        await fixture.ask('POST', '/api/settings/mcp/x', { command: 'y' }),
      ]) {
        expect(answer).toMatchObject({
          status: 409,
          body: { detail: containing('OH_SECRET_KEY') },
        });
      }
      expect(await fixture.text('settings.json')).toBe(text);
    }
    expect(fixture.server.log).not.toContain('sk-hush');
    await fixture.server.logs('settings.json cannot be used and is not changed');
    await writeFile(file, good);
    const body = { misc_settings_diff: { a: 1 } };
    await fixture.withAnother({ OH_SECRET_KEY: 'another' }, async (other) =>
      expect(await other.ask('PATCH', '/api/settings', body)).toMatchObject({ status: 409 }),
    );
    expect(await fixture.text('settings.json')).toBe(good);
    expect(await key()).toBe('sk-secret-key');
  });

  it('settings are written through a symbolic link', async () => {
    await mkdir(path.join(fixture.folder, 'dotfiles'));
    await mkdir(fixture.root, { recursive: true });
    await writeFile(path.join(fixture.folder, 'dotfiles', 'mine.json'), '{}');
    await symlink(
      path.join(fixture.folder, 'dotfiles', 'mine.json'),
      path.join(fixture.root, 'settings.json'),
    );
    await patch({ misc_settings_diff: { a: 1 } });
    expect(await readFile(path.join(fixture.folder, 'dotfiles', 'mine.json'), 'utf8')).toContain('"a": 1');
  });

  it('settings are limited in size', async () => {
    const big = 'x'.repeat(3_000_000);
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => patch({ misc_settings_diff: { [name]: big } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 413, 413]);
    expect((await fixture.text('settings.json')).length).toBeLessThan(8 * 1024 * 1024);
  });

  it('settings are reset when the kind of agent changes', async () => {
    await patch(change({ persona: 'P', mcp_config: { a: { command: 'x' } } }));
    const { body } = await patch(change({ agent_kind: 'acp', acp_server: 'codex' }));
    expect(body).toMatchObject({
      agent_settings: { agent_kind: 'acp', acp_server: 'codex', mcp_config: {}, agent_context: null },
      llm_api_key_is_set: false,
    });
    const again = await patch(change({ agent_kind: 'openhands' }));
    expect(again.body).toMatchObject({ agent_settings: { agent_kind: 'openhands', persona: null } });
  });
});
