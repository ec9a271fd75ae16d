import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { acpRequest, answerOf, steps } from '../support/acp.js';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { ServerProcess } from '../support/server-process.js';
import { textsBelow } from '../support/texts-below.js';

const SIGN_IN = JSON.stringify({ tokens: { access_token: 'hush-access', refresh_token: 'hush-refresh' } });
const CREDENTIAL = JSON.stringify({ value: SIGN_IN, version: 'v1' });
const NAME = 'CODEX_AUTH_JSON';

describe('credential bindings of ACP agents', () => {
  let server: ServerProcess;
  let credentialService: Server;
  let url: string;
  let requestedPaths: string[];
  beforeAll(async () => {
    server = await ServerProcess.start();
    // `/sign-in` and `/renewed` answer the credential. Any other path is echoed, and is the status if it is a
    // number.
    credentialService = createServer((request, response) => {
      const requested = decodeURIComponent((request.url ?? '').slice(1));
      requestedPaths.push(requested);
      const isKnown = request.headers.authorization === 'Bearer hush-ticket';
      response.statusCode = isKnown ? Number(/^\d+$/.exec(requested)?.[0] ?? 200) : 401;
      response.end(['sign-in', 'renewed'].includes(requested) ? CREDENTIAL : requested);
    }).listen(0, '127.0.0.1');
    await once(credentialService, 'listening');
    const address = credentialService.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`;
  });
  beforeEach(() => (requestedPaths = []));
  afterAll(async () => {
    credentialService.close();
    await server.stop();
  });

  const headers = { Authorization: 'Bearer hush-ticket' };
  const bindAt = async (id: string, body: object, name = NAME) => {
    const answer = await server.request('PUT', `/api/conversations/${id}/credential-bindings/${name}`, body);
    return [answer.status, answer.body];
  };
  const bind = ({ id }: ConversationClient, body: object, name = NAME) => bindAt(id, body, name);
  const create = (more: object = {}) =>
    ConversationClient.create(server, { ...acpRequest(path.join(server.cwd, 'work')), ...more });
  const signInOf = async (conversation: ConversationClient) => {
    await conversation.send(steps(['env', 'CODEX_HOME']));
    await conversation.reaches('finished');
    const home = /CODEX_HOME=(.*);/.exec(await answerOf(conversation))?.[1] ?? '';
    return readFile(path.join(home, 'auth.json'), 'utf8');
  };
  const TOO_LATE = { detail: 'Credential binding activation arrived after ACP initialization' };

  it('fetches a bound credential when the agent starts and hides it from clients and the log', async () => {
    const conversation = await create();
    expect(await bind(conversation, { url: `${url}/sign-in`, headers })).toEqual([204, '']);
    expect(await signInOf(conversation)).toBe(SIGN_IN);
    const { body } = await server.request('GET', conversation.route);
    expect(JSON.stringify([body, await conversation.events()])).not.toContain('hush');
    expect(server.log).not.toContain('hush');
    // While the agent runs the headers may change, but not the URL.
    expect(await bind(conversation, { url: `${url}/sign-in`, headers })).toEqual([204, '']);
    expect(await bind(conversation, { url: `${url}/renewed`, headers })).toEqual([409, TOO_LATE]);
  });

  it('accepts a credential binding before its conversation is created', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    for (const bound of [id, other])
      expect(await bindAt(bound, { url: `${url}/sign-in`, headers })).toEqual([204, '']);
    expect(await signInOf(await create({ conversation_id: id }))).toBe(SIGN_IN);
    // An agent that uses no credentials drops the binding.
    const request = scriptedRequest(server.cwd, 'SAY: hi', { conversation_id: other });
    const scripted = await ConversationClient.create(server, request);
    expect((await scripted.info())['secret_registry']).toEqual({ secret_sources: {} });
  });

  it('never stores bound credentials and requires a new binding after a restart', async () => {
    const source = { url: `${url}/sign-in`, headers };
    const early = randomUUID();
    await bindAt(early, source);
    const secrets = { [NAME]: { kind: 'StaticSecret', value: 'hush-old' } };
    const conversations = [await create({ conversation_id: early, secrets }), await create({ secrets })];
    for (const conversation of conversations) {
      expect(await bind(conversation, source)).toEqual([204, '']);
      expect(await signInOf(conversation)).toBe(SIGN_IN);
    }
    const stored = await textsBelow(server.cwd);
    expect(stored).toContain('"required_runtime_credential_bindings":["CODEX_AUTH_JSON"]');
    expect(stored).not.toMatch(/hush|\/sign-in/);
    server = await server.restart();
    for (const { route, id } of conversations) {
      const message = userMessage('SAY: hi', true);
      const required = {
        status: 409,
        body: { detail: 'credential_binding_activation_required', retryable: true },
      };
      expect(await server.request('GET', `${route}/events/count`)).toMatchObject(required);
      expect(await server.request('POST', `${route}/events`, message)).toMatchObject(required);
      expect((await server.request('GET', route)).status).toBe(200);
      const again = { ...acpRequest(path.join(server.cwd, 'work')), conversation_id: id };
      expect((await server.request('POST', '/api/conversations', again)).status).toBe(200);
    }
    const [first, second] = conversations.map(({ id }) => new ConversationClient(server, id));
    if (!first || !second) throw new Error('there are two conversations');
    expect(await bind(first, source)).toEqual([204, '']);
    expect(await signInOf(first)).toBe(SIGN_IN);
    expect((await server.request('DELETE', second.route)).status).toBe(200);
  });

  it('copies credential bindings to a fork', async () => {
    const conversation = await create();
    await bind(conversation, { url: `${url}/sign-in`, headers });
    const { body } = await conversation.post('fork', {});
    const { id } = body as { id: string };
    expect(await signInOf(new ConversationClient(server, id))).toBe(SIGN_IN);
  });

  it('masks each token of a bound credential in the answers of the agent', async () => {
    const conversation = await create();
    await bind(conversation, { url: `${url}/sign-in`, headers });
    await signInOf(conversation);
    await conversation.send(steps(['say', 'hush-refresh']));
    await conversation.reaches('finished');
    expect(await answerOf(conversation)).not.toContain('hush-refresh');
  });

  it('limits the number and length of the headers of a credential binding', async () => {
    const tooMany = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`X-${at}`, 'x']));
    for (const given of [tooMany, { ['X'.repeat(257)]: 'x' }, { X: '' }, { X: 'x'.repeat(8193) }])
      expect((await bindAt(randomUUID(), { url, headers: given }))[0]).toBe(422);
    expect(requestedPaths).toEqual([]);
  });

  it.each<[string, number, unknown, number]>([
    ['401', 403, { detail: 'Credential binding authorization was rejected' }, 1],
    ['403', 403, { detail: 'Credential binding authorization was rejected' }, 1],
    ['409', 409, { detail: 'Credential binding source changed' }, 1],
    ['400', 422, { detail: 'Credential binding source is invalid' }, 1],
    ['404', 422, { detail: 'Credential binding source is invalid' }, 1],
    ['{"value": "x"}', 422, { detail: 'Credential binding source is invalid' }, 1],
    ['{"value": "x", "version": ""}', 422, { detail: 'Credential binding source is invalid' }, 1],
    ['not JSON', 422, { detail: 'Credential binding source is invalid' }, 1],
    ['501', 501, { exception: '501: Credential binding source is unsupported' }, 1],
    ['503', 502, { exception: '502: Credential binding source is unavailable' }, 3],
  ])('refuses a credential binding whose source answers %s', async (reply, status, answer, times) => {
    const found = await bindAt(randomUUID(), { url: `${url}/${encodeURIComponent(reply)}`, headers });
    expect(found).toEqual([status, expect.objectContaining(answer as object)]);
    expect(requestedPaths).toHaveLength(times);
  });

  it('refuses a credential binding without a source and validates requests before fetching', async () => {
    const conversation = await create();
    expect(await bind(conversation, { url: `http://127.0.0.1:${await freePort()}/`, headers })).toEqual([
      502,
      expect.objectContaining({ exception: '502: Credential binding source is unavailable' }),
    ]);
    for (const address of ['nonsense', 'ftp://127.0.0.1/'])
      expect((await bind(conversation, { url: address }))[0]).toBe(422);
    for (const body of [{}, { url: '' }, { url, value: 'x' }, { url: 1 }, { url: 'x'.repeat(4097) }])
      expect((await bind(conversation, body))[0]).toBe(422);
    expect(requestedPaths).toEqual([]);
  });

  it('accepts credential bindings only for Codex in conversations with an ACP agent', async () => {
    const source = { url: `${url}/sign-in`, headers };
    expect(await bind(await create(), source, 'OTHER')).toEqual([404, { detail: 'Not Found' }]);
    const scripted = await ConversationClient.create(server, scriptedRequest(server.cwd, 'SAY: hi'));
    expect(await bind(scripted, source)).toEqual([409, TOO_LATE]);
  });
});
