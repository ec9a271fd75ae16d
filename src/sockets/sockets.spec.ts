import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { RunLimitError } from '../conversations/conversation-errors.js';
import { LeaseHeldError } from '../storage/index.js';
import { delta, numbered, type InMemoryConversation } from '../../test/sockets/in-memory-conversations.js';
import type { Frame } from '../../test/sockets/socket-client.js';
import { SocketServer } from '../../test/sockets/socket-server.js';

const isFullState = (frame: Frame) => frame['key'] === 'full_state';

let server: SocketServer;
let conversation: InMemoryConversation;

async function start(options?: Parameters<typeof SocketServer.start>[0]): Promise<void> {
  server = await SocketServer.start(options);
  conversation = server.conversation();
}
afterEach(() => server.stop());

describe('the events socket', () => {
  beforeEach(() => start());

  it('sends the full state, then what is appended, as the lines of the log', async () => {
    await conversation.append(numbered(0));
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(await client.frame(0)).toMatchObject({ key: 'full_state', kind: 'ConversationStateUpdateEvent' });
    await conversation.append(numbered(1), numbered(2));
    conversation.publishFullState();
    const frames = await client.until((all) => all.length === 4);
    expect(frames.slice(1, 3)).toEqual(conversation.events.slice(1));
    expect(frames[3]).toMatchObject({ key: 'full_state', value: { length: 3 } });
  });

  it('sends deltas, but no items', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const item = { type: 'item_started', item_id: 'i', attempt: 1, anchor_seq: 0 } as const;
    server.bus.publishItem({ conversationId: conversation.id, signal: item });
    conversation.publish(delta('one '));
    expect(await client.frame(1)).toMatchObject({ content: 'one ', kind: 'StreamingDeltaEvent' });
  });

  it.each(['resend_mode=all', 'resend_all=true'])('replays the whole log with %s', async (query) => {
    await conversation.append(...Array.from({ length: 700 }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/events/${conversation.id}?${query}`);
    const frames = await client.until((all) => all.length === 701);
    expect(frames.slice(1)).toEqual(conversation.events);
  });

  it('replays from the timestamp on with since', async () => {
    await conversation.append(...Array.from({ length: 10 }, (_, n) => numbered(n)));
    const since = conversation.timestampOf(7);
    const path = `/sockets/events/${conversation.id}?resend_mode=since&after_timestamp=`;
    const frames = await (await server.connect(path + since)).until((all) => all.length === 4);
    expect(frames.slice(1)).toEqual(conversation.events.slice(7));
    const late = await server.connect(`${path}2199-01-01T00:00:00`);
    await late.frame(0);
    await conversation.append(numbered(10));
    expect(await late.frame(1)).toEqual(conversation.events[10]);
  });

  it('goes on when events were lost on the way, and sends none twice', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const publish = server.bus.publish.bind(server.bus);
    server.bus.publish = () => undefined;
    await conversation.append(numbered(0), numbered(1));
    server.bus.publish = publish;
    await conversation.append(numbered(2));
    await client.until((all) => all.length === 4);
    const [event] = conversation.events;
    if (event) server.bus.publish({ conversationId: conversation.id, event, line: '{}', seq: 0 });
    await conversation.append(numbered(3));
    const frames = await client.until((all) => all.length === 5);
    expect(frames.slice(1)).toEqual(conversation.events);
  });

  it('takes messages and runs them', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send({ role: 'user', content: 'first', run: false });
    client.send({ type: 'message', content: 'second' });
    client.send({ type: 'auth', session_api_key: 'late' });
    client.send({ role: 'user', content: [{ type: 'text', text: 'third' }] });
    const frames = await client.until((all) => all.length === 4);
    expect(frames.slice(1).map((frame) => frame['kind'])).toEqual(Array(3).fill('MessageEvent'));
    const texts = conversation.received.map(({ message, run }) => [message.content, run]);
    expect(texts).toMatchObject(['first', 'second', 'third'].map((text) => [[{ type: 'text', text }], true]));
  });

  it('complains about bad frames, and stays', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    const other = await server.connect(`/sockets/events/${conversation.id}`);
    for (const frame of [
      'not json',
      '{"foo":1}',
      '[]',
      Buffer.from([0, 1]),
      '{"role":"tool","content":"x"}',
    ]) {
      client.send(frame);
    }
    client.send({ role: 'user', content: 'still there' });
    const frames = await client.until((all) => all.length === 7);
    expect(frames.slice(1, 6).map((frame) => frame['code'])).toEqual([
      'JSONDecodeError',
      'ValidationError',
      'ValidationError',
      'ValueError',
      'AssertionError',
    ]);
    expect(Object.keys(frames[1] ?? {})).toEqual(['id', 'timestamp', 'source', 'code', 'detail', 'kind']);
    expect(frames[1]).toMatchObject({ source: 'environment', kind: 'ServerErrorEvent' });
    expect(await other.frame(1)).toMatchObject({ kind: 'MessageEvent' });
  });

  it('says when a message could not be taken', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    conversation.failSend = new RunLimitError('limit');
    client.send({ role: 'user', content: 'x' });
    expect(await client.frame(1)).toMatchObject({ code: 'ConversationRunLimitExceeded', detail: 'limit' });
    conversation.failSend = new Error('secret: a disk burns');
    client.send({ role: 'user', content: 'x' });
    expect(await client.frame(2)).toMatchObject({
      code: 'InternalServerError',
      detail: 'Internal Server Error',
    });
  });

  it('stays open when the conversation is deleted', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    conversation.deleted = true;
    client.send({ role: 'user', content: 'ghost' });
    expect(await client.frame(1)).toMatchObject({ code: 'ValueError', detail: 'inactive_service' });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it.each([
    (id: string) => `/conversations/${id}/events/socket`,
    (id: string) => `/api/conversations/${id}/events/socket?resend_mode=all`,
    (id: string) => `/sockets/events/${id.replaceAll('-', '').toUpperCase()}`,
  ])('is there under other paths: %s', async (path) => {
    const client = await server.connect(path(conversation.id));
    client.send({ type: 'message', content: 'Hello, agent!' });
    const frames = await client.until((all) => all.length === 2);
    expect(frames.map(isFullState)).toEqual([true, false]);
  });
});

describe('the session socket', () => {
  beforeEach(() => start());

  it('says where it stands, replays, sends the state, goes live', async () => {
    await conversation.append(...Array.from({ length: 4 }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/session/${conversation.id}?after_seq=1`);
    await client.until((all) => all.length === 4);
    await conversation.append(numbered(4));
    conversation.publish(delta('unseen'));
    conversation.publishFullState();
    const frames = await client.until((all) => all.length === 6);
    const durable = (seq: number) => ({ type: 'durable', seq, event: conversation.events[seq] });
    expect(frames).toEqual([
      { type: 'sync', from_seq: 1, through_seq: 3 },
      durable(2),
      durable(3),
      { type: 'transient', event: expect.objectContaining({ key: 'full_state' }) as unknown },
      durable(4),
      { type: 'transient', event: expect.objectContaining({ key: 'full_state' }) as unknown },
    ]);
  });

  it.each([
    ['', 0, { type: 'sync' }],
    ['?after_seq=-1', 0, { type: 'sync', from_seq: -1 }],
    ['?after_seq=1000', 0, { type: 'sync', from_seq: 1000 }],
    ['', 3, { type: 'sync', through_seq: 2 }],
    ['?after_seq=1000', 3, { type: 'sync', from_seq: 1000, through_seq: 2 }],
  ])('with %s at a log of %d', async (query, length, sync) => {
    if (length > 0) await conversation.append(...Array.from({ length }, (_, n) => numbered(n)));
    const client = await server.connect(`/sockets/session/${conversation.id}${query}`);
    await client.until((all) => all.length === 2);
    await conversation.append(numbered('live'));
    await client.until((all) => all.length === 3);
    expect(client.frames).toMatchObject([sync, { type: 'transient' }, { type: 'durable', seq: length }]);
    expect(Object.keys(client.frames[0] ?? {})).toEqual(Object.keys(sync));
  });

  it('sends items and error frames', async () => {
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    await client.frame(1);
    const signals = [
      { type: 'item_started', item_id: 'i', attempt: 1, anchor_seq: 4 },
      {
        type: 'delta',
        item_id: 'i',
        attempt: 1,
        order: 0,
        kind: 'text',
        content: 'one ',
        chunk_id: 'c',
        choice_index: 0,
      },
      { type: 'item_aborted', item_id: 'i', attempt: 1, reason: 'r' },
    ] as const;
    for (const signal of signals) server.bus.publishItem({ conversationId: conversation.id, signal });
    client.send('nope');
    const frames = await client.until((all) => all.length === 6);
    expect(frames.slice(2, 5)).toEqual(signals);
    expect(frames[5]).toEqual({
      type: 'error',
      code: 'JSONDecodeError',
      detail: expect.any(String) as unknown,
    });
  });

  it('closes over a frame above 4 MiB', async () => {
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    await client.frame(1);
    await conversation.append(numbered('x'.repeat(4 * 1024 * 1024)));
    expect(await client.closed).toEqual({ code: 1013, reason: 'frame_too_large' });
  });
});

describe('a key', () => {
  beforeEach(() =>
    start({ config: { session_api_keys: ['key-a', 'key-b'] }, limits: { authTimeoutMs: 200 } }),
  );
  const path = () => `/sockets/events/${conversation.id}`;

  it('may come in the query, a header, or as a bearer token', async () => {
    const clients = await Promise.all([
      server.connect(`${path()}?session_api_key=key-a`),
      server.connect(path(), { headers: { 'X-Session-API-Key': 'key-b' } }),
      server.connect(path(), { headers: { Authorization: 'Bearer key-b' } }),
      server.connect(`/sockets/session/${conversation.id}?session_api_key=key-a`),
    ]);
    for (const client of clients) await client.frame(0);
    const [client] = clients;
    client.send({ type: 'auth', session_api_key: 'wrong' });
    client.send({ role: 'user', content: 'x' });
    expect(await client.frame(1)).toMatchObject({ kind: 'MessageEvent' });
  });

  it('may come in the first frame, with messages close behind', async () => {
    const headersOfClients: Record<string, string>[] = [{}, { Authorization: 'Bearer wrong' }];
    for (const headers of headersOfClients) {
      const client = await server.connect(path(), { headers });
      client.send({ type: 'auth', session_api_key: 'key-b' });
      client.send({ role: 'user', content: 'x' });
      expect(await client.frame(0)).toMatchObject({ key: 'full_state' });
      expect(await client.frame(1)).toMatchObject({ kind: 'MessageEvent' });
    }
  });

  it.each([
    'hello',
    '{"type":"message"}',
    '{"type":"auth","session_api_key":"nope"}',
    '{"type":"auth"}',
    '[]',
    Buffer.from('{"type":"auth","session_api_key":"key-a"}'),
    `{"type":"auth","session_api_key":"key-a","x":"${'x'.repeat(70_000)}"}`,
  ])('that is not in the first frame closes with 4001 (%#)', async (frame) => {
    const client = await server.connect(path());
    client.send(frame);
    client.send({ type: 'auth', session_api_key: 'key-a' });
    expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
    expect(client.frames).toEqual([]);
  });

  it('that does not come in time closes with 4001', async () => {
    const client = await server.connect(path());
    expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
  });

  it.each([
    (id: string) => [`/sockets/events/${id}?session_api_key=nope`, {}] as const,
    (id: string) => [`/sockets/events/${id}?session_api_key=`, {}] as const,
    (id: string) => [`/sockets/events/${id}`, { 'X-Session-API-Key': 'nope' }] as const,
    (id: string) => [`/sockets/events/${id}?session_api_key=nope`, { 'X-Session-API-Key': 'key-a' }] as const,
  ])('that is wrong is refused before the socket is accepted (%#)', async (request) => {
    const [url, headers] = request(conversation.id);
    expect((await server.connect(url, { headers })).refused).toEqual({ status: 403, body: '' });
  });
});

describe('a handshake', () => {
  beforeEach(() => start());

  it.each([
    '/sockets/events/not-a-uuid',
    `/sockets/events/${randomUUID()}/`,
    `/sockets/events/${randomUUID()}?resend_mode=bogus`,
    `/sockets/events/${randomUUID()}?after_timestamp=bogus`,
    `/sockets/session/${randomUUID()}?after_seq=x`,
    '/sockets/events/%ff',
    '/sockets/events/%00',
    '/unknown',
    '//',
    '/',
  ])('to %s is refused with 403', async (path) => {
    expect((await server.connect(path)).refused).toEqual({ status: 403, body: '' });
  });

  it('to an unknown conversation closes with 4004', async () => {
    const client = await server.connect(`/sockets/events/${randomUUID()}`);
    expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
  });

  it('to a conversation of another server closes with 4004', async () => {
    server.conversations.failOpen = new LeaseHeldError(conversation.id);
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
  });

  it('to a conversation that cannot be opened closes with 1011', async () => {
    server.conversations.failOpen = new Error('the disk burns');
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    expect(await client.closed).toEqual({ code: 1011, reason: 'subscribe_failed' });
  });

  it('offers no compression', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(client.socket.extensions).toBe('');
  });

  it('that somebody else refused is left alone', async () => {
    const answer = 'HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nno';
    server.app
      .getHttpServer()
      .prependListener('upgrade', (_: unknown, socket: net.Socket) => socket.end(answer));
    for (const path of ['/unknown', `/sockets/events/${conversation.id}`]) {
      expect((await server.connect(path)).refused).toEqual({ status: 418, body: 'no' });
    }
  });

  it.each(['GET /nothing', 'POST /nothing'])('for HTTP/2 is served as a plain request: %s', async (line) => {
    const socket = rawConnection();
    const body = JSON.stringify({ text: 'x'.repeat(100_000) });
    const length = line.startsWith('POST') ? Buffer.byteLength(body) : 0;
    socket.write(
      `${line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
    );
    if (length > 0) socket.write(body);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 (404|413) /);
    socket.destroy();
  });

  it('that breaks off leaves nothing behind', async () => {
    const socket = await rawSocket(`/sockets/events/${conversation.id}`);
    socket.resetAndDestroy();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    await until(() => server.connections.size === 1 && server.bus.subscriberCount(conversation.id) === 1);
  });
});

describe('limits', () => {
  it('close the socket that is one too many with 1013', async () => {
    await start({ config: { max_socket_subscribers: 2 } });
    const path = `/sockets/events/${conversation.id}`;
    const first = await server.connect(path);
    await first.frame(0);
    await (await server.connect(path)).frame(0);
    const third = await server.connect(path);
    expect(await third.closed).toEqual({ code: 1013, reason: 'Too many connections for this conversation' });
    first.socket.close();
    expect((await first.closed).code).toBe(1005);
    await until(() => server.bus.subscriberCount(conversation.id) === 1);
    await (await server.connect(path)).frame(0);
  });

  it('close over a frame above 32 MiB with 1009', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send(Buffer.alloc(32 * 1024 * 1024 + 1));
    expect((await client.closed).code).toBe(1009);
  });

  it('close over text that is not UTF-8 with 1007', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });
});

describe('bad frames', () => {
  beforeEach(() => start());

  it.each([
    ['without a mask', [0x81, 0x01, 0x78], 1002],
    ['with a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['of an unknown kind', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['that go on with nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['that are long pings', [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0], 1002],
    ['that close with a code that is none', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe7], 1002],
    ['that close with half a code', [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002],
    ['that announce too much', [0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
    ['that announce more than there is', [0x81, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
  ])('%s end in a close frame', async (_, bytes, code) => {
    const socket = await rawSocket(`/sockets/events/${conversation.id}`);
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.write(Buffer.from(bytes));
    await once(socket, 'end');
    expect([...Buffer.concat(received).subarray(-4)]).toEqual([0x88, 2, code >> 8, code & 0xff]);
  });

  it('of any content are answered, and the socket stays', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    const frames = fc.array(
      fc.oneof(
        text,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const client = await server.connect(`/sockets/events/${conversation.id}`);
        for (const frame of sent) client.send(frame);
        client.send({ role: 'user', content: 'end' });
        const received = await client.until((all) => all.some((frame) => frame['kind'] === 'MessageEvent'));
        const complaints = received.filter((frame) => frame['kind'] === 'ServerErrorEvent');
        expect(complaints).toHaveLength(sent.length);
        client.socket.close(1000);
        expect((await client.closed).code).toBe(1000);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a ping', () => {
  it('that is not answered cuts the socket off; one that is keeps it', async () => {
    await start({ limits: { pingIntervalMs: 200 } });
    const path = `/sockets/events/${conversation.id}`;
    const [alive, dead] = await Promise.all([
      server.connect(path),
      server.connect(path, { autoPong: false }),
    ]);
    expect((await dead.closed).code).toBe(1006);
    for (let pings = 0; pings < 3; pings += 1)
      await new Promise((resolve) => alive.socket.once('ping', resolve));
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    await until(() => server.bus.subscriberCount(conversation.id) === 1);
  });
});

describe('shutdown', () => {
  it('closes every socket with 1012, also one that does not listen', async () => {
    await start({ limits: { shutdownGraceMs: 100 } });
    const path = `/sockets/events/${conversation.id}`;
    const [listening, deaf] = await Promise.all([server.connect(path), server.connect(path)]);
    await Promise.all([listening.frame(0), deaf.frame(0)]);
    deaf.socket.pause();
    await server.app.close();
    expect(await listening.closed).toEqual({ code: 1012, reason: '' });
    expect(server.bus.subscriberCount(conversation.id)).toBe(0);
    expect(server.connections.size).toBe(0);
  });
});

function rawConnection(): net.Socket {
  const [host, port] = server.address.split(':');
  return net.connect(Number(port), host);
}

/** A connection that has become a socket, without a client to keep to the protocol. */
async function rawSocket(path: string): Promise<net.Socket> {
  const socket = rawConnection();
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await once(socket, 'data');
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
