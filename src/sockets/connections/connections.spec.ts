import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { anyCharacter } from '../../../test/support/any-character.js';
import { delta, numbered } from '../../../test/sockets/in-memory-conversations.js';
import {
  conversation,
  rawConnection,
  rawSocket,
  server,
  start,
  until,
} from '../../../test/sockets/socket-fixture.js';
import { LeaseHeldError } from '../../storage/index.js';
import { MAX_PENDING_BYTES } from './socket-limits.js';

const MEBIBYTE = 1024 * 1024;

describe('the key of a socket', () => {
  beforeEach(() => start({ config: { session_api_keys: ['key-a', 'key-b'] } }));
  const path = () => `/sockets/events/${conversation.id}`;

  it('is accepted in the query, a header, or as a bearer token', async () => {
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

  it('is accepted in the first frame, directly followed by messages', async () => {
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
  ])('closes the socket with 4001 when the first frame does not contain it (%#)', async (frame) => {
    const client = await server.connect(path());
    client.send(frame);
    client.send({ type: 'auth', session_api_key: 'key-a' });
    expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
    expect(client.frames).toEqual([]);
  });

  it.each([
    (id: string) => [`/sockets/events/${id}?session_api_key=nope`, {}] as const,
    (id: string) => [`/sockets/events/${id}?session_api_key=`, {}] as const,
    (id: string) => [`/sockets/events/${id}`, { 'X-Session-API-Key': 'nope' }] as const,
    (id: string) => [`/sockets/events/${id}?session_api_key=nope`, { 'X-Session-API-Key': 'key-a' }] as const,
  ])('refuses the handshake when it is wrong (%#)', async (request) => {
    const [url, headers] = request(conversation.id);
    expect((await server.connect(url, { headers })).refused).toEqual({ status: 403, body: '' });
  });
});

describe('a socket without a key', () => {
  it('is closed with 4001 when the key is not sent in time', async () => {
    await start({ config: { session_api_keys: ['key-a'] }, limits: { authTimeoutMs: 200 } });
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
  });
});

describe('the handshake of a socket', () => {
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
  ])('is refused with 403 for the path %s', async (path) => {
    expect((await server.connect(path)).refused).toEqual({ status: 403, body: '' });
  });

  it('is followed by a close with 4004 for an unknown conversation', async () => {
    const client = await server.connect(`/sockets/events/${randomUUID()}`);
    expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
  });

  it('is followed by a close with 4004 for a conversation of another server', async () => {
    server.conversations.failOpen = new LeaseHeldError(conversation.id);
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(await client.closed).toEqual({ code: 4004, reason: 'Conversation not found' });
  });

  it('is followed by a close with 1011 when the conversation cannot be opened', async () => {
    server.conversations.failOpen = new Error('the disk burns');
    const client = await server.connect(`/sockets/session/${conversation.id}`);
    expect(await client.closed).toEqual({ code: 1011, reason: 'subscribe_failed' });
  });

  it('offers no compression', async () => {
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    expect(client.socket.extensions).toBe('');
  });

  it('is ignored when another listener has answered it', async () => {
    const answer = 'HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nno';
    server.app.getHttpServer().prependListener('upgrade', (_: unknown, socket: Socket) => socket.end(answer));
    for (const path of ['/unknown', `/sockets/events/${conversation.id}`]) {
      expect((await server.connect(path)).refused).toEqual({ status: 418, body: 'no' });
    }
  });

  it.each(['GET /nothing', 'POST /nothing'])(
    'for HTTP/2 is served as a plain HTTP request: %s',
    async (line) => {
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
    },
  );

  it('leaves nothing behind when the connection is lost', async () => {
    const socket = await rawSocket(`/sockets/events/${conversation.id}`);
    socket.resetAndDestroy();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    await until(() => server.connections.size === 1 && server.bus.subscriberCount(conversation.id) === 1);
  });
});

describe('socket limits', () => {
  it('close the socket over the limit of a conversation with 1013', async () => {
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

  it('close the socket of a frame over 17 MiB with 1009', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.send(Buffer.alloc(17 * 1024 * 1024 + 1));
    expect((await client.closed).code).toBe(1009);
  });

  it('close the socket of a text frame that is not UTF-8 with 1007', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });
});

describe('a client that sends faster than its messages are stored', () => {
  const FRAMES = 20;

  it('is paused until they are stored, also when it disconnects', async () => {
    await start();
    const store = conversation.sendMessage.bind(conversation);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    conversation.sendMessage = async (...message) => {
      await released;
      await store(...message);
    };
    const transports: Socket[] = [];
    server.app.getHttpServer().on('connection', (transport) => transports.push(transport));
    const path = `/sockets/events/${conversation.id}`;
    const [patient, leaving] = [await server.connect(path), await server.connect(path)];
    for (const client of [patient, leaving]) {
      for (let index = 0; index < FRAMES; index += 1)
        client.send({ role: 'user', content: 'x'.repeat(MEBIBYTE) });
    }
    await until(() => transports.every((transport) => transport.isPaused()));
    for (const { bytesRead } of transports) expect(bytesRead).toBeLessThan(10 * MEBIBYTE);
    leaving.socket.terminate();
    release();
    await until(() => conversation.received.length >= FRAMES + 8);
    expect(server.connections.size).toBe(1);
  });
});

describe('invalid frames', () => {
  beforeEach(() => start());

  it.each([
    ['without a mask', [0x81, 0x01, 0x78], 1002],
    ['with a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['with an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['that continue no message', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['that are too long for a ping', [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0], 1002],
    ['that close with an invalid code', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe7], 1002],
    ['that close with an incomplete code', [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002],
    ['that announce too many bytes', [0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
    [
      'that announce more bytes than a number can hold',
      [0x81, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
      1009,
    ],
  ])('%s are answered with a close frame', async (_, bytes, code) => {
    const socket = await rawSocket(`/sockets/events/${conversation.id}`);
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.write(Buffer.from(bytes));
    await once(socket, 'end');
    expect([...Buffer.concat(received).subarray(-4)]).toEqual([0x88, 2, code >> 8, code & 0xff]);
  });

  it('with any content get an error, and the socket stays open', async () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: anyCharacter }));
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
        const errors = received.filter((frame) => frame['kind'] === 'ServerErrorEvent');
        expect(errors).toHaveLength(sent.length);
        client.socket.close(1000);
        expect((await client.closed).code).toBe(1000);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a client that stops reading', () => {
  it('is closed with 1013 when too much is buffered, and resumes without a loss', async () => {
    await start();
    const path = `/sockets/session/${conversation.id}?after_seq=-1`;
    const [slow, quick] = await Promise.all([server.connect(path), server.connect(path)]);
    await Promise.all([slow.frame(1), quick.frame(1)]);
    slow.socket.pause();
    // Kernel buffers take some bytes, so more than the limit is needed.
    while (server.bus.subscriberCount(conversation.id) === 2) {
      await conversation.append(numbered('x'.repeat(MEBIBYTE)));
      expect(conversation.length).toBeLessThan(64);
    }
    await quick.until((frames) => frames.length === conversation.length + 2);

    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    const seen = slow.frames.flatMap((frame) => (typeof frame['seq'] === 'number' ? [frame['seq']] : []));
    expect(seen).toEqual(seen.map((_, index) => index));
    expect(seen.length).toBeLessThan(conversation.length);

    const resumed = await server.connect(`/sockets/session/${conversation.id}?after_seq=${seen.length - 1}`);
    await resumed.until((frames) => frames.length === conversation.length - seen.length + 2);
    expect(resumed.frames[1]).toMatchObject({ seq: seen.length });
  });

  it('misses output of commands, and stays open', async () => {
    await start();
    const [slow, quick] = await Promise.all(
      [1, 2].map(() => server.connect(`/sockets/session/${conversation.id}`)),
    );
    if (!slow || !quick) throw new Error('not connected');
    await Promise.all([slow.frame(1), quick.frame(1)]);
    slow.socket.pause();
    const text = 'x'.repeat(16 * 1024);
    const count = 2000;
    for (let piece = 0; piece < count; piece += 1) {
      const of = { conversationId: conversation.id, actionId: 'a' };
      server.bus.publishOutput({ ...of, offset: piece * text.length, text });
      await quick.frame(piece + 2);
    }
    await conversation.append(numbered('last'));
    slow.socket.resume();
    const frames = await slow.until((all) => all.some(({ type }) => type === 'durable'));
    expect(frames.length).toBeLessThan(count);
    expect(frames.at(-1)).toMatchObject({ type: 'durable', seq: 0 });
  });

  it('pauses a replay without filling the memory of the server', async () => {
    await start();
    for (let n = 0; n < 40; n += 1) await conversation.append(numbered('x'.repeat(MEBIBYTE)));
    const read = new Set<number>();
    const readBytes = conversation.readBytes.bind(conversation);
    conversation.readBytes = async (from, limit, bytes) => {
      const lines = await readBytes(from, limit, bytes);
      for (const index of lines.keys()) read.add(from + index);
      return lines;
    };
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    const replaying = await server.connect(`/sockets/events/${conversation.id}?resend_mode=all`);
    replaying.socket.pause();
    for (let n = 0; n < 20; n += 1) await conversation.append(numbered(n));
    await client.until((frames) => frames.length === 21);
    // Kernel buffers take some bytes.
    expect(read.size * MEBIBYTE).toBeLessThan(2 * MAX_PENDING_BYTES);
    replaying.socket.resume();
    const frames = await replaying.until((all) => all.length === 61);
    expect(frames.slice(1).map((frame) => frame['id'])).toEqual(conversation.events.map(({ id }) => id));
  });

  it('is not closed as slow only because events are large', async () => {
    await start();
    for (let n = 0; n < 6; n += 1) await conversation.append(numbered('x'.repeat(9 * MEBIBYTE)));
    const client = await server.connect(`/sockets/events/${conversation.id}?resend_mode=all`);
    const frames = await client.until((all) => all.length === 7);
    expect(frames.slice(1).map((frame) => frame['id'])).toEqual(conversation.events.map(({ id }) => id));
  });

  it('misses deltas of unfinished answers before other events', async () => {
    await start();
    const client = await server.connect(`/sockets/events/${conversation.id}`);
    await client.frame(0);
    client.socket.pause();
    for (let n = 0; n < 12; n += 1) await conversation.append(numbered('x'.repeat(MEBIBYTE)));
    for (let n = 0; n < 7500; n += 1) conversation.publish(delta('x'.repeat(4000)));
    await conversation.append(numbered('end'));
    client.socket.resume();
    const frames = await client.until((all) => all.at(-1)?.['value'] === 'end');
    const deltas = frames.filter((frame) => frame['kind'] === 'StreamingDeltaEvent');
    expect(frames.length - deltas.length).toBe(14);
    expect(deltas.length).toBeLessThan(7500);
  });
});

describe('a client that watches all conversations', () => {
  it('is closed with 1013 when it does not read', async () => {
    await start({ limits: { summaryBytes: MEBIBYTE } });
    const [slow, quick] = await Promise.all([
      server.connect('/sockets/conversations'),
      server.connect('/sockets/conversations'),
    ]);
    await Promise.all([slow.frame(0), quick.frame(0)]);
    slow.socket.pause();
    let published = 0;
    // Kernel buffers take some bytes, so more than the limit is needed.
    while (server.summaries.size === 2) {
      server.summaries.publish({ type: 'summary', summary: { title: 'x'.repeat(MEBIBYTE / 4) } });
      published += 1;
      await quick.until((frames) => frames.length > published);
      expect(published).toBeLessThan(256);
    }
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    expect(slow.frames.length).toBeLessThan(published + 1);
  });
});
