import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { acpCommand, agentsWith, answerOf, steps } from '../support/acp.js';
import { ConversationClient, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

const ID = '8a1c26fd-874f-46b0-95cc-77ec5ebdcb0f';

describe('ACP agents of settings and profiles', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const custom = (...args: string[]) => ({ acp_server: 'custom', acp_command: acpCommand(...args) });
  const discover = (agent_settings: object, more: object = {}) =>
    server.request('POST', '/api/acp/models', { agent_settings, ...more });
  const create = (agent: object) =>
    server.request('POST', '/api/conversations', {
      workspace: { working_dir: path.join(server.cwd, 'work') },
      autotitle: false,
      ...agent,
    });
  const NO_MODELS = {
    ...{ agent_name: null, agent_version: null, current_model_id: null, available_models: [] },
    supports_runtime_model_switch: false,
  };

  it.each([
    ['a method', []],
    ['an option', ['--config-models']],
  ])('lists the models that an ACP agent offers as %s', async (_how, args) => {
    expect(await discover(custom(...args))).toMatchObject({
      status: 200,
      body: {
        ...{ agent_name: 'test-agent', agent_version: '1.2.3', current_model_id: 'small', error: null },
        available_models: [
          { model_id: 'small', name: 'Small', description: 'Quick' },
          { model_id: 'large', name: 'Large', description: 'Thorough' },
        ],
      },
    });
  });

  it.each([
    [{ acp_server: 'custom', acp_command: ['/nonexistent-acp'] }, 'ACPSpawnError', /nonexistent-acp/],
    [{ acp_server: 'custom', acp_command: ['/bin/false'] }, 'ACPInitError', /Connection closed/],
    [{ acp_server: 'custom', acp_command: acpCommand('--auth', 'x') }, 'ACPAuthRequired', /-32000/],
    [
      { acp_server: 'custom', acp_command: acpCommand('--mute', 'session/new'), acp_startup_timeout: 0.5 },
      ...(['ACPStartupTimeout', /timed out/] as const),
    ],
  ])('reports why the models of an ACP agent cannot be listed: %j', async (settings, code, text) => {
    const detail: unknown = expect.stringMatching(text);
    expect(await discover(settings)).toMatchObject({
      status: 200,
      body: { ...NO_MODELS, error: { code, detail } },
    });
  });

  it('passes secrets to an ACP agent and masks them in its errors', async () => {
    const settings = { acp_server: 'custom', acp_command: ['sh', '-c', 'echo bad $KEY >&2; exit 1'] };
    const secrets = { KEY: { kind: 'StaticSecret', value: 'hush-hush' } };
    const { body } = await discover(settings, { secrets });
    expect(body).toMatchObject({ error: { detail: 'Connection closed (exit code 1: bad <secret-hidden>)' } });
  });

  it('caches the models of an ACP agent until a refresh and ends its process', async () => {
    const settings = custom('--banner', `models-${process.pid}`);
    const first = await discover(settings);
    const pid = agentsWith(`models-${process.pid}`);
    expect([pid, (await discover(settings)).body]).toEqual([[], first.body]);
    expect((await discover(settings, { refresh: true })).body).toEqual(first.body);
  });

  it.each([
    [{}, 'Field required'],
    [{ agent_settings: { acp_server: 'zzz' } }, "Input should be 'claude-code', "],
    [{ agent_settings: { agent_kind: 'openhands' } }, "Input should be 'acp'"],
    [{ agent_settings: { acp_server: 'custom' } }, "acp_command must be set when acp_server='custom'"],
    [{ agent_settings: { acp_prompt_timeout: 0 } }, 'greater than 0'],
  ])('rejects the settings of an ACP agent %j', async (body, text) => {
    const answer = await server.request('POST', '/api/acp/models', body);
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain(text);
  });

  it('starts a conversation with the ACP agent of given settings', async () => {
    const agent_settings = { agent_kind: 'acp', ...custom(), acp_model: 'large' };
    const { status, body } = await create({
      agent_settings,
      initial_message: userMessage(steps(['status'])),
    });
    expect([status, body]).toMatchObject([
      201,
      { agent: { kind: 'ACPAgent', acp_server: 'custom', llm: { model: 'large' } } },
    ]);
    const conversation = new ConversationClient(server, idOf(body));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toContain('"model":"large"');
  });

  it.each([
    ['claude-code', '@agentclientprotocol/claude-agent-acp'],
    ['gemini-cli', '@google/gemini-cli'],
    ['opencode', 'opencode-ai'],
  ])('knows the command of the ACP agent %s', async (acp_server, name) => {
    const { body } = await create({ agent_settings: { agent_kind: 'acp', acp_server } });
    expect(JSON.stringify(body)).toContain(`"acp_command":["npx","-y","--prefer-offline","${name}@`);
  });

  it('starts a conversation with the ACP agent of a stored profile', async () => {
    await mkdir(path.join(server.cwd, 'persistence', 'agent-profiles'), { recursive: true });
    const profile = {
      ...{ schema_version: 4, agent_kind: 'acp', id: ID, name: 'outside', revision: 2, secret_refs: null },
      ...{
        acp_server: 'custom',
        acp_command: acpCommand()
          .map((word) => `"${word}"`)
          .join(' '),
      },
      ...{ acp_args: ['--config-models'], acp_model: 'large', mcp_server_refs: null },
    };
    await writeFile(
      path.join(server.cwd, 'persistence', 'agent-profiles', 'outside.json'),
      JSON.stringify(profile),
    );
    const { status, body } = await create({
      agent_profile_id: ID,
      initial_message: userMessage(steps(['status'])),
    });
    expect([status, body]).toMatchObject([
      201,
      { launched_agent_profile: { agent_profile_id: ID, revision: 2 } },
    ]);
    const conversation = new ConversationClient(server, idOf(body));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toContain('"model":"large"');
  });

  it('gives an ACP agent those MCP servers of its profile that it supports', async () => {
    const mcp_config = {
      local: { command: 'run-me', args: ['--it'] },
      remote: { url: 'http://127.0.0.1:9/mcp' },
      other: { command: 'not-me' },
    };
    const patched = await server.request('PATCH', '/api/settings', { agent_settings_diff: { mcp_config } });
    expect(patched.status).toBe(200);
    const launch = async (name: string, mcp_server_refs: string[]) => {
      const command = acpCommand('--stdio-only').map((word) => `"${word}"`);
      const acp = {
        agent_kind: 'acp',
        acp_server: 'custom',
        acp_command: command.join(' '),
        mcp_server_refs,
      };
      const { status } = await server.request('POST', `/api/agent-profiles/${name}`, acp);
      expect(status).toBe(201);
      const { body } = await server.request('GET', `/api/agent-profiles/${name}`);
      const profile: unknown = Reflect.get(Object(body), 'profile');
      return create({ agent_profile_id: idOf(profile), initial_message: userMessage(steps(['status'])) });
    };
    const { body } = await launch('served', ['local', 'remote']);
    const conversation = new ConversationClient(server, idOf(body));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).toContain(
      '"mcp":[{"name":"local","command":"run-me","args":["--it"],"env":[]}]',
    );
    const missing = await launch('missing', ['nobody']);
    expect(missing).toMatchObject({
      status: 422,
      body: { detail: { dangling_mcp_server_refs: ['nobody'] } },
    });
  });
});

function idOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : '';
}
