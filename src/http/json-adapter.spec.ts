import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Response } from 'express';
import { JsonAdapter } from './json-adapter.js';
import { Edge, KNOWN, UNKNOWN } from '../../test/support/http-edge.js';

describe('a large JSON answer', () => {
  it.each([
    ['a value', { text: 'ä 中 😀 '.repeat(200_000) }],
    ['a text', JSON.stringify('x'.repeat(2_000_000))],
  ])('arrives complete: %s', async (_what, body) => {
    const adapter = new JsonAdapter();
    adapter.get('/large', (_request: unknown, response: Response) => {
      response.setHeader('Content-Type', 'application/json');
      adapter.reply(response, body, 201);
    });
    const server = createServer(adapter.getInstance<RequestListener>()).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/large`);
      expect(answer.status).toBe(201);
      const json = typeof body === 'string' ? body : JSON.stringify(body);
      expect(Number(answer.headers.get('content-length'))).toBe(Buffer.byteLength(json));
      expect((await answer.text()) === json).toBe(true);
    } finally {
      server.close();
    }
  });
});

describe('a JSON answer', () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await Edge.start();
  });
  afterAll(() => edge.close());

  it.each([
    ['an object', `/api/conversations/${KNOWN}`, 200],
    ['a list', `/api/conversations?ids=${KNOWN}`, 200],
    ['a number', '/api/conversations/count', 200],
    ['lines of the log', `/api/conversations/${KNOWN}/events/search`, 200],
    ['an error', `/api/conversations/${UNKNOWN}`, 404],
  ])('has the type application/json without a charset, and its length: %s', async (_what, path, expected) => {
    const { status, headers, text } = await edge.get(path);
    expect(status).toBe(expected);
    expect(headers.get('content-type')).toBe('application/json');
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(text));
  });
});
