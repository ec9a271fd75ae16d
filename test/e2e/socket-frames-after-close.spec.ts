import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WebSocket } from 'ws';
import { ConversationClient, messageText, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const KEY = 'a-session-key';
const CLIENTS = 10;
const ROUTES = [
  ['/sockets/events/ID', (text: string) => ({ role: 'user', content: text })],
  ['/sockets/events/ID?resend_mode=all', (text: string) => ({ role: 'user', content: text })],
  ['/sockets/session/ID?after_seq=-1', (text: string) => ({ role: 'user', content: text })],
  ['/conversations/ID/events/socket', (text: string) => ({ type: 'message', content: text })],
] as const;

/** How clients end their connection. */
const DEPARTURES = [
  ['closes its socket', (socket: WebSocket) => socket.close()],
  ['drops its connection once the server has received the frame', dropOnceReceived],
] as const;

/** The server answers a ping as soon as it has received what came before. */
function dropOnceReceived(socket: WebSocket): void {
  socket.once('pong', () => socket.terminate());
  socket.ping();
}

/** Opens a socket, sends frames as soon as it is open, and leaves. */
async function sendAndLeave(
  url: string,
  frames: readonly object[],
  leave: (socket: WebSocket) => void,
): Promise<void> {
  const socket = new WebSocket(url);
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'open');
  for (const frame of frames) socket.send(JSON.stringify(frame));
  leave(socket);
  await closed;
}

/** The texts of the user's messages. */
async function messagesOf(conversation: ConversationClient): Promise<string[]> {
  const events = await conversation.events('&kind=MessageEvent');
  return events.filter(({ source }) => source === 'user').map(messageText);
}

/** Each client sends one message and leaves. All messages have to arrive. */
async function expectAll(
  conversation: ConversationClient,
  route: string,
  framesOf: (text: string) => readonly object[],
  leave: (socket: WebSocket) => void,
): Promise<void> {
  const texts = Array.from({ length: CLIENTS }, (_, index) => `SAY: ${randomUUID()} ${index}`);
  const url = conversation.server.socketUrl(route.replace('ID', conversation.id));
  await Promise.all(texts.map((text) => sendAndLeave(url, framesOf(text), leave)));
  const arrived = async (): Promise<string[]> =>
    (await messagesOf(conversation)).filter((text) => texts.includes(text)).sort();
  await eventually(async () => (await arrived()).length >= CLIENTS, 'all messages');
  expect(await arrived()).toEqual(texts.sort());
}

describe('a frame that arrives just before its socket closes', () => {
  let server: ServerProcess;
  let conversation: ConversationClient;
  beforeAll(async () => {
    server = await ServerProcess.start();
    conversation = await ConversationClient.create(server, scriptedRequest(server.cwd));
  });
  afterAll(() => server.stop());

  describe.each(DEPARTURES)('of a client that %s', (_, leave) => {
    it.each(ROUTES)('is handled on %s', (route, frame) =>
      expectAll(conversation, route, (text) => [frame(text)], leave),
    );

    it('starts its command on the bash socket', async () => {
      const file = path.join(server.cwd, `started-${randomUUID()}`);
      const frame = { command: `echo started >> ${file}` };
      await sendAndLeave(server.socketUrl('/sockets/bash-events?resend_mode=all'), [frame], leave);
      await eventually(async () => (await readFile(file, 'utf8').catch(() => '')) === 'started\n');
    });
  });

  it('is handled while its conversation is still being opened', async () => {
    const cold = await ConversationClient.create(server, scriptedRequest(server.cwd));
    for (let index = 0; index < 20; index += 1) await cold.send('SAY: something', false);
    await server.end();
    server = await ServerProcess.start({ cwd: server.cwd });
    const [[route, frame], [, leave]] = [ROUTES[1], DEPARTURES[1]];
    await expectAll(cold.on(server), route, (text) => [frame(text)], leave);
  });

  it('is reported in the log when it is invalid', async () => {
    const url = server.socketUrl(`/sockets/events/${conversation.id}`);
    await sendAndLeave(url, [{ role: 'nobody' }], (socket) => socket.close());
    await server.logs(
      /refused a frame of a client of conversation \S+ that has disconnected: ValidationError/,
    );
  });
});

describe('a frame sent right after the session key on a socket that closes', () => {
  let server: ServerProcess;
  let conversation: ConversationClient;
  const auth = (key: string) => ({ type: 'auth', session_api_key: key });
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { SESSION_API_KEY: KEY }, key: KEY });
    conversation = await ConversationClient.create(server, scriptedRequest(server.cwd));
  });
  afterAll(() => server.stop());

  it.each(ROUTES)('is handled on %s', (route, frame) =>
    expectAll(
      conversation,
      route,
      (text) => [auth(KEY), frame(text)],
      (socket) => socket.close(),
    ),
  );

  it('starts its command on the bash socket', async () => {
    const file = path.join(server.cwd, 'started');
    const frames = [auth(KEY), { command: `touch ${file}` }];
    await sendAndLeave(server.socketUrl('/sockets/bash-events'), frames, dropOnceReceived);
    await eventually(async () => (await readFile(file).catch(() => undefined)) !== undefined);
  });

  it('is dropped when the key is wrong, even if the right key follows', async () => {
    const url = server.socketUrl(`/sockets/events/${conversation.id}`);
    const frames = [auth('wrong'), auth(KEY), { role: 'user', content: 'SAY: not let in' }];
    await sendAndLeave(url, frames, (socket) => socket.close());
    await expectAll(
      conversation,
      '/sockets/events/ID',
      (text) => [auth(KEY), { role: 'user', content: text }],
      (socket) => socket.close(),
    );
    expect(await messagesOf(conversation)).not.toContain('SAY: not let in');
  });
});

describe('a server that shuts down', () => {
  it('handles the frames that it received before', async () => {
    let server = await ServerProcess.start();
    const [asked, go] = [path.join(server.cwd, 'asked'), path.join(server.cwd, 'go')];
    const hook = { command: `touch ${asked}; while [ ! -e ${go} ]; do sleep 0.02; done` };
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(server.cwd, undefined, { hook_config: { user_prompt_submit: [{ hooks: [hook] }] } }),
    );
    const { socket } = await conversation.listen();
    const texts = Array.from({ length: 5 }, (_, index) => `SAY: ${index}`);
    for (const text of texts) socket.send(JSON.stringify({ role: 'user', content: text }));
    // The pong comes when everything before it has been received. Meanwhile the first message waits for its
    // hook.
    const answered = once(socket, 'pong');
    socket.ping();
    await answered;
    await eventually(async () => (await readFile(asked).catch(() => undefined)) !== undefined, 'the hook');
    const closed = once(socket, 'close');
    const ended = server.end();
    await closed;
    await writeFile(go, '');
    expect(await ended).toBe(0);
    server = await ServerProcess.start({ cwd: server.cwd });
    expect(await messagesOf(conversation.on(server))).toEqual(texts);
    await server.stop();
  });
});
