import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { writeFiles } from '../support/write-files.js';
import { asJson, at, SettingsFixture } from '../support/settings-fixture.js';

/** Where the public repository of skills is stored once it was fetched. */
const PUBLIC = 'cache/skills/public-skills';

describe('the capabilities in GET /server_info', () => {
  let fixture: SettingsFixture;
  let profileId: string;
  beforeAll(async () => {
    fixture = await SettingsFixture.start();
    await fixture.done('POST', '/api/profiles/main', { llm: { model: 'scripted/main' } });
    for (const name of ['ONE', 'TWO']) {
      await fixture.done('PUT', '/api/settings/secrets', { name, value: `hush-${name}` });
    }
    const draft = {
      llm_profile_ref: 'main',
      persona: 'You are Pia.',
      secret_refs: ['TWO'],
      system_message_suffix: 'For Pia.',
    };
    await fixture.done('POST', '/api/agent-profiles/pia', draft);
    profileId = String(at(await fixture.done('GET', '/api/agent-profiles/pia'), 'profile', 'id'));
  });
  afterAll(() => fixture.stop());

  const launch = (more: object = {}) => ({
    ...{ agent_profile_id: profileId, workspace: { working_dir: fixture.folder }, autotitle: false },
    ...more,
  });
  const launched = async (more: object = {}) =>
    asJson((await fixture.ask('POST', '/api/conversations?include_skills=true', launch(more))).body);

  /** Tests of each capability, by its name. */
  const proofs: Record<string, () => Promise<void>> = {
    conversation_runtime_routes_v1: async () => {
      const conversation = await ConversationClient.create(
        fixture.server,
        scriptedRequest(fixture.folder, 'SAY: hi'),
      );
      const { body } = await fixture.server.request('GET', `${conversation.route}/runtime`);
      expect(body).toMatchObject({ runtime_status: 'available' });
    },
    profile_secret_scope_v1: async () => {
      const { secrets } = await fixture.done('GET', `/api/settings/secrets?agent_profile_id=${profileId}`);
      expect(secrets).toMatchObject([{ name: 'TWO' }]);
      const named = (kind: string, ...names: string[]) =>
        Object.fromEntries(names.map((name) => [name, { kind, value: 'hush', url: 'http://127.0.0.1/TWO' }]));
      const given = { ...named('StaticSecret', 'ONE', 'TWO'), ...named('LookupSecret', 'THREE') };
      const { id } = await launched({ secrets: given });
      const route = `/api/conversations/${String(id)}`;
      const later = { secrets: { ONE: 'again', FOUR: 'hush', TWO: 'new' } };
      await fixture.done('POST', `${route}/secrets`, later);
      const { secret_registry } = await fixture.done('GET', route);
      expect(Object.keys(asJson(at(secret_registry, 'secret_sources')))).toEqual(['TWO']);
    },
    profile_persona_v1: async () => {
      expect(at(await launched(), 'agent', 'persona')).toBe('You are Pia.');
    },
    idempotent_conversation_create_v1: async () => {
      const conversation_id = randomUUID();
      const first = await fixture.ask('POST', '/api/conversations', launch({ conversation_id }));
      const second = await fixture.ask('POST', '/api/conversations', launch({ conversation_id }));
      expect([first.status, second.status]).toEqual([201, 200]);
    },
    tool_catalog_v1: async () => {
      const { body } = await fixture.server.request('GET', '/api/tools/catalog');
      expect(JSON.stringify(body)).toContain('terminal');
    },
    agent_profile_draft_materialize_v1: async () => {
      const profile = { llm_profile_ref: 'main', persona: 'A draft' };
      const body = await fixture.done('POST', '/api/agent-profiles/unsaved/materialize', { profile });
      expect(body).toMatchObject({ llm_profile_resolved: true, resolved_settings: { persona: 'A draft' } });
    },
    agent_launch_pipeline_v1: async () => {
      await fixture.done('POST', '/api/profiles/other', { llm: { model: 'scripted/other' } });
      const skill = { name: 'brevity', content: 'Say little.' };
      const agent_launch_additions = {
        ...{ system_message_suffix_append: 'Be brief.', skills: [skill], llm_profile_ref: 'other' },
      };
      expect(await launched({ agent_launch_additions })).toMatchObject({
        launched_agent_profile: { agent_profile_id: profileId, llm_profile_ref: 'other' },
        agent: {
          llm: { model: 'scripted/other' },
          agent_context: { system_message_suffix: 'For Pia.\n\nBe brief.', skills: [skill] },
        },
      });
    },
    profile_public_skills_v1: async () => {
      for (const name of ['one', 'two', 'three']) {
        const text = `---\nname: ${name}\ndescription: About ${name}\n---\nContent of ${name}`;
        await writeFiles(path.join(fixture.root, PUBLIC), { [`skills/${name}/SKILL.md`]: text });
      }
      const plugins = ['one', 'two', 'three'].map((name) => ({ name, source: `./skills/${name}` }));
      const list = { 'marketplaces/default.json': JSON.stringify({ plugins }) };
      await writeFiles(path.join(fixture.root, PUBLIC), list);
      const skillsOf = async (fields: object) => {
        await fixture.done('POST', '/api/agent-profiles/skilled', { llm_profile_ref: 'main', ...fields });
        const { profile } = await fixture.done('GET', '/api/agent-profiles/skilled');
        const { agent } = await launched({ agent_profile_id: at(profile, 'id') });
        const known = at(agent, 'agent_context', 'skills') as { name: string }[];
        const tried = await fixture.done('POST', '/api/agent-profiles/skilled/materialize');
        expect(tried['resolved_skills']).toEqual(known.map(({ name }) => name));
        return tried['resolved_skills'];
      };
      expect(await skillsOf({ disabled_skills: ['two'] })).toEqual(['one', 'three']);
      expect(await skillsOf({ public_skills: [] })).toEqual([]);
      expect(await skillsOf({ public_skills: ['three', 'gone'] })).toEqual(['three']);
    },
    skill_catalog_v1: async () => {
      expect(await fixture.done('GET', '/api/skills/catalog')).toMatchObject({
        skills: expect.any(Array) as unknown,
      });
    },
  };

  it('the capabilities in GET /server_info are exactly those that this file tests', async () => {
    const { capabilities } = await fixture.done('GET', '/server_info');
    expect(capabilities).toEqual(Object.keys(proofs));
  });

  it.each(Object.entries(proofs))('include %s, which works', async (_name, proof) => {
    await proof();
  });

  it('include an undocumented route to prepare for the pause of a sandbox, and no balance route', async () => {
    const route = '/api/conversations/prepare-for-sandbox-pause';
    expect((await fixture.server.request('POST', route)).status).toBe(204);
    const { paths } = await fixture.done('GET', '/openapi.json');
    expect(Object.keys(asJson(paths))).not.toContain(route);
    expect((await fixture.server.request('GET', '/api/llm/balance')).status).toBe(404);
  });
});
