import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { modelFetch } from './model-fetch.js';
import { postToModel, readText } from './post-to-model.js';

describe('requests to models', () => {
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
    return readText(request);
  }

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('decompresses an answer with content encoding %s', async (encoding, pack) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'application/json' });
      response.end(pack('{"größe":1}'));
    });
    const { status, body } = await post(url);
    expect([status, await readText(body)]).toEqual([200, '{"größe":1}']);
  });

  it('reports corrupt compressed data', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync('x'.repeat(1000)).subarray(0, 15));
    });
    const { body } = await post(url);
    await expect(readText(body)).rejects.toThrow('unexpected end');
  });

  const byFetch = async (url: string) => {
    const headers = { authorization: 'Bearer key', 'api-key': 'key', 'content-type': 'application/json' };
    const response = await modelFetch(url, { method: 'POST', headers, body: '{"x":1}' });
    return { status: response.status, text: await response.text() };
  };
  const byPost = async (url: string) => {
    const headers = { authorization: 'Bearer key', 'api-key': 'key', 'content-type': 'application/json' };
    const { signal } = new AbortController();
    const { status, body } = await postToModel({ url, headers, body: Buffer.from('{"x":1}'), signal });
    return { status, text: await readText(body) };
  };

  describe.each([
    ['postToModel', byPost],
    ['modelFetch', byFetch],
  ])('redirections by %s', (_name, ask) => {
    it.each([301, 302, 307, 308])('follows status %i, without keys to another origin', async (code) => {
      const seen: unknown[] = [];
      const elsewhere = await serve((request, response) => {
        const { method, url, headers } = request;
        void bodyOf(request).then((body) => {
          seen.push(method, url, body, headers.authorization, headers['api-key'], headers['content-type']);
          response.end('here');
        });
      });
      const url = await serve((request, response) => {
        // The first redirection stays on the origin, so it keeps the keys.
        const isMoved = request.url === '/moved' && request.headers['api-key'] === 'key';
        response.writeHead(code, { location: isMoved ? `${elsewhere}/there?a=b` : '/moved' }).end('gone');
      });
      expect(await ask(url)).toEqual({ status: 200, text: 'here' });
      expect(seen).toEqual(['POST', '/there?a=b', '{"x":1}', undefined, undefined, 'application/json']);
    });

    it('follows 303 with GET', async () => {
      const url = await serve((request, response) => {
        if (request.url === '/') return response.writeHead(303, { location: '/other' }).end();
        const { method, headers } = request;
        return void bodyOf(request).then((body) => {
          response.end(JSON.stringify([method, body, headers['content-type'] ?? null, headers['api-key']]));
        });
      });
      expect(await ask(url)).toEqual({ status: 200, text: '["GET","",null,"key"]' });
    });

    it('stops after too many redirections', async () => {
      let requests = 0;
      const url = await serve((_request, response) => {
        requests += 1;
        response.writeHead(307, { location: '/' }).end();
      });
      await expect(ask(url)).rejects.toThrow('redirected more than 20 times');
      expect(requests).toBe(21);
    });

    it('returns a redirection without a target as the answer', async () => {
      const url = await serve((_request, response) => void response.writeHead(307).end('nowhere'));
      expect(await ask(url)).toEqual({ status: 307, text: 'nowhere' });
    });
  });
});
