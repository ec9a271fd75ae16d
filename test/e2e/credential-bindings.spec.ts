import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { acpRequest, answerOf, steps } from '../support/acp.js';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { freePort } from '../support/free-port.js';
import { ServerProcess } from '../support/server-process.js';

const SIGN_IN = JSON.stringify({ tokens: { access_token: 'hush-access', refresh_token: 'hush-refresh' } });
const NAME = 'CODEX_AUTH_JSON';

describe('credentials of agents from elsewhere that somebody else keeps', () => {
  let folder: string;
  let server: ServerProcess;
  let keeper: Server;
  let url: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'credentials-')));
    server = await ServerProcess.start();
    keeper = createServer((request, response) => {
      const isKnown = request.headers.authorization === 'Bearer hush-ticket';
      if (!isKnown) response.statusCode = 401;
      response.end(request.url === '/sign-in' ? SIGN_IN : '{}');
    }).listen(0, '127.0.0.1');
    await once(keeper, 'listening');
    const address = keeper.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`;
  });
  afterAll(async () => {
    keeper.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const headers = { Authorization: 'Bearer hush-ticket' };
  const bind = async ({ route }: ConversationClient, body: object, name = NAME) => {
    const answer = await server.request('PUT', `${route}/credential-bindings/${name}`, body);
    return [answer.status, answer.body];
  };
  const create = () => ConversationClient.create(server, acpRequest(path.join(folder, 'work')));

  it('are fetched when the agent starts, and nobody else reads them', async () => {
    const conversation = await create();
    expect(await bind(conversation, { url: `${url}/sign-in`, headers })).toEqual([204, '']);
    const message = { ...userMessage(steps(['env', 'CODEX_HOME'])), run: true };
    await server.request('POST', `${conversation.route}/events`, message);
    await conversation.reaches('finished');
    const home = /CODEX_HOME=(.*);/.exec(await answerOf(conversation))?.[1] ?? '';
    expect(await readFile(path.join(home, 'auth.json'), 'utf8')).toBe(SIGN_IN);
    const { body } = await server.request('GET', conversation.route);
    expect(JSON.stringify([body, await conversation.events()])).not.toContain('hush');
    expect(server.log).not.toContain('hush');
  });

  it('are looked at before they are taken', async () => {
    const conversation = await create();
    const invalid = [422, { detail: 'Credential binding source is invalid' }];
    expect(await bind(conversation, { url: `${url}/other`, headers })).toEqual(invalid);
    expect(await bind(conversation, { url: `${url}/sign-in` })).toEqual(invalid);
    expect(await bind(conversation, { url: `http://127.0.0.1:${await freePort()}/`, headers })).toEqual([
      502,
      expect.objectContaining({ exception: '502: Credential binding source is unavailable' }),
    ]);
    for (const body of [{}, { url: '' }, { url, value: 'x' }, { url: 1 }])
      expect((await bind(conversation, body))[0]).toBe(422);
  });

  it('are those of Codex in conversations with an agent from elsewhere, and no others', async () => {
    const nothing = [404, { detail: 'Not Found' }];
    const source = { url: `${url}/sign-in`, headers };
    expect(await bind(await create(), source, 'OTHER')).toEqual(nothing);
    const scripted = await ConversationClient.create(server, scriptedRequest(folder, 'SAY: hi'));
    expect(await bind(scripted, source)).toEqual(nothing);
    const unknown = '/api/conversations/00000000-0000-0000-0000-000000000001/credential-bindings';
    expect((await server.request('PUT', `${unknown}/${NAME}`, source)).status).toBe(404);
  });
});
