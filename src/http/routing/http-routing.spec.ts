import http from 'node:http';
import { Readable } from 'node:stream';
import { C, E, edge } from '../../../test/support/edge-fixture.js';
import { BROKEN, BUSY, EVENT_LINE, KNOWN, UNKNOWN } from '../../../test/support/http-edge.js';

const HEX_ID: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);

describe('the HTTP edge', () => {
  describe('routing', () => {
    it.each(['/api/conversations', '/conversations'])('serves %s', async (prefix) => {
      expect(await edge.get(`${prefix}/search`)).toMatchObject({
        status: 200,
        body: { items: [], next_page_id: null },
      });
      expect(await edge.get(`${prefix}/count`)).toMatchObject({ status: 200, body: 2 });
      expect(await edge.get(`${prefix}/${KNOWN}`)).toMatchObject({ status: 200, body: { id: KNOWN } });
      expect((await edge.get(`${prefix}/${KNOWN}/events`)).text).toBe(
        `{"items":[${EVENT_LINE}],"next_page_id":null}`,
      );
    });

    it('answers other methods with 405 and Allow', async () => {
      expect(await edge.request('PUT', C)).toMatchObject({
        status: 405,
        body: { detail: 'Method Not Allowed' },
      });
      expect((await edge.request('PUT', C)).headers.get('allow')).toBe('GET');
      expect((await edge.request('OPTIONS', C)).status).toBe(405);
      expect((await edge.get(`${C}/${KNOWN}/run`)).headers.get('allow')).toBe('POST');
      const head = await edge.request('HEAD', `${C}/${KNOWN}`);
      expect([head.status, head.headers.get('allow'), head.text]).toEqual([405, 'GET', '']);
    });

    it('redirects a path with a trailing slash to the path without it', async () => {
      const answer = await edge.get(`${C}/search/?limit=1`);
      expect([answer.status, answer.headers.get('location')]).toEqual([
        307,
        `${edge.url}${C}/search?limit=1`,
      ]);
      expect((await edge.get('/api/nope/')).status).toBe(404);
    });

    it('matches paths case-sensitively', async () => {
      for (const path of ['/API/conversations/count', '/api/Conversations/count', '/CONVERSATIONS/count'])
        expect((await edge.get(path)).status).toBe(404);
    });

    it('answers paths with many slashes quickly', async () => {
      const path = `/api${'/'.repeat(15_000)}a`;
      const begun = performance.now();
      for (let round = 0; round < 20; round += 1) expect((await edge.get(path)).status).toBe(404);
      expect(performance.now() - begun).toBeLessThan(1_500);
    });

    it('answers unknown paths with 404 and undecodable ones with 400', async () => {
      expect(await edge.get('/api/nope')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
      const status = await new Promise((resolve) => {
        http.get(`${edge.url}${C}/%ZZ`, (response) => resolve(response.resume().statusCode));
      });
      expect(status).toBe(400);
    });

    it('accepts ids in any form', async () => {
      for (const id of [KNOWN.toUpperCase(), KNOWN.replaceAll('-', ''), `{${KNOWN}}`, `urn:uuid:${KNOWN}`]) {
        expect((await edge.get(`${C}/${encodeURIComponent(id)}`)).body).toEqual({ id: KNOWN });
      }
    });
  });

  describe('errors', () => {
    it('answers unknown conversations in the words of each group of routes', async () => {
      expect(await edge.request('POST', `${C}/${UNKNOWN}/run`)).toMatchObject({
        status: 404,
        body: { detail: 'Not Found' },
      });
      expect(await edge.get(`${C}/${UNKNOWN}/events/search`)).toMatchObject({
        status: 404,
        body: { detail: `Conversation not found: ${UNKNOWN}` },
      });
      expect((await edge.get(`${E}/nope`)).body).toEqual({ detail: 'Not Found' });
    });

    it('keeps the connection open after errors', async () => {
      expect((await edge.request('PUT', C)).headers.get('connection')).not.toBe('close');
    });

    it('sends Retry-After with 429', async () => {
      const answer = await edge.request('POST', `${C}/${BUSY}/run`);
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body).toEqual({ detail: 'Conversation run limit reached. Retry the request later.' });
    });

    it('answers unexpected errors with an id', async () => {
      expect(await edge.get(`${C}/${BROKEN}`)).toMatchObject({
        status: 500,
        body: {
          detail: 'Internal Server Error',
          exception: 'unexpected failure',
          error_id: HEX_ID,
        },
      });
    });

    it('limits the size of bodies and requires JSON', async () => {
      expect((await edge.raw('POST', E, JSON.stringify({ x: 'y'.repeat(2 ** 20) }))).status).toBe(413);
      expect((await edge.raw('POST', E, '{"content":[]}', 'text/plain')).status).toBe(415);
      expect((await edge.raw('POST', E, '{"content":[]}', 'application/vnd.x+json')).status).toBe(200);
    });

    it('counts the bytes of a body, whatever its Content-Length', async () => {
      const limit = 2 ** 20;
      const body = (size: number): string => `{"content":[]}${' '.repeat(size - 14)}`;
      const inChunks = async (...sizes: number[]): Promise<number> => {
        const chunks = [
          Buffer.from(body(sizes[0] ?? 0)),
          ...sizes.slice(1).map((size) => Buffer.alloc(size, ' ')),
        ];
        return (
          await edge.raw('POST', E, Readable.toWeb(Readable.from(chunks)) as ReadableStream<Uint8Array>)
        ).status;
      };
      expect((await edge.raw('POST', E, body(limit))).status).toBe(200);
      expect((await edge.raw('POST', E, body(limit + 1))).status).toBe(413);
      expect(await inChunks(limit / 2, limit / 2)).toBe(200);
      expect(await inChunks(limit, 1)).toBe(413);
      // A small chunk after one that did not fit is refused, too.
      expect(await inChunks(limit - 10, 1000, 5)).toBe(413);
    });

    it.each([
      ['{bad', 1, 'Expecting property name enclosed in double quotes'],
      ['{"a":', 5, 'Expecting value'],
      ['{"a":NaN}', 5, 'Expecting value'],
      ['{"a" 1}', 5, "Expecting ':' delimiter"],
      ['{"a":1,}', 6, 'Illegal trailing comma before end of object'],
      ['{"a":1} x', 8, 'Extra data'],
      ['{"a":"x\ny"}', 7, 'Invalid control character at'],
      ['{"a":"\\q"}', 6, 'Invalid \\escape'],
      ['{"a":"abc', 5, 'Unterminated string starting at'],
      ['\ufeff{"a":NaN}', 5, 'Expecting value'],
      [`{"a":"${'ж'.repeat(300_000)}",}`, 300_007, 'Illegal trailing comma before end of object'],
      [`{"a":"${'b'.repeat(600_000)}\n"}`, 600_006, 'Invalid control character at'],
      ['[1', 2, "Expecting ',' delimiter"],
    ])('reports the position of the syntax error in %.20s', async (text, position, error) => {
      const answer = await edge.raw('POST', C, text);
      const detail = [
        {
          type: 'json_invalid',
          loc: ['body', position],
          msg: 'JSON decode error',
          input: {},
          ctx: { error },
        },
      ];
      expect(answer).toMatchObject({ status: 422, body: { detail } });
    });

    it.each([
      ['a value', '{"b":1,"a":["x","\\ud800"]}', ['body', 'a', 1]],
      ['a key', '{"a":[0,{"\\udc00":1}]}', ['body', 'a', 1]],
      ['the whole body', '"\\ud800"', ['body']],
      ['a long text', `{"a":["x",{"b":"${'y'.repeat(600_000)}\\ud800"}]}`, ['body', 'a', 1, 'b']],
    ])('reports the location of a lone surrogate: %s', async (_name, text, loc) => {
      const answer = await edge.raw('POST', C, text);
      expect(answer).toMatchObject({ status: 422, body: { detail: [{ type: 'string_unicode', loc }] } });
    });

    it.each([
      ['deep nesting', '['.repeat(100_000)],
      ['deep nesting that ends', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
      ['a lone surrogate', '{"a":["\\ud800"]}'],
      ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
      [
        'a key named constructor',
        '{"agent":{"llm":{"model":"x","litellm_extra_body":{"a":{"constructor":5}}}}}',
      ],
      [
        'a key named constructor in unknown fields',
        '{"agent":{"llm":{"model":"x"}},"workspace":{"working_dir":"x"},"secrets":{"a":{"constructor":null}}}',
      ],
      ['a key named __proto__', '{"__proto__":{"workspace":{"working_dir":"x"}}}'],
    ])('refuses %s', async (_name, body) => {
      const { status } = await edge.raw('POST', C, typeof body === 'string' ? body : new Uint8Array(body));
      expect([400, 422]).toContain(status);
    });
  });

  describe('CORS', () => {
    const ask = (origin: string, path = C) =>
      edge.request('OPTIONS', path, { headers: { origin, 'access-control-request-method': 'POST' } });

    it('allows local and configured pages', async () => {
      for (const origin of [
        'http://localhost:3000',
        'https://127.0.0.1',
        'https://good.example',
        'https://written.example',
      ]) {
        const answer = await ask(origin);
        expect([answer.status, answer.text]).toEqual([200, 'OK']);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        expect(
          (await edge.request('GET', '/api/nope', { headers: { origin } })).headers.get(
            'access-control-allow-origin',
          ),
        ).toBe(origin);
      }
      expect((await ask('https://any.example', '/api/auth/workspace-session')).status).toBe(200);
    });

    it('refuses other pages', async () => {
      for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.com']) {
        const answer = await ask(origin);
        expect([answer.status, answer.text]).toEqual([400, 'Disallowed CORS origin']);
        expect(answer.headers.has('access-control-allow-origin')).toBe(false);
      }
    });

    it('sends Vary: Origin with every answer', async () => {
      for (const path of [`${C}/count`, '/api/nope', `${C}/bad`])
        expect((await edge.get(path)).headers.get('vary')).toBe('Origin');
    });
  });
});
