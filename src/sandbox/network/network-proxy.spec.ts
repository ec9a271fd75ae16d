import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http, { type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { HostList } from './host-list.js';
import { NetworkProxy } from './network-proxy.js';

let site: Server;
let port: number;
let proxy: NetworkProxy;
let refused: string[];

beforeAll(async () => {
  site = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('x-seen', JSON.stringify({ url: request.url, headers: request.headers }));
      response.end(Buffer.concat(chunks).toString() || 'hello');
    });
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  port = (site.address() as AddressInfo).port;
  refused = [];
  const names = new Map([
    ['inside.test', ['127.0.0.1']],
    ['private.test', ['10.0.0.1', '::ffff:127.0.0.1']],
  ]);
  proxy = await NetworkProxy.start({
    hosts: HostList.parse([`127.0.0.1:${port}`, `inside.test:${port}`, 'private.test', 'gone.test']),
    onRefusal: (reason) => refused.push(reason),
    lookup: (name) =>
      Promise.resolve(names.get(name) ?? []).then((found) =>
        found.length > 0 ? found : Promise.reject(new Error('no such name')),
      ),
  });
});
afterAll(async () => {
  await proxy.close();
  site.close();
  expect(existsSync(proxy.socket)).toBe(false);
});

/** Sends bytes, and more once there is an answer, or else the end. Returns all that is answered. */
async function answer(bytes: string | Uint8Array, then?: string, asked = proxy): Promise<string> {
  const socket = net.connect({ path: asked.socket });
  let text = '';
  let isFirst = true;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    if (isFirst && then !== undefined && text.includes('\r\n\r\n')) {
      isFirst = false;
      if (then !== '') socket.write(then);
    }
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  if (then === undefined) socket.end();
  await once(socket, 'close');
  return text;
}
const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const GET = 'GET /page HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n';

describe('NetworkProxy', () => {
  it('tunnels to listed names and addresses', async () => {
    for (const host of ['127.0.0.1', 'inside.test', 'INSIDE.test.']) {
      const text = await answer(connect(`${host}:${port}`), GET);
      expect(text).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK/);
      expect(text).toContain('hello');
    }
  });

  it('passes on requests for http URLs, with the host of the URL and without headers for the proxy', async () => {
    const text = await answer(
      `POST http://inside.test:${port}/a?b=c HTTP/1.1\r\nHost: other.test\r\nProxy-Authorization: Basic x\r\n` +
        'X-Mine: 1\r\nX-Gone: 1\r\nConnection: close, X-Gone\r\nContent-Length: 4\r\n\r\nbody',
      '',
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
    const seen = JSON.parse(/x-seen: (.*)\r\n/i.exec(text)?.[1] ?? '') as { url: string; headers: object };
    expect(seen.url).toBe('/a?b=c');
    expect(seen.headers).toMatchObject({ host: `inside.test:${port}`, 'x-mine': '1' });
    expect(seen.headers).not.toHaveProperty('proxy-authorization');
    expect(seen.headers).not.toHaveProperty('x-gone');
    expect(text).toContain('body');
  });

  it.each([
    'HTTP/1.1 000 Nothing\r\nContent-Length: 0',
    'HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: Upgrade',
    'x',
  ])('survives a site that answers %j', async (head) => {
    const odd = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`${head}\r\n\r\n`));
    });
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const at = `127.0.0.1:${(odd.address() as AddressInfo).port}`;
    const own = await NetworkProxy.start({ hosts: HostList.parse([at]) });
    try {
      const request = `GET http://${at}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      expect(await answer(request, '', own)).toMatch(/^HTTP\/1\.1 502 /);
    } finally {
      await own.close();
      odd.close();
    }
  });

  it('refuses other hosts with a reason, and reports each once', async () => {
    for (let round = 0; round < 2; round += 1) {
      const text = await answer(connect('example.org:443'));
      expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden/);
      expect(text).toContain(
        'example.org:443 is not among the hosts that programs in this sandbox may reach',
      );
    }
    expect(await answer('GET http://example.org/ HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 403 Forbidden/,
    );
    expect(refused.filter((text) => text.startsWith('example.org:443'))).toHaveLength(1);
    expect(await answer(connect(`127.0.0.1:${port + 1}`))).toContain(' 403 ');
  });

  it('refuses a listed name that leads inside, and one that does not resolve', async () => {
    expect(await answer(connect('private.test:443'))).toContain('not on the public internet');
    expect(await answer(connect('gone.test:443'))).toContain('cannot be resolved');
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET ftp://inside.test/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET http://user:pass@inside.test/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'CONNECT inside.test HTTP/1.1\r\nHost: x\r\n\r\n',
    'CONNECT http://inside.test/ HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET http://inside.test/ HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ])('answers %j with an error', async (bytes) => {
    expect(await answer(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', 'CONNECT ', 'GET http://'),
        async (bytes, start) => {
          expect(await answer(Buffer.concat([Buffer.from(start), bytes]))).not.toMatch(/^HTTP\/1\.1 2/);
        },
      ),
      { numRuns: 200 },
    );
    expect(await answer(connect(`inside.test:${port}`), GET)).toContain('hello');
  });
});
