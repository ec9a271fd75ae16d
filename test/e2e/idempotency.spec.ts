import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import {
  ConversationClient,
  messageText,
  scriptedRequest,
  userMessage,
} from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

describe('requests with an Idempotency-Key', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: '1' } });
    workspace = path.join(server.cwd, 'work');
  });
  afterAll(() => server.stop());

  const create = (script?: string) => ConversationClient.create(server, scriptedRequest(workspace, script));
  const send = async (conversation: ConversationClient, key: string, text: string, run = false) => {
    const headers = { 'Idempotency-Key': key };
    const message = userMessage(text, run);
    const { status, body } = await server.request('POST', `${conversation.route}/events`, message, headers);
    return { status, body };
  };
  const messages = async (conversation: ConversationClient) =>
    (await conversation.on(server).events('&kind=MessageEvent&source=user')).length;
  const runs = async () =>
    ((await server.request('GET', '/server_info')).body as { runs: { refused: number } }).runs;
  const conversations = async () => Number((await server.request('GET', '/api/conversations/count')).body);
  const done = { status: 200, body: { success: true } };

  it('stores a message once when it is sent several times, also at the same time', async () => {
    const conversation = await create();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send(conversation, 'k', 'SAY: hi', true)),
    );
    expect(answers).toEqual(answers.map(() => done));
    await conversation.reaches('finished');
    expect(await send(conversation, 'k', 'SAY: hi', true)).toEqual(done);
    expect(await messages(conversation)).toBe(1);
    expect(await conversation.status()).toBe('finished');
    expect(await send(conversation, 'another', 'SAY: hi')).toEqual(done);
    expect(await messages(conversation)).toBe(2);
  });

  it('stores a message once when it is sent again after a crash of the server', async () => {
    const conversation = await create();
    expect(await send(conversation, 'k', 'SAY: hi')).toEqual(done);
    server = await server.restart('SIGKILL');
    expect(await send(conversation, 'k', 'SAY: hi')).toEqual(done);
    expect(await messages(conversation)).toBe(1);
  });

  it('rejects a key that was used for another message, and keys of an invalid length', async () => {
    const conversation = await create();
    await send(conversation, 'k', 'SAY: hi');
    expect(await send(conversation, 'k', 'SAY: bye')).toMatchObject({
      status: 422,
      body: { detail: [{ type: 'value_error', loc: ['header', 'Idempotency-Key'] }] },
    });
    expect((await send(conversation, '', 'SAY: hi')).status).toBe(422);
    expect((await send(conversation, 'x'.repeat(256), 'SAY: hi')).status).toBe(422);
    expect(await messages(conversation)).toBe(1);
  });

  it('starts the run of a message that is sent again after the limit of runs refused it', async () => {
    const { refused } = await runs();
    const busy = await create('WAIT: 1000\nSAY: late');
    const conversation = await create();
    expect(await send(conversation, 'k', 'SAY: hi', true)).toMatchObject({ status: 429 });
    expect(await runs()).toMatchObject({ running: 1, limit: 1, refused: refused + 1 });
    await busy.post('interrupt');
    expect(await send(conversation, 'k', 'SAY: hi', true)).toEqual(done);
    await conversation.reaches('finished');
    expect(await messages(conversation)).toBe(1);
  });

  it('stores a message with a new key before a message without a key that arrives after it', async () => {
    const conversation = await create();
    expect(await send(conversation, 'first', 'first')).toEqual(done);
    const url = new URL(`${conversation.route}/events`, server.url);
    const expected = ['first'];
    for (const round of [1, 2, 3, 4, 5]) {
      const keyed = await beginPost(url, userMessage(`keyed ${round}`), { 'Idempotency-Key': `${round}` });
      const plain = await beginPost(url, userMessage(`plain ${round}`));
      // After another round trip the server waits for both: it reads what has arrived first.
      await server.request('GET', '/alive');
      const answers = [keyed.finish(), plain.finish()];
      expect(await Promise.all(answers)).toEqual([200, 200]);
      expected.push(`keyed ${round}`, `plain ${round}`);
    }
    expect((await conversation.events('&kind=MessageEvent')).map(messageText)).toEqual(expected);
  });

  it('creates one conversation from equal requests that are sent at the same time', async () => {
    const request = scriptedRequest(workspace);
    const post = () => server.request('POST', '/api/conversations', request, { 'Idempotency-Key': 'c' });
    const before = await conversations();
    const answers = await Promise.all([post(), post(), post()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(await conversations()).toBe(before + 1);
  });
});

/**
 * Sends the head of a request and waits until the server has read it. `finish` sends the body and returns the
 * status.
 */
async function beginPost(url: URL, body: unknown, headers: http.OutgoingHttpHeaders = {}) {
  const bytes = Buffer.from(JSON.stringify(body));
  const request = http.request(url, {
    method: 'POST',
    agent: false,
    headers: {
      ...headers,
      'Content-Type': 'application/json',
      'Content-Length': bytes.length,
      Expect: '100-continue',
    },
  });
  request.flushHeaders();
  await once(request, 'continue');
  const finish = async (): Promise<number | undefined> => {
    const answer = once(request, 'response') as Promise<[http.IncomingMessage]>;
    request.end(bytes);
    const [response] = await answer;
    await text(response);
    return response.statusCode;
  };
  return { finish };
}
