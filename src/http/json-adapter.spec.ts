import { Edge, KNOWN, UNKNOWN } from '../../test/support/http-edge.js';

describe('JSON answers', () => {
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
  ])('%s is application/json without a charset, with its length', async (_what, path, expected) => {
    const { status, headers, text } = await edge.get(path);
    expect(status).toBe(expected);
    expect(headers.get('content-type')).toBe('application/json');
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(text));
  });
});
