import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Cipher } from '../../src/crypto/index.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const SECRET_KEY = 'a key of the server';

/** Changes of the model, questions to the agent, and requests that this server refuses. */
describe('steering a conversation', () => {
  let server: ServerProcess;
  let home: string;
  let workspace: string;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'home-'));
    server = await ServerProcess.start({ env: { OH_SECRET_KEY: SECRET_KEY, OH_PERSISTENCE_DIR: home } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    endpoint = await startScriptedEndpoint();
  });
  afterEach(async () => {
    await endpoint.close();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  const llm = (more: Record<string, unknown> = {}) => ({
    model: 'openai/first',
    base_url: endpoint.url,
    api_key: 'sk-first',
    usage_id: 'agent',
    num_retries: 1,
    ...more,
  });
  const create = (more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, {
      agent: { llm: llm(), tools: [{ name: 'terminal' }] },
      workspace: { working_dir: workspace },
      // A title would be one more request to the model.
      autotitle: false,
      ...more,
    });
  const post = (conversation: ConversationClient, what: string, body?: unknown) =>
    conversation.server.request('POST', `${conversation.route}/${what}`, body);
  const usage = (value: unknown): string[] =>
    Object.keys((value as { usage_to_metrics: object }).usage_to_metrics);
  const keysUsed = () => endpoint.requests.map(({ headers }) => headers.authorization);

  describe('switch_llm', () => {
    it('uses another model from the next step on, and publishes it without its key', async () => {
      const conversation = await create();
      await conversation.send('SAY: one');
      await conversation.reaches('finished');
      const socket = await conversation.listen();
      const other = llm({ model: 'openai/other', api_key: 'sk-live-abc', usage_id: 'u2' });
      expect(await post(conversation, 'switch_llm', { llm: other })).toMatchObject({
        status: 200,
        body: { success: true },
      });
      // Repeating it changes nothing.
      await post(conversation, 'switch_llm', { llm: other });
      const event = await socket.sees(({ key }) => key === 'agent', 'the new agent');
      await socket.close();
      expect(Object.keys(event)).toEqual(['id', 'timestamp', 'source', 'parent_id', 'key', 'value', 'kind']);
      expect(Object.keys(event.value ?? {})).toEqual([
        'llm',
        'tools',
        'mcp_config',
        'include_default_tools',
        'system_prompt_filename',
        'security_policy_filename',
        'system_prompt_kwargs',
        'tool_concurrency_limit',
        'kind',
      ]);
      expect(event.value).toMatchObject({
        llm: { model: 'openai/other', api_key: '**********', usage_id: 'u2', base_url: endpoint.url },
      });
      await conversation.send('SAY: two');
      await eventually(() => Promise.resolve(endpoint.requests.length === 2), 'the second request');
      await conversation.reaches('finished');
      expect(keysUsed()).toEqual(['Bearer sk-first', 'Bearer sk-live-abc']);
      expect(endpoint.requests.map(({ body }) => body.model)).toEqual(['first', 'other']);
      const events = await conversation.events();
      expect(events.filter(({ key }) => key === 'agent').length).toBe(1);
      expect(usage(events.findLast(({ key }) => key === 'stats')?.value)).toEqual(['agent', 'u2']);
      expect((await conversation.info())['stats']).toMatchObject({
        usage_to_metrics: { agent: { model_name: 'openai/first' }, u2: { model_name: 'openai/other' } },
      });
    });

    it('counts an answer for the model that gave it, when the switch comes in the middle of a step', async () => {
      const conversation = await create();
      await conversation.send('WAIT: 0.3\nRUN: echo one\nSAY: two');
      await eventually(() => Promise.resolve(endpoint.requests.length === 1), 'the first request');
      await post(conversation, 'switch_llm', { llm: llm({ model: 'openai/other', usage_id: 'u2' }) });
      await conversation.reaches('finished');
      expect((await conversation.info())['stats']).toMatchObject({
        usage_to_metrics: {
          agent: { model_name: 'openai/first', accumulated_token_usage: { model: 'openai/first' } },
          u2: { model_name: 'openai/other', accumulated_token_usage: { model: 'openai/other' } },
        },
      });
    });

    it('decrypts keys sent as tokens of this server, and survives a kill of the server', async () => {
      let own = await ServerProcess.start({ env: { OH_SECRET_KEY: SECRET_KEY } });
      try {
        let conversation = await ConversationClient.create(own, {
          agent: { llm: llm() },
          workspace: { working_dir: workspace },
          autotitle: false,
        });
        const token = new Cipher(SECRET_KEY).encrypt('sk-from-token');
        await post(conversation, 'switch_llm', { llm: llm({ model: 'openai/other', api_key: token }) });
        await own.end('SIGKILL');
        own = await ServerProcess.start({ cwd: own.cwd, env: { OH_SECRET_KEY: SECRET_KEY } });
        conversation = conversation.on(own);
        await conversation.send('SAY: hi');
        await conversation.reaches('finished');
        expect(keysUsed()).toEqual(['Bearer sk-from-token']);
        expect((await conversation.info())['agent']).toMatchObject({
          llm: { model: 'openai/other', api_key: null },
        });
      } finally {
        await own.end();
        await rm(own.cwd, { recursive: true, force: true });
      }
    });

    it('refuses an LLM without a model and one with an unknown provider connection', async () => {
      const conversation = await create();
      expect(await post(conversation, 'switch_llm', { llm: { api_key: 'sk-zzz' } })).toMatchObject({
        status: 422,
        body: {
          detail: [
            {
              type: 'value_error',
              loc: ['body', 'llm'],
              msg: 'Value error, model must be specified in LLM',
              input: { api_key: '<redacted>' },
              ctx: { error: 'model must be specified in LLM' },
            },
          ],
        },
      });
      const dangling = llm({ api_key: null, provider_connection_id: 'nope' });
      const { status, body } = await post(conversation, 'switch_llm', { llm: dangling });
      expect([status, (body as { detail: string }).detail]).toEqual([
        422,
        "LLM config references provider connection 'nope', which does not exist.",
      ]);
      expect(await conversation.events()).toEqual([]);
    });
  });

  describe('switch_profile', () => {
    it('uses the model of a profile in the shared folder', async () => {
      await mkdir(path.join(home, 'profiles'), { recursive: true });
      const stored = {
        ...llm({ model: 'openai/stored', usage_id: 'other' }),
        api_key: new Cipher(SECRET_KEY).encrypt('sk-profile'),
        schema_version: 1,
      };
      await writeFile(path.join(home, 'profiles', 'fast.json'), JSON.stringify(stored));
      const conversation = await create();
      expect((await post(conversation, 'switch_profile', { profile_name: 'fast' })).status).toBe(200);
      await conversation.send('SAY: hi');
      await conversation.reaches('finished');
      expect(keysUsed()).toEqual(['Bearer sk-profile']);
      const events = await conversation.events();
      expect(usage(events.findLast(({ key }) => key === 'stats')?.value)).toContain('profile:fast');
    });

    it('reports what is wrong with a profile', async () => {
      await mkdir(path.join(home, 'profiles'), { recursive: true });
      await writeFile(path.join(home, 'profiles', 'broken.json'), '{"api_key": "sk-hush", ');
      await writeFile(path.join(home, 'profiles', 'odd.json'), '{"model": 5, "api_key": "sk-hush"}');
      const conversation = await create();
      const answer = async (profile_name: unknown) => {
        const { status, body } = await post(conversation, 'switch_profile', { profile_name });
        return [status, (body as { detail: unknown }).detail];
      };
      expect(await answer('nope')).toEqual([404, "Profile 'nope' not found"]);
      expect(await answer('../secrets')).toEqual([400, expect.stringContaining('Invalid profile name')]);
      expect(await answer('broken')).toEqual([400, "Profile 'broken' cannot be used: it is not JSON"]);
      expect(await answer('odd')).toEqual([400, "Profile 'odd' holds no valid LLM"]);
      expect(await answer(5)).toEqual([422, [expect.objectContaining({ loc: ['body', 'profile_name'] })]]);
      const missing = new ConversationClient(server, '00000000-0000-4000-8000-000000000000');
      expect((await post(missing, 'switch_profile', { profile_name: 'nope' })).body).toEqual({
        detail: 'Not Found',
      });
    });
  });

  describe('ask_agent', () => {
    it('answers from the history without adding to it more than what it has cost', async () => {
      const conversation = await create();
      await conversation.send('RUN: echo done\nSAY: hello');
      await conversation.reaches('finished');
      const before = await conversation.events();
      endpoint.script([{ say: 'It said hello.' }]);
      expect(await post(conversation, 'ask_agent', { question: 'What did you say?' })).toMatchObject({
        status: 200,
        body: { response: 'It said hello.' },
      });
      const after = await conversation.events();
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.slice(before.length).map(({ key }) => key)).toEqual(['stats']);
      const { messages, tools } = endpoint.requests.at(-1)?.body as {
        messages: { role: string; content: unknown }[];
        tools: unknown[];
      };
      expect(messages.map(({ role }) => role)).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
        'assistant',
        'user',
      ]);
      expect(JSON.stringify(messages.at(-1))).toContain('What did you say?');
      expect(tools.length).toBe(3);
      expect(usage((await conversation.info())['stats'])).toEqual(['agent', 'ask-agent-llm']);
      await conversation.send('SAY: and on');
      await eventually(
        async () => (await conversation.events('&kind=MessageEvent')).length === 4,
        'the answer',
      );
      expect(JSON.stringify(endpoint.requests.at(-1)?.body)).not.toContain('What did you say?');
    });

    it('answers while a tool runs, without the call that has no result yet', async () => {
      const conversation = await create();
      await conversation.send('RUN: while [ ! -e go ]; do sleep 0.05; done\nFINISH: end');
      await conversation.startsTool();
      endpoint.script([{ say: 'I am waiting.' }]);
      expect((await post(conversation, 'ask_agent', { question: 'What now?' })).body).toEqual({
        response: 'I am waiting.',
      });
      const { messages } = endpoint.requests.at(-1)?.body as { messages: { role: string }[] };
      expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
      expect(await conversation.status()).toBe('running');
      await writeFile(path.join(workspace, 'go'), '');
      await conversation.reaches('finished');
    });

    it('masks secrets in the answer', async () => {
      const conversation = await create({ secrets: { KEY: { kind: 'StaticSecret', value: 'hush-hush-1' } } });
      endpoint.script([{ say: 'it is hush-hush-1' }]);
      expect((await post(conversation, 'ask_agent', { question: 'Which key?' })).body).toEqual({
        response: 'it is <secret-hidden>',
      });
    });

    it('reports what went wrong', async () => {
      const conversation = await create();
      expect(await post(conversation, 'ask_agent', {})).toMatchObject({
        status: 422,
        body: { detail: [{ type: 'missing', loc: ['body', 'question'], msg: 'Field required', input: {} }] },
      });
      const missing = new ConversationClient(server, '00000000-0000-4000-8000-000000000000');
      expect(await post(missing, 'ask_agent', { question: 'Hm?' })).toMatchObject({
        status: 404,
        body: { detail: 'Conversation not found' },
      });
      endpoint.script([{ status: 400, message: 'bad thing' }]);
      expect(await post(conversation, 'ask_agent', { question: 'Hm?' })).toMatchObject({
        status: 500,
        body: { exception: expect.stringContaining('bad thing') as string },
      });
    });
  });

  it('decrypts a create request with secrets_encrypted, and shows skills with include_skills', async () => {
    const token = (text: string) => new Cipher(SECRET_KEY).encrypt(text);
    const skills = [{ name: 'tea', content: 'Make tea.' }];
    const request = {
      agent: {
        llm: llm({ api_key: token('sk-encrypted') }),
        tools: [{ name: 'terminal' }],
        agent_context: { skills },
      },
      workspace: { working_dir: workspace },
      secrets: { SEALED: { kind: 'StaticSecret', value: token('sealed-value') } },
      secrets_encrypted: true,
      autotitle: false,
    };
    const shown = await server.request('POST', '/api/conversations?include_skills=true', request);
    expect(shown).toMatchObject({ status: 201, body: { agent: { agent_context: { skills } } } });
    const conversation = new ConversationClient(server, (shown.body as { id: string }).id);
    expect((await conversation.info())['agent']).toMatchObject({ agent_context: { skills: [] } });
    await conversation.send('RUN: test "$SEALED" = sealed-value && echo same\nSAY: done');
    await conversation.reaches('finished');
    expect(keysUsed()).toEqual(['Bearer sk-encrypted', 'Bearer sk-encrypted']);
    const [observation] = await conversation.events('&kind=ObservationEvent');
    expect(observation).toMatchObject({ observation: { content: [{ text: 'same' }] } });
  });

  it('reports the runtime as available, because the server runs conversations itself (runtime_info)', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace));
    const available = { runtime_status: 'available', can_resume: true, runtime_error: null };
    const { status, body } = await server.request('GET', `${conversation.route}/runtime`);
    expect([status, body]).toEqual([200, available]);
    expect(await post(conversation, 'runtime/reprovision')).toMatchObject({ status: 200, body: available });
  });

  it('refuses ACP models and plugins for conversations without them', async () => {
    const conversation = await create();
    const refusal = async (of: ConversationClient, what: string, body: unknown) => {
      const answer = await post(of, what, body);
      return [answer.status, (answer.body as { detail: unknown }).detail];
    };
    expect(await refusal(conversation, 'switch_acp_model', { model: 'm' })).toEqual([
      400,
      'switch_acp_model is only supported for ACP conversations.',
    ]);
    expect(await refusal(conversation, 'load_plugin', { plugin_ref: 'a@b' })).toEqual([
      400,
      'No agent context available. Configure agent_context with registered_marketplaces to use load_plugin().',
    ]);
    const agent = { llm: llm(), agent_context: {} };
    const withContext = await create({ agent });
    expect(await refusal(withContext, 'load_plugin', { plugin_ref: 'a@b' })).toEqual([
      400,
      'No marketplaces registered. Configure registered_marketplaces in AgentContext to use load_plugin().',
    ]);
  });

  it('refuses bodies without their only field, and lists all that is wrong with secrets', async () => {
    const conversation = await create();
    const wrapped = { switch_llm: 'llm', switch_profile: 'profile_name', load_plugin: 'plugin_ref' };
    for (const [route, field] of Object.entries(wrapped)) {
      for (const body of [undefined, {}, { other: 1 }, []]) {
        expect((await post(conversation, route, body)).body).toEqual({
          detail: [{ type: 'missing', loc: ['body', field], msg: 'Field required', input: null }],
        });
      }
    }
    const secrets = { A: 5, B: { kind: 'StaticSecret', value: 7 }, C: { kind: 'LookupSecret' } };
    const { body } = await post(conversation, 'secrets', { secrets });
    const places = (body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc.join('.'));
    expect(places.sort()).toEqual(['body.secrets.A', 'body.secrets.B.value', 'body.secrets.C.url']);
  });
});
