import { rm } from 'node:fs/promises';
import { asJson, at, SettingsFixture, type Json } from '../support/settings-fixture.js';
import { writeFiles } from '../support/write-files.js';

describe('the default agent profile that a list creates', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
  });
  afterAll(() => fixture.stop());
  beforeEach(() => rm(fixture.root, { recursive: true, force: true, maxRetries: 10 }));

  const store = (settings: Json) =>
    writeFiles(fixture.root, { 'settings.json': JSON.stringify({ schema_version: 6, ...settings }) });
  const list = () => fixture.done('GET', '/api/agent-profiles');
  const profile = async () => asJson((await fixture.done('GET', '/api/agent-profiles/default'))['profile']);

  it('creates a default profile for the ACP agent of the settings without changing the settings', async () => {
    const agent = {
      ...{ agent_kind: 'acp', acp_server: 'codex', acp_model: 'sonnet', acp_session_mode: 'plan' },
      ...{ acp_prompt_timeout: 77, acp_command: ['my-acp', 'a b', "it's"], acp_args: ['-x', 'y z'] },
    };
    await fixture.done('PATCH', '/api/settings', { agent_settings_diff: agent });
    const answer = await list();
    const id = answer['active_agent_profile_id'];
    expect(answer['profiles']).toEqual([
      {
        ...{ id, name: 'default', agent_kind: 'acp', revision: 0 },
        ...{ llm_profile_ref: null, mcp_server_refs: null },
      },
    ]);
    expect(JSON.stringify(await profile())).toBe(
      JSON.stringify({
        ...{ schema_version: 4, agent_kind: 'acp', id, name: 'default', revision: 0 },
        ...{ mcp_server_refs: null, secret_refs: null },
        ...{ acp_server: 'codex', acp_model: 'sonnet', acp_session_mode: 'plan' },
        ...{ acp_prompt_timeout: 77, acp_startup_timeout: 90 },
        ...{ acp_command: `my-acp 'a b' 'it'"'"'s'`, acp_args: ['-x', 'y z'] },
      }),
    );
    expect((await fixture.plain())['agent_settings']).toMatchObject(agent);
    expect((await fixture.done('GET', '/api/profiles'))['profiles']).toEqual([]);
    // The command of the profile is split into the same words again.
    const materialized = await fixture.done('POST', '/api/agent-profiles/default/materialize', {});
    expect(at(materialized, 'resolved_settings', 'acp_command')).toEqual(agent.acp_command);
  });

  it('creates a default profile without a command for an ACP agent without one', async () => {
    await store({ agent_settings: { agent_kind: 'acp' } });
    await list();
    expect(await profile()).toMatchObject({ agent_kind: 'acp', acp_command: null, acp_args: null });
  });

  it('recreates a deleted default profile with the built-in agent', async () => {
    await store({ agent_settings: { agent_kind: 'acp' } });
    await list();
    await fixture.done('DELETE', '/api/agent-profiles/default');
    expect(await profile()).toMatchObject({ agent_kind: 'openhands' });
    expect((await fixture.plain())['agent_settings']).toMatchObject({ agent_kind: 'openhands' });
  });

  it.each(['', '  '])('treats the stored name %j of an active profile as none', async (name) => {
    await store({
      agent_settings: { llm: { model: 'openai/mine' } },
      active_profile: name,
      active_agent_profile_id: name,
      active_meta_profile: name,
    });
    const answer = await list();
    expect(answer['active_agent_profile_id']).toEqual(expect.any(String));
    expect(await profile()).toMatchObject({ llm_profile_ref: 'default' });
    expect(await fixture.plain()).toMatchObject({ active_profile: null, active_meta_profile: null });
    expect(await fixture.done('GET', '/api/profiles')).toMatchObject({ active_profile: null });
  });
});
