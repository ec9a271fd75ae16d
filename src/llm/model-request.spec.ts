import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { postToModel, textOf } from './model-request.js';

describe('postToModel', () => {
  const servers: Server[] = [];

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const post = (url: string) =>
    postToModel({
      url,
      headers: { authorization: 'Bearer key' },
      body: Buffer.from('{"x":1}'),
      signal: new AbortController().signal,
    });

  async function bodyOf(request: IncomingMessage): Promise<string> {
    return textOf(request);
  }

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('reads what a proxy has packed by %s', async (encoding, pack) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'application/json' });
      response.end(pack('{"größe":1}'));
    });
    const { status, body } = await post(url);
    expect([status, await textOf(body)]).toEqual([200, '{"größe":1}']);
  });

  it('ends with an error where what was packed is broken', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync('x'.repeat(1000)).subarray(0, 15));
    });
    const { body } = await post(url);
    await expect(textOf(body)).rejects.toThrow('unexpected end');
  });

  it('goes where it is sent, without the key where that is somebody else', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      void bodyOf(request).then((body) => {
        seen.push(body, request.headers.authorization);
        response.end('here');
      });
    });
    const url = await serve((_request, response) => {
      response.writeHead(307, { location: `${elsewhere}/there` }).end();
    });
    const { body } = await post(url);
    expect(await textOf(body)).toBe('here');
    expect(seen).toEqual(['{"x":1}', undefined]);
  });
});
