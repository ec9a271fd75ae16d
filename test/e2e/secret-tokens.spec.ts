import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { Cipher } from '../../src/crypto/index.js';
import { ConversationClient } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

const KEY = 'a key of the server';
const own = (text: string): string => new Cipher(KEY).encrypt(text);
const TOKEN_OF_ANOTHER_SERVER = new Cipher('a key of another server').encrypt('text');

/**
 * Clients may send encrypted tokens in place of secrets. Fields that are only named like secrets stay as they
 * are.
 */
describe('secrets sent as encrypted tokens', () => {
  let folder: string;
  let endpoint: ChatEndpoint;
  let server: ServerProcess;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tokens-'));
    endpoint = await startScriptedEndpoint();
    await start();
  });
  afterEach(async () => {
    await server.stop();
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(key = KEY): Promise<void> {
    server = await ServerProcess.start({ cwd: folder, env: { HOME: folder, OH_SECRET_KEY: key } });
  }

  async function restart(key = KEY): Promise<void> {
    await server.end();
    await start(key);
  }

  const llm = (more: Record<string, unknown> = {}) => ({
    model: 'openai/some-model',
    base_url: endpoint.url,
    api_key: 'sk-plain',
    usage_id: 'agent',
    num_retries: 1,
    ...more,
  });
  const request = (agent: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => ({
    agent: { llm: llm(), tools: [{ name: 'terminal' }], ...agent },
    workspace: { working_dir: path.join(folder, 'project') },
    autotitle: false,
    ...more,
  });
  const create = (body: unknown) => ConversationClient.create(server, body);
  const refusedAt = async (answer: Promise<{ status: number; body: unknown }>): Promise<unknown> => {
    const { status, body } = await answer;
    expect(JSON.stringify(body)).not.toContain('gAAAAA');
    return [status, (body as { detail: { loc?: unknown }[] }).detail[0]?.loc];
  };
  const creation = (body: unknown) => server.request('POST', '/api/conversations', body);

  /** The credentials that the provider has received since the last call. */
  async function used(conversation: ConversationClient, script = 'FINISH: done'): Promise<unknown[]> {
    await conversation.send(script);
    await conversation.reaches('finished');
    return endpoint.requests.splice(0).map(({ headers }) => headers.authorization);
  }

  it('secrets sent as encrypted tokens are decrypted in a create request with and without secrets_encrypted, also after a restart', async () => {
    for (const secrets_encrypted of [true, false]) {
      const conversation = await create(
        request({ llm: llm({ api_key: own('sk-own') }) }, { secrets_encrypted }),
      );
      expect(await used(conversation)).toEqual(['Bearer sk-own']);
      await restart();
      expect(await used(conversation.on(server))).toEqual(['Bearer sk-own']);
    }
  });

  it('secrets sent as encrypted tokens are decrypted in switch_llm, in secrets, and in the LLM of a condenser or an analyzer', async () => {
    const conversation = await create(
      request(
        { condenser: { kind: 'LLMSummarizingCondenser', llm: llm({ api_key: own('sk-condenser') }) } },
        { secrets: { A: { kind: 'StaticSecret', value: own('value-a') } } },
      ),
    );
    const post = async (what: string, body: unknown) =>
      (await server.request('POST', `${conversation.route}/${what}`, body)).status;
    const security_analyzer = {
      kind: 'ToolShieldLLMSecurityAnalyzer',
      llm: llm({ api_key: own('sk-tool') }),
    };
    expect([
      await post('switch_llm', { llm: llm({ api_key: own('sk-switched') }) }),
      await post('secrets', { secrets: { B: own('value-b') } }),
      await post('security_analyzer', { security_analyzer }),
    ]).toEqual([200, 200, 200]);
    const script = 'RUN: test "$A$B" = value-avalue-b && echo same\nFINISH: done';
    expect(await used(conversation, script)).toEqual(['Bearer sk-switched', 'Bearer sk-switched']);
    const [observation] = await conversation.events('&kind=ObservationEvent');
    expect(observation).toMatchObject({ observation: { content: [{ text: 'same' }] } });
    // On disk each is encrypted once: a token that was sent is not encrypted again.
    const file = `${(await conversation.info()).persistence_dir}/metadata.json`;
    const texts = [...(await readFile(path.join(folder, file), 'utf8')).matchAll(/"(gAAAAA[^"]+)"/g)];
    const opened = texts.map(([, token = '']) => new Cipher(KEY).decrypt(token));
    expect(opened.sort()).toEqual(['sk-condenser', 'sk-switched', 'sk-tool', 'value-a', 'value-b']);
  });

  it('secrets sent as encrypted tokens are refused with the name of their field when another server encrypted them', async () => {
    const llmWithUnknownToken = (field: string) => llm({ [field]: TOKEN_OF_ANOTHER_SERVER });
    for (const field of ['api_key', 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token']) {
      expect(await refusedAt(creation(request({ llm: llmWithUnknownToken(field) })))).toEqual([
        422,
        ['body', 'agent', 'llm', field],
      ]);
    }
    const { agent: _none, ...rest } = request();
    expect(
      await refusedAt(creation({ ...rest, agent_settings: { llm: llmWithUnknownToken('api_key') } })),
    ).toEqual([422, ['body', 'agent_settings', 'llm', 'api_key']]);
    const pipeline = {
      kind: 'PipelineCondenser',
      condensers: [{ kind: 'LLMSummarizingCondenser', llm: llmWithUnknownToken('api_key') }],
    };
    expect(await refusedAt(creation(request({ condenser: pipeline })))).toEqual([
      422,
      ['body', 'agent', 'condenser', 'condensers', 0, 'llm', 'api_key'],
    ]);
    const headers = llm({ extra_headers: { 'X-Api-Key': TOKEN_OF_ANOTHER_SERVER } });
    expect(await refusedAt(creation(request({ llm: headers })))).toEqual([
      422,
      ['body', 'agent', 'llm', 'extra_headers', 'X-Api-Key'],
    ]);
    const address = llm({ base_url: endpoint.url.replace('//', `//${TOKEN_OF_ANOTHER_SERVER}@`) });
    expect(await refusedAt(creation(request({ llm: address })))).toEqual([
      422,
      ['body', 'agent', 'llm', 'base_url'],
    ]);

    const conversation = await create(request());
    const post = (what: string, body: unknown) =>
      refusedAt(server.request('POST', `${conversation.route}/${what}`, body));
    expect(await post('switch_llm', { llm: llmWithUnknownToken('api_key') })).toEqual([
      422,
      ['body', 'llm', 'api_key'],
    ]);
    const security_analyzer = { kind: 'GraySwanAnalyzer', api_key: TOKEN_OF_ANOTHER_SERVER };
    expect(await post('security_analyzer', { security_analyzer })).toEqual([
      422,
      ['body', 'security_analyzer', 'api_key'],
    ]);
    expect(await used(conversation)).toEqual(['Bearer sk-plain']);
  });

  it('secrets sent as encrypted tokens are taken literally as the value of a secret, unless the request sets secrets_encrypted', async () => {
    const secrets = { A: { kind: 'StaticSecret', value: TOKEN_OF_ANOTHER_SERVER } };
    expect(await refusedAt(creation(request({}, { secrets, secrets_encrypted: true })))).toEqual([
      422,
      ['body', 'secrets', 'A', 'value'],
    ]);
    const conversation = await create(request({}, { secrets }));
    const compare = `RUN: test "$A" = ${TOKEN_OF_ANOTHER_SERVER} && echo same\nFINISH: done`;
    await used(conversation, compare);
    await restart();
    await used(conversation.on(server), compare);
    const seen = await conversation.on(server).events('&kind=ObservationEvent');
    const texts = seen
      .filter(({ tool_name }) => tool_name === 'terminal')
      .map(({ observation }) => observation);
    expect(texts).toMatchObject([{ content: [{ text: 'same' }] }, { content: [{ text: 'same' }] }]);
  });

  it('leave tags and parameters of client tools that are named like secrets unchanged', async () => {
    const tags = { password: '', token: 'x', apikey: '**********' };
    const properties = {
      api_key: { type: 'string', default: '' },
      password: { type: 'object', description: 'd', value: 'v' },
      secrets: { type: 'object', description: 'by name' },
      headers: { type: 'object', description: 'd', Authorization: '' },
    };
    const client_tools = [{ name: 'ask_user', description: 'd', parameters: { type: 'object', properties } }];
    const conversation = await create(request({}, { tags, client_tools }));
    await used(conversation);
    for (const key of [KEY, 'another key']) {
      await restart(key);
      expect(await conversation.on(server).info()).toMatchObject({ tags, client_tools });
    }
  });

  it('never show or store the password in a URL, and use it again after a restart', async () => {
    const seen: IncomingMessage[] = [];
    const receiver = createServer((incoming, answer) => {
      seen.push(incoming);
      answer.end('looked-up');
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const secrets = { A: { kind: 'LookupSecret', url: `http://me:p%40ssword-1@127.0.0.1:${port}/a` } };
    try {
      let conversation = await create(request({}, { secrets }));
      const file = path.join(folder, (await conversation.info()).persistence_dir, 'metadata.json');
      for (const key of [KEY, 'another key', KEY]) {
        await restart(key);
        conversation = conversation.on(server);
        const shown = JSON.stringify(await conversation.info());
        expect(shown).toContain(`http://${key === KEY ? '**********' : ''}@127.0.0.1:${port}/a`);
        await conversation.send('RUN: true $A\nFINISH: done');
        await conversation.reaches('finished', 'error');
        const all = `${shown} ${await readFile(file, 'utf8')} ${server.log}`;
        expect(all).not.toMatch(/ssword-1/);
      }
      const basic = `Basic ${Buffer.from('me:p@ssword-1').toString('base64')}`;
      // With another key the password is missing; with the first key it is back.
      expect(seen.map(({ headers }) => headers.authorization)).toEqual([basic, undefined, basic]);
    } finally {
      receiver.close();
    }
  });
});
