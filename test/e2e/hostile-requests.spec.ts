import { once } from 'node:events';
import net from 'node:net';
import { eventually, ServerProcess } from '../support/server-process.js';

const JSON_POST = 'POST /api/conversations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

/** Requests that no HTTP library would send, byte by byte. */
describe('hostile HTTP requests', () => {
  let server: ServerProcess;
  const sockets: net.Socket[] = [];
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => server.stop());

  function connect(): net.Socket {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    // The server may have closed the connection before everything was sent.
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  }

  /** Sends text, one byte a character. @returns the first line of the answer */
  async function statusOf(text: string): Promise<string> {
    const socket = connect();
    socket.write(Buffer.from(text, 'latin1'));
    const [data] = (await once(socket, 'data')) as [Buffer];
    return data.toString('latin1').split('\r\n')[0] ?? '';
  }
  const serves = async () => expect((await server.request('GET', '/alive')).status).toBe(200);

  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1.1 400 /],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1.1 4\d\d /],
    ['a request without Host', 'GET /alive HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    [
      'a null byte in a header',
      'GET /alive HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a null byte in a path',
      'GET /api/conversations/a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n',
      /^HTTP\/1.1 4\d\d /,
    ],
    [
      'bytes beyond ASCII in a path',
      'GET /api/conversations/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n',
      /^HTTP\/1.1 4\d\d /,
    ],
    [
      'headers without an end',
      `GET /alive HTTP/1.1\r\nHost: localhost\r\nA: ${'b'.repeat(100_000)}`,
      /^HTTP\/1.1 431 /,
    ],
    [
      '5,000 headers',
      `GET /alive HTTP/1.1\r\nHost: localhost\r\n${'A: b\r\n'.repeat(5000)}\r\n`,
      /^HTTP\/1.1 (200|431) /,
    ],
    [
      'two Content-Length headers',
      `${JSON_POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      /^HTTP\/1.1 400 /,
    ],
    [
      'a Content-Length together with chunks',
      `${JSON_POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      /^HTTP\/1.1 400 /,
    ],
    ['a negative Content-Length', `${JSON_POST}Content-Length: -1\r\n\r\n`, /^HTTP\/1.1 400 /],
    [
      'a Content-Length beyond all limits',
      `${JSON_POST}Content-Length: 99999999999\r\n\r\n{`,
      /^HTTP\/1.1 413 /,
    ],
    ['a malformed chunk', `${JSON_POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1.1 400 /],
    [
      'a compressed body',
      `${JSON_POST}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`,
      /^HTTP\/1.1 415 /,
    ],
    [
      'an absolute address in the request line',
      'GET http://elsewhere/alive HTTP/1.1\r\nHost: localhost\r\n\r\n',
      /^HTTP\/1.1 (200|4\d\d) /,
    ],
    [
      'an unknown expectation',
      'GET /alive HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n',
      /^HTTP\/1.1 417 /,
    ],
    [
      'two pipelined requests',
      'GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\nGET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n',
      /^HTTP\/1.1 200 /,
    ],
  ])('answers %s and continues to serve other clients', async (_what, text, expected) => {
    expect(await statusOf(text)).toMatch(expected);
    await serves();
  });

  it('serves other clients while requests stall or are reset in the middle of their body', async () => {
    const stalled = Array.from({ length: 50 }, () => {
      const socket = connect();
      socket.write(`${JSON_POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"age\r\n`);
      return socket;
    });
    const slow = connect();
    for (const character of 'GET /al') slow.write(character);
    await Promise.all(stalled.map((socket) => once(socket, 'connect')));
    await serves();
    for (const socket of stalled) socket.resetAndDestroy();
    await serves();
    expect((await server.request('GET', '/api/conversations/count')).body).toBe(0);
  });

  it('answers 413 to a body that is too large, and keeps the connection of a client that sends all of it', async () => {
    const socket = connect();
    const size = 40_000_000;
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    const text = (): string => Buffer.concat(seen).toString();
    socket.write(`${JSON_POST}Content-Length: ${size}\r\n\r\n`);
    await eventually(() => text().startsWith('HTTP/1.1 413 '), 'the answer');
    // Most clients send the rest although they were refused.
    for (let sent = 0; sent < size; sent += 1_000_000) {
      const isTaken = socket.write(Buffer.alloc(1_000_000, 'x'));
      if (!isTaken) await once(socket, 'drain');
    }
    socket.write('GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await eventually(() => text().includes('HTTP/1.1 200 '), 'the next answer');
  });

  it('closes the connection of a client that sends a body without an end', async () => {
    const socket = connect();
    const over = new AbortController();
    socket.resume().on('close', () => over.abort());
    socket.write(`${JSON_POST}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20, 'x'), Buffer.from('\r\n')]);
    // Up to 17 MiB are read as a body and 64 MiB more are discarded; the rest is what socket buffers hold.
    for (let sent = 0; !over.signal.aborted && sent < 200; sent += 1) {
      if (!socket.write(chunk)) await once(socket, 'drain', over).catch(() => undefined);
    }
    expect(over.signal.aborted).toBe(true);
    await serves();
  });

  it('stops the server although a client has sent only a part of its request', async () => {
    const other = await ServerProcess.start();
    const { hostname, port } = new URL(other.url);
    const socket = net.connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(`${JSON_POST}Content-Length: 1000\r\n\r\n{`);
    await once(socket, 'connect');
    // A reset closes the connection too; `once` would throw it as an error.
    const closed = new Promise((resolve) => socket.resume().on('close', resolve));
    expect(await other.end()).toBe(0);
    await closed;
    await other.stop();
  });

  it('answers 422 in few bytes to JSON that is cut off, invalid or nested too deeply', async () => {
    const bodies = [
      '['.repeat(1_000_000),
      `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
      `{"agent":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
      `{"workspace":{"working_dir":"${'x'.repeat(5_000_000)}"}}`,
      `{"tags":{${Array.from({ length: 100_000 }, (_, index) => `"${index}!":1`).join()}}}`,
      '{"workspace":{"working_dir":"\\ud800"}}',
      '{"max_iterations":1e999}',
      '{"max_iterations":NaN}',
      '{"__proto__":{"agent":1},"constructor":{"prototype":2}}',
    ];
    for (const body of bodies) {
      const answer = await fetch(`${server.url}/api/conversations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(422);
      expect((await answer.text()).length).toBeLessThan(64 * 1024);
    }
    await serves();
  });
});
