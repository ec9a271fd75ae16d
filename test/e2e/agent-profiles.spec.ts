import path from 'node:path';
import { ConversationClient } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const ID = '5c026fd2-874f-46b0-95cc-77ec5ebdcb0f';

describe('conversations with stored agent profiles', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start();
    await store('profiles/main', { model: 'openai/main', base_url: endpoint.url, api_key: 'x' });
  });
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
  });

  const store = async (name: string, content: unknown) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFiles(path.join(server.cwd, 'persistence'), { [`${name}.json`]: text });
  };
  const profile = (more: object = {}) => ({
    ...{ schema_version: 4, agent_kind: 'openhands', id: ID, name: 'mine', revision: 3 },
    ...{ mcp_server_refs: null, secret_refs: ['TOKEN'], llm_profile_ref: 'main', tools: null, persona: null },
    ...{ system_message_suffix: 'Be brief', disabled_skills: [], public_skills: null },
    ...{ condenser: { condenser_kind: 'llm_summarizing', enabled: true, max_size: 99 } },
    ...{ meta_profile_ref: null, tool_concurrency_limit: 2 },
    ...more,
  });
  const request = (more: object = {}) => ({
    agent_profile_id: ID,
    workspace: { working_dir: path.join(server.cwd, 'work') },
    autotitle: false,
    ...more,
  });
  const refused = async (more: object = {}) => {
    const { status, body } = await server.request('POST', '/api/conversations', request(more));
    return [status, (body as { detail: unknown }).detail];
  };

  it('creates the agent that a profile describes and names the profile, also after a restart', async () => {
    await store('agent-profiles/broken', '{"id": "sk-hush');
    await store('agent-profiles/mine', profile());
    let conversation = await ConversationClient.create(server, request());
    const check = async () =>
      expect(await conversation.info()).toMatchObject({
        launched_agent_profile: {
          ...{ agent_profile_id: ID, revision: 3, secret_refs: ['TOKEN'], llm_profile_ref: null },
        },
        agent: {
          llm: { model: 'openai/main', usage_id: 'default', stream: true, api_key: null },
          tools: ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'].map((name) => ({ name })),
          agent_context: { system_message_suffix: 'Be brief', load_project_skills: true, load_memory: false },
          condenser: { kind: 'LLMSummarizingCondenser', max_size: 99, llm: { usage_id: 'condenser' } },
          tool_concurrency_limit: 2,
        },
      });
    await check();
    server = await server.restart();
    conversation = conversation.on(server);
    await check();
    await conversation.send('SAY: hello');
    await conversation.reaches('finished');
    expect(endpoint.requests.map(({ body }) => body['model'])).toEqual(['main']);
    expect(server.log).not.toContain('sk-hush');
  });

  it('creates the critic of a profile and sends its key to its own service only', async () => {
    const critic_server_url = endpoint.url.replace(/v1$/, 'critic');
    const verification = { critic_enabled: true, critic_mode: 'all_actions', critic_threshold: 0.7 };
    const criticOf = async (more: object) => {
      await store('agent-profiles/mine', profile({ verification: { ...verification, ...more } }));
      const conversation = await ConversationClient.create(server, request());
      const { agent } = await conversation.info();
      return (agent as { critic: unknown }).critic;
    };
    const kind = 'APIBasedCritic';
    expect(await criticOf({ critic_server_url, enable_iterative_refinement: true })).toMatchObject({
      ...{ kind, server_url: critic_server_url, api_key: null, mode: 'all_actions', model_name: 'critic' },
      iterative_refinement: { success_threshold: 0.7, max_iterations: 3 },
    });
    expect(await criticOf({ critic_server_url, critic_enabled: false })).toBeNull();
    // The key of another provider is not sent to the default service.
    expect(await criticOf({})).toBeNull();
    const patch = { agent_settings_diff: { verification: { critic_api_key: 'sk-critic' } } };
    expect((await server.request('PATCH', '/api/settings', patch)).status).toBe(200);
    expect(await criticOf({ critic_model_name: 'strict' })).toMatchObject({
      ...{ kind, server_url: 'https://llm-proxy.app.all-hands.dev/vllm', model_name: 'strict' },
      iterative_refinement: null,
    });
    const finishOnly = { ...verification, critic_mode: 'finish_and_message', critic_server_url };
    await store('agent-profiles/mine', profile({ verification: finishOnly }));
    const before = endpoint.requests.length;
    const conversation = await ConversationClient.create(server, request());
    await conversation.send('SAY: hello');
    await conversation.reaches('finished');
    const criticRequests = endpoint.requests
      .slice(before)
      .filter(({ path: route }) => route.includes('critic'));
    expect(criticRequests.map(({ headers }) => headers.authorization)).toContain('Bearer sk-critic');
  });

  it('reports what is wrong with a profile', async () => {
    expect(await refused({ agent_settings: {} })).toMatchObject([422, [{ loc: ['body'] }]]);
    const other = '00000000-0000-4000-8000-000000000000';
    expect(await refused({ agent_profile_id: other })).toEqual([
      404,
      `Agent profile with id '${other}' not found`,
    ]);
    await store('agent-profiles/mine', profile({ llm_profile_ref: 'gone', mcp_server_refs: ['docs'] }));
    expect(await refused()).toEqual([
      422,
      {
        code: 'unresolved_profile_references',
        message: "LLM profile 'gone' not found",
        dangling_llm_profile_ref: 'gone',
        dangling_mcp_server_refs: ['docs'],
        dangling_meta_profile_ref: null,
        dangling_meta_profile_llm_refs: [],
      },
    ]);
    await store('agent-profiles/mine', profile({ tools: 'all' }));
    expect(await refused()).toEqual([400, "Agent profile 'mine' holds no valid agent"]);
    await store('agent-profiles/mine', profile({ agent_kind: 'other' }));
    expect(await refused()).toEqual([
      400,
      "Agent profile 'mine' has a kind that this server does not support",
    ]);
  });
});
