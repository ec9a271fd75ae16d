import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tokens-'));
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({ cwd: folder, env: { HOME: folder, OH_SECRET_KEY: KEY } });
  });
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  });

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

  it('secrets sent as encrypted tokens are refused as the value of a secret if another server encrypted them and the request sets secrets_encrypted', async () => {
    const secrets = { A: { kind: 'StaticSecret', value: TOKEN_OF_ANOTHER_SERVER } };
    expect(await refusedAt(creation(request({}, { secrets, secrets_encrypted: true })))).toEqual([
      422,
      ['body', 'secrets', 'A', 'value'],
    ]);
  });

  /** What one server and those after it, in the same folder, do with one conversation each. */
  describe('over restarts', () => {
    /** The secret keys of the servers, one after the other. */
    const KEYS = [KEY, KEY, 'another key', KEY];
    const tags = { password: '', token: 'x', apikey: '**********' };
    const properties = {
      api_key: { type: 'string', default: '' },
      password: { type: 'object', description: 'd', value: 'v' },
      secrets: { type: 'object', description: 'by name' },
      headers: { type: 'object', description: 'd', Authorization: '' },
    };
    const client_tools = [{ name: 'ask_user', description: 'd', parameters: { type: 'object', properties } }];
    const literal = { A: { kind: 'StaticSecret', value: TOKEN_OF_ANOTHER_SERVER } };
    const compare = `RUN: test "$A" = ${TOKEN_OF_ANOTHER_SERVER} && echo same\nFINISH: done`;

    /** What each server has shown, in the order of KEYS. */
    const seen = {
      credentials: [] as unknown[],
      literal: [] as unknown[],
      named: [] as unknown[],
      address: [] as string[],
      /** What there is to find of the password in the URL. */
      stored: [] as string[],
    };
    const requested: IncomingMessage[] = [];
    let receiver: Server;
    let port: number;

    beforeAll(async () => {
      receiver = createServer((incoming, answer) => {
        requested.push(incoming);
        answer.end('looked-up');
      }).listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      ({ port } = receiver.address() as AddressInfo);
      const lookup = { A: { kind: 'LookupSecret', url: `http://me:p%40ssword-1@127.0.0.1:${port}/a` } };
      const tokens = await Promise.all(
        [true, false].map((secrets_encrypted) =>
          create(request({ llm: llm({ api_key: own('sk-own') }) }, { secrets_encrypted })),
        ),
      );
      const literally = await create(request({}, { secrets: literal }));
      const named = await create(request({}, { tags, client_tools }));
      const located = await create(request({}, { secrets: lookup }));
      const metadata = path.join(folder, (await located.info()).persistence_dir, 'metadata.json');
      for (const [index, key] of KEYS.entries()) {
        if (index > 0)
          server = await server.restart('SIGTERM', { env: { HOME: folder, OH_SECRET_KEY: key } });
        if (key === KEY) {
          for (const one of tokens) seen.credentials.push(await used(one.on(server)));
          await used(literally.on(server), compare);
          await used(named.on(server));
        }
        seen.named.push(await named.on(server).info());
        seen.address.push(JSON.stringify(await located.on(server).info()));
        await located.on(server).send('RUN: true $A\nFINISH: done');
        await located.on(server).reaches('finished', 'error');
        endpoint.requests.length = 0;
        seen.stored.push(`${await readFile(metadata, 'utf8')} ${server.log}`);
      }
      const results = await literally.on(server).events('&kind=ObservationEvent');
      seen.literal = results
        .filter(({ tool_name }) => tool_name === 'terminal')
        .map(({ observation }) => observation);
    });
    afterAll(() => receiver.close());

    it('secrets sent as encrypted tokens are decrypted in a create request with and without secrets_encrypted, also after a restart', () => {
      const own = ['Bearer sk-own'];
      expect(seen.credentials).toEqual([own, own, own, own, own, own]);
    });

    it('secrets sent as encrypted tokens are taken literally as the value of a secret, unless the request sets secrets_encrypted', () => {
      const same = { content: [{ text: 'same' }] };
      expect(seen.literal).toMatchObject([same, same, same]);
    });

    it('leave tags and parameters of client tools that are named like secrets unchanged', () => {
      expect(seen.named).toMatchObject(KEYS.map(() => ({ tags, client_tools })));
    });

    it('never show or store the password in a URL, and use it again after a restart', () => {
      for (const [index, key] of KEYS.entries())
        expect(seen.address[index]).toContain(
          `http://${key === KEY ? '**********' : ''}@127.0.0.1:${port}/a`,
        );
      expect([...seen.address, ...seen.stored].join()).not.toMatch(/ssword-1/);
      const basic = `Basic ${Buffer.from('me:p@ssword-1').toString('base64')}`;
      // With another key the password is missing; with the first key it is back.
      expect(requested.map(({ headers }) => headers.authorization)).toEqual([basic, basic, undefined, basic]);
    });
  });
});
