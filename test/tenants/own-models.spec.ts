import { scriptedRequest, userMessage } from '../support/conversation-client.js';
import { OWN_KEYS_SANDBOX } from '../support/sandbox.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';

/** A key in the environment of the server. */
const OF_SERVER = 'the-key-of-the-server';
const OF_TENANT = 'the-key-of-the-tenant';

const env = { SESSION_API_KEY: ADMIN_KEY, ...OWN_KEYS_SANDBOX, OPENAI_API_KEY: OF_SERVER };

describe('the keys of models in the environment of the server', () => {
  let endpoint: ChatEndpoint;
  let server: ServerProcess;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({ key: ADMIN_KEY, env });
  });
  afterEach(async () => {
    await server.stop();
    await endpoint.close();
  });

  const keysShown = (): unknown[] => endpoint.requests.map(({ headers }) => headers.authorization);
  const llm = (api_key: string) => ({
    ...{ model: 'openai/scripted', base_url: endpoint.url, usage_id: 'agent', api_key },
  });

  async function reaches(tenant: Tenant, id: string, wanted: string): Promise<void> {
    await eventually(async () => {
      const route = `/api/conversations/${id}`;
      const { execution_status } = await tenant.json<{ execution_status: string }>('GET', route);
      return execution_status === wanted;
    }, wanted);
  }

  it('are not sent to the address of a conversation that has lost its own at a restart', async () => {
    const tenant = await Tenant.make(server, 'tenant');
    const request = scriptedRequest('work', 'FINISH: one', { agent: { llm: llm(OF_TENANT), tools: [] } });
    const { id } = await tenant.json<{ id: string }>('POST', '/api/conversations', request);
    await reaches(tenant, id, 'finished');
    expect(new Set(keysShown())).toEqual(new Set([`Bearer ${OF_TENANT}`]));
    const count = keysShown().length;

    // It cannot open what it has stored before.
    server = await server.restart('SIGTERM', { env: { ...env, OH_SECRET_KEY: 'another secret key' } });
    const again = new Tenant(server, tenant.name, tenant.key, tenant.keyId);
    await again.json('POST', `/api/conversations/${id}/events`, userMessage('FINISH: two', true));
    await reaches(again, id, 'error');
    const { text } = await again.ask('GET', `/api/conversations/${id}/events/search?limit=100`);
    expect(text).toContain('has no `api_key`');
    expect(keysShown()).toHaveLength(count);
  });

  it('are not used at /v1 through the meta-profile of the active agent profile', async () => {
    server = await server.restart('SIGTERM', { env: { ...env, OH_OWN_KEYS_LLM_PROFILES_0: 'shared' } });
    const admin = Tenant.admin(server);
    const tenant = await Tenant.make(server, 'tenant');
    for (const name of ['shared', 'dear'])
      await admin.json('POST', `/api/profiles/${name}`, {
        llm: llm(`key-of-${name}`),
        include_secrets: true,
      });
    const ask = async (by: Tenant, classifier_model: string): Promise<string[]> => {
      const classes = [{ description: 'any', model: 'shared' }];
      await admin.json('POST', '/api/meta-profiles/routes', { classifier_model, classes });
      const name = `agent-${classifier_model}`;
      await admin.json('POST', `/api/agent-profiles/${name}`, {
        ...{ agent_kind: 'openhands', llm_profile_ref: 'shared', tools: [] },
        ...{ enable_classify_and_switch_llm_tool: true, meta_profile_ref: 'routes' },
      });
      const { profiles } = await admin.json<{ profiles: { id: string; name: string }[] }>(
        'GET',
        '/api/agent-profiles',
      );
      const id = profiles.find((profile) => profile.name === name)?.id ?? '';
      await admin.json('POST', `/api/agent-profiles/${id}/activate`);
      const messages = [{ role: 'user', content: 'FINISH: done' }];
      await by.json('POST', '/v1/chat/completions', { model: 'openhands_shared', messages });
      const tools = endpoint.requests.at(-1)?.body['tools'] as { function: { name: string } }[];
      return tools.map((tool) => tool.function.name);
    };
    expect(await ask(admin, 'dear')).toContain('route_task_to_model');
    expect(await ask(tenant, 'shared')).toContain('route_task_to_model');
    expect(await ask(tenant, 'dear')).not.toContain('route_task_to_model');
  });

  it('are not sent to the address of a model that only hooks of an ACP agent use', async () => {
    const tenant = await Tenant.make(server, 'tenant');
    const { api_key: _none, ...keyless } = llm('');
    const hook_config = { user_prompt_submit: [{ hooks: [{ type: 'prompt', prompt: 'Is it polite?' }] }] };
    const agent = { kind: 'ACPAgent', acp_command: ['true'], llm: keyless };
    const request = scriptedRequest('work', 'hello', { agent, hook_config });
    const { id } = await tenant.json<{ id: string }>('POST', '/api/conversations', request);
    await reaches(tenant, id, 'error');
    expect(keysShown()).toEqual([]);
  });
});
