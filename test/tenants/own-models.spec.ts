import { scriptedRequest, userMessage } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY, Tenant } from '../support/tenants.js';

/** A key in the environment of the server. */
const OF_SERVER = 'the-key-of-the-server';
const OF_TENANT = 'the-key-of-the-tenant';

const env = { SESSION_API_KEY: ADMIN_KEY, OH_OWN_KEYS_SANDBOX: 'off', OPENAI_API_KEY: OF_SERVER };

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
