import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { at, containing, SettingsFixture } from '../support/settings-fixture.js';

const PLAIN = { 'x-expose-secrets': 'plaintext' };

describe('LLM profiles', () => {
  let fixture: SettingsFixture;
  let endpoint: ChatEndpoint;
  beforeAll(async () => {
    endpoint = await startScriptedEndpoint();
    fixture = await SettingsFixture.start();
  });
  afterAll(async () => {
    await fixture.stop();
    await endpoint.close();
  });
  beforeEach(() => fixture.clear());

  const save = (name: string, llm: object, more: object = {}) =>
    fixture.ask('POST', `/api/profiles/${name}`, { llm: { model: 'openai/main', ...llm }, ...more });
  const list = async () => (await fixture.done('GET', '/api/profiles'))['profiles'];
  const config = async (name: string) =>
    (await fixture.done('GET', `/api/profiles/${name}`, undefined, PLAIN))['config'];

  it('stores a profile encrypted, hides its key, and keeps the key when it is saved masked', async () => {
    expect(await save('main', { api_key: 'sk-secret-key', num_retries: 1 })).toEqual({
      status: 201,
      body: { name: 'main', message: "Profile 'main' saved" },
    });
    const text = await fixture.text('profiles/main.json');
    expect(text).not.toContain('sk-secret-key');
    expect(JSON.parse(text)).toMatchObject({ model: 'openai/main', num_retries: 1, schema_version: 1 });
    expect(JSON.parse(text)).not.toHaveProperty('temperature');
    const shown = await fixture.done('GET', '/api/profiles/main');
    expect(shown).toMatchObject({ name: 'main', config: { api_key: null }, api_key_set: true });
    await save('main', { api_key: '**********', temperature: 1 });
    expect(await config('main')).toMatchObject({ api_key: 'sk-secret-key', temperature: 1 });
    await save('bare', { api_key: 'sk-secret-key' }, { include_secrets: false });
    expect(await fixture.file('profiles/bare.json')).toMatchObject({ api_key: '**********' });
    expect(await fixture.done('GET', '/api/profiles/bare')).toMatchObject({ api_key_set: false });
    await fixture.restart();
    expect(await config('main')).toMatchObject({ api_key: 'sk-secret-key' });
  });

  it('loses nothing when a client sends back what it has read with a change', async () => {
    const fallback_strategy = { fallback_llms: ['second', 'third'] };
    await save('main', {
      ...{ api_key: 'sk-secret-key', base_url: 'https://user:pass-word@llm.example.com/v1' },
      ...{ fallback_strategy, extra_headers: { 'x-team': 'docs' }, custom_tokenizer: 'a-tokenizer' },
    });
    const before = await config('main');
    const { config: shown } = await fixture.done('GET', '/api/profiles/main');
    expect(JSON.stringify(shown)).not.toContain('pass-word');
    const body = { llm: { ...(shown as object), api_key: '**********', temperature: 0.5 } };
    expect(await fixture.ask('POST', '/api/profiles/main', body)).toMatchObject({ status: 201 });
    expect(before).toMatchObject({ api_key: 'sk-secret-key', extra_headers: { 'x-team': 'docs' } });
    expect(await config('main')).toEqual({ ...(before as object), temperature: 0.5 });
    expect(await fixture.file('profiles/main.json')).toMatchObject({ fallback_strategy });
    await save('main', { fallback_strategy: { fallback_llms: [] } });
    expect(await fixture.file('profiles/main.json')).not.toMatchObject({ fallback_strategy });
  });

  it('starts a conversation with the model of a profile, whose key no client needs', async () => {
    await save('main', { base_url: endpoint.url, api_key: 'sk-of-main' });
    const start = (more: object) =>
      fixture.ask('POST', '/api/conversations', {
        workspace: { working_dir: 'work' },
        initial_message: { content: [{ type: 'text', text: 'SAY: hi' }] },
        ...{ llm_profile_ref: 'main', agent_settings: { tools: [{ name: 'terminal' }] } },
        ...more,
      });
    const { status, body } = await start({ agent_settings: { llm: { model: 'openai/other' }, tools: [] } });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      agent: { llm: { model: 'openai/main', api_key: null }, condenser: { llm: { model: 'openai/main' } } },
    });
    await new ConversationClient(fixture.server, String(at(body, 'id'))).reaches('finished');
    expect(endpoint.requests.at(-1)?.headers).toMatchObject({ authorization: 'Bearer sk-of-main' });
    expect((await start({ llm_profile_ref: 'none' })).status).toBe(404);
    expect((await start({ llm_profile_ref: '../main' })).status).toBe(400);
    for (const other of [
      { agent_settings: null, agent: { llm: { model: 'scripted/x' } } },
      { agent_settings: { agent_kind: 'acp', acp_server: 'claude-code' } },
    ]) {
      expect(await start(other)).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ['body', 'llm_profile_ref'] }] },
      });
    }
  });

  it('applies an LLM profile to the settings and to open conversations', async () => {
    await save('main', { base_url: endpoint.url, api_key: 'sk-of-main', usage_id: 'main' });
    expect(await fixture.done('POST', '/api/profiles/main/activate')).toEqual({
      name: 'main',
      message: "Profile 'main' activated and applied to current settings",
      llm_applied: true,
    });
    expect(await fixture.plain()).toMatchObject({
      active_profile: 'main',
      llm_api_key_is_set: true,
      agent_settings: { llm: { model: 'openai/main', api_key: 'sk-of-main', usage_id: 'main' } },
    });
    const conversation = await ConversationClient.create(fixture.server, scriptedRequest('work', 'SAY: hi'));
    await conversation.reaches('finished');
    const route = `/api/conversations/${conversation.id}/switch_profile`;
    expect(await fixture.ask('POST', route, { profile_name: 'main' })).toMatchObject({ status: 200 });
    await conversation.send('SAY: hello');
    await conversation.reaches('finished');
    expect(endpoint.requests.at(-1)?.headers.authorization).toBe('Bearer sk-of-main');
  });

  it('validates a profile with a call of the model', async () => {
    const tried = (llm: object) => fixture.done('POST', '/api/profiles/any/validate', { llm });
    const good = { model: 'openai/main', base_url: endpoint.url, api_key: 'sk-secret-key', num_retries: 9 };
    expect(await tried(good)).toEqual({ valid: true, error: null });
    const refused = await tried({ ...good, base_url: 'http://sk-secret-key@127.0.0.1:1/v1' });
    expect(refused).toMatchObject({ valid: false, error: { type: 'LLMServiceUnavailableError' } });
    expect(JSON.stringify(refused)).not.toContain('sk-secret-key');
    expect(await tried({ ...good, model: 'nowhere/at-all' })).toMatchObject({ valid: false });
    // A masked key stands for the stored one.
    await save('any', { base_url: endpoint.url, api_key: 'sk-stored-key' });
    await tried({ ...good, api_key: '**********' });
    expect(endpoint.requests.at(-1)?.headers.authorization).toBe('Bearer sk-stored-key');
    expect(await readdir(path.join(fixture.root, 'profiles'))).toEqual(['any.json']);
  });

  it('reads the key and the address of a provider connection on each use', async () => {
    const made = await fixture.done('POST', '/api/llm/provider-connections', {
      ...{ display_name: 'Mine', provider: 'openai', api_key: 'sk-one-two', base_url: endpoint.url },
    });
    const id = String(made['id']);
    expect(JSON.stringify(made)).not.toContain('sk-one-two');
    await save('linked', { provider_connection_id: id, api_key: 'inline', base_url: 'http://inline' });
    expect(await fixture.text('profiles/linked.json')).not.toContain('inline');
    await fixture.done('PATCH', `/api/llm/provider-connections/${id}`, { api_key: 'sk-three-four' });
    expect(await fixture.text('provider-connections/provider_connections.json')).not.toContain('sk-three');
    expect(await config('linked')).toMatchObject({ api_key: 'sk-three-four', base_url: endpoint.url });
    const conversation = await ConversationClient.create(fixture.server, scriptedRequest('work', 'SAY: hi'));
    await conversation.reaches('finished');
    const route = `/api/conversations/${conversation.id}/switch_profile`;
    await fixture.done('POST', route, { profile_name: 'linked' });
    await conversation.send('SAY: hello');
    await conversation.reaches('finished');
    expect(endpoint.requests.at(-1)?.headers.authorization).toBe('Bearer sk-three-four');

    expect(await fixture.ask('DELETE', `/api/llm/provider-connections/${id}`)).toMatchObject({
      status: 409,
      body: { detail: containing('LLM profile(s): linked.') },
    });
    await save('linked', { provider_connection_id: 'gone' });
    expect(await list()).toMatchObject([
      {
        name: 'linked',
        provider_connection_id: 'gone',
        provider_connection_broken: true,
        api_key_set: false,
      },
    ]);
    const dangling = { detail: containing("provider connection 'gone', which does not exist") };
    for (const [method, to, body] of [
      ['GET', '/api/profiles/linked'],
      ['POST', '/api/profiles/linked/activate'],
      ['POST', route, { profile_name: 'linked' }],
      ['POST', '/api/profiles/x/validate', { llm: { model: 'm', provider_connection_id: 'gone' } }],
    ] as const) {
      expect(await fixture.ask(method, to, body, PLAIN)).toEqual({ status: 422, body: dangling });
    }
    expect(await fixture.done('DELETE', `/api/llm/provider-connections/${id}`)).toMatchObject({
      api_key_set: false,
    });
  });

  it('renames a profile with its references, and refuses to delete one that is referenced', async () => {
    await save('main', { api_key: 'sk-secret-key' });
    await fixture.done('POST', '/api/profiles/main/activate');
    await fixture.done('POST', '/api/agent-profiles/coder', { llm_profile_ref: 'main' });
    expect(await fixture.ask('DELETE', '/api/profiles/main')).toEqual({
      status: 409,
      body: { detail: 'LLM profile is referenced by 1 agent profile(s): coder' },
    });
    await fixture.done('POST', '/api/profiles/main/rename', { new_name: 'other' });
    expect(await readdir(path.join(fixture.root, 'profiles'))).toEqual(['other.json']);
    expect(await config('other')).toMatchObject({ api_key: 'sk-secret-key' });
    expect(await fixture.file('agent-profiles/coder.json')).toMatchObject({ llm_profile_ref: 'other' });
    expect(await fixture.plain()).toMatchObject({ active_profile: 'other' });
    await save('third', {});
    expect(await fixture.ask('POST', '/api/profiles/third/rename', { new_name: 'other' })).toMatchObject({
      status: 409,
    });
    expect(await fixture.ask('POST', '/api/profiles/none/rename', { new_name: 'x' })).toMatchObject({
      status: 404,
    });
    await fixture.done('DELETE', '/api/agent-profiles/coder');
    await fixture.done('DELETE', '/api/profiles/other');
    expect(await fixture.plain()).toMatchObject({ active_profile: null, llm_api_key_is_set: true });
  });

  it('rejects profile names that lead to other files', async () => {
    await mkdir(fixture.root, { recursive: true });
    await writeFile(path.join(fixture.root, 'secrets.json'), '{"custom_secrets":{}}');
    const names = [
      '..%2Fsecrets',
      '%2e%2e%2fsecrets',
      '..%5csecrets',
      '.hidden',
      '-x',
      'a%00b',
      'a%0d%0aSet-Cookie:%20x',
      'x'.repeat(65),
      '%F0%9F%98%80',
      'con%20',
    ];
    for (const name of names) {
      for (const [method, body] of [['GET'], ['DELETE'], ['POST', { llm: { model: 'm' } }]] as const) {
        for (const kind of ['profiles', 'agent-profiles', 'meta-profiles']) {
          const { status } = await fixture.ask(method, `/api/${kind}/${name}`, body);
          expect([404, 422, 400]).toContain(status);
        }
      }
    }
    await save('ok', {});
    const hostile = { new_name: '../secrets' };
    expect(await fixture.ask('POST', '/api/profiles/ok/rename', hostile)).toMatchObject({ status: 422 });
    const stored = (await readdir(fixture.root)).filter((name) => name !== 'audit');
    expect(stored).toEqual(['profiles', 'secrets.json']);
    expect(await readdir(path.join(fixture.root, 'profiles'))).toEqual(['ok.json']);
    expect(await fixture.text('secrets.json')).toBe('{"custom_secrets":{}}');
  });

  it('keeps a key that it cannot decrypt until the key is replaced', async () => {
    // The example of Fernet's specification.
    const undecryptable =
      'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
    await save('moved', {});
    const stored = { model: 'openai/main', api_key: undecryptable, schema_version: 1 };
    await writeFile(path.join(fixture.root, 'profiles', 'moved.json'), JSON.stringify(stored));
    for (const api_key of [null, '**********']) {
      await save('moved', { api_key, temperature: 0.5 });
      expect(await fixture.file('profiles/moved.json')).toMatchObject({
        temperature: 0.5,
        api_key: undecryptable,
      });
    }
    // A change of the provider drops it.
    await save('moved', { model: 'anthropic/other' });
    expect(await fixture.file('profiles/moved.json')).not.toHaveProperty('api_key');
    await save('moved', { api_key: 'sk-new-1234567890' });
    expect(await config('moved')).toMatchObject({ api_key: 'sk-new-1234567890' });
  });

  it('omits damaged profiles from the list, rejects their use, and sets them aside when they are replaced', async () => {
    await save('good', {});
    await writeFile(path.join(fixture.root, 'profiles', 'bad.json'), '{"api_key": "sk-hush');
    expect(await list()).toMatchObject([{ name: 'good' }]);
    const refusal = await fixture.ask('GET', '/api/profiles/bad');
    expect(refusal).toEqual({
      status: 400,
      body: { detail: "Profile 'bad' cannot be used: it is not JSON" },
    });
    await save('bad', {});
    const files = await readdir(path.join(fixture.root, 'profiles'));
    const aside = files.find((file) => file.startsWith('bad.json.damaged-'));
    expect(await fixture.text(`profiles/${aside ?? ''}`)).toBe('{"api_key": "sk-hush');
    expect(fixture.server.log).not.toContain('sk-hush');
    expect(at(await fixture.done('GET', '/api/profiles/bad'), 'config', 'model')).toBe('openai/main');
  });
});
