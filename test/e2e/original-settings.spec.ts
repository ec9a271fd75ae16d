import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asJson, SettingsFixture } from '../support/settings-fixture.js';

const RECORDED = path.join(import.meta.dirname, '../recorded/original-settings');

/** The folder was written by the original, 1.58.2, with the secret key `same-key`. */
describe('the settings and conversations of the original', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => {
    fixture = await SettingsFixture.start({ OH_SECRET_KEY: 'same-key' });
    await cp(RECORDED, fixture.root, { recursive: true });
  });
  afterAll(() => fixture.stop());

  it('are used with all their keys: settings, profiles, agents and secrets', async () => {
    const llm = { model: 'openai/scripted', base_url: 'http://127.0.0.1:8450/v1', api_key: 'sk-secret' };
    expect((await fixture.plain())['agent_settings']).toMatchObject({ llm });
    const expose = { 'x-expose-secrets': 'plaintext' };
    expect(await fixture.done('GET', '/api/profiles/mine', undefined, expose)).toMatchObject({ config: llm });
    const { server } = fixture;
    expect((await server.request('GET', '/api/settings/secrets/TOKEN')).body).toBe('sesame');
    const agents = await fixture.done('GET', '/api/agent-profiles');
    const id = '3552a3f5-53f5-4b1c-811d-c2dad1b90dbe';
    expect(agents).toMatchObject({
      active_agent_profile_id: id,
      profiles: [{ id, llm_profile_ref: 'mine' }],
    });
    const workspace = { working_dir: path.join(fixture.folder, 'work') };
    const created = await fixture.done('POST', '/api/conversations', { agent_profile_id: id, workspace });
    expect(asJson(asJson(created['agent'])['llm'])).toMatchObject({
      model: llm.model,
      base_url: llm.base_url,
    });
  });

  it('leaves conversations of the original out, and their files unchanged', async () => {
    const folder = path.join(fixture.folder, 'workspace/conversations/0d641273538f48649fcaa5303e912191');
    await mkdir(path.join(folder, 'events'), { recursive: true });
    await writeFile(path.join(folder, 'meta.json'), '{}');
    await writeFile(path.join(folder, 'base_state.json'), '{}');
    await fixture.restart();
    const { body } = await fixture.server.request('GET', '/api/conversations/search');
    expect(JSON.stringify(body)).not.toContain('0d641273');
    const one = await fixture.server.request(
      'GET',
      '/api/conversations/0d641273-538f-4864-9fca-a5303e912191',
    );
    expect(one.status).toBe(404);
    expect((await readdir(folder)).sort()).toEqual(['base_state.json', 'events', 'meta.json']);
  });
});
