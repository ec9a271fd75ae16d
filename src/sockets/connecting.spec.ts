import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';
import { LeaseHeldError } from '../storage/index.js';
import {
  conversation,
  rawConnection,
  rawSocket,
  server,
  start,
  until,
} from '../../test/sockets/socket-fixture.js';

describe('the key of a socket', () => {
  beforeEach(() =>
    start({ config: { session_api_keys: ['key-a', 'key-b'] }, limits: { authTimeoutMs: 200 } }),
  );
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

  it('closes the socket with 4001 when it is not sent in time', async () => {
    const client = await server.connect(path());
    expect(await client.closed).toEqual({ code: 4001, reason: 'Authentication failed' });
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
    server.app
      .getHttpServer()
      .prependListener('upgrade', (_: unknown, socket: net.Socket) => socket.end(answer));
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
