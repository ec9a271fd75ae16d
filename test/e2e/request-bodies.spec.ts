import { once } from 'node:events';
import net from 'node:net';
import { eventually, ServerProcess } from '../support/server-process.js';

const MIB = 1024 * 1024;
const KEY = 'right-key';
const CREATE = '/api/conversations';

/** A POST request whose body the test sends itself, or not at all. */
class RawPost {
  private readonly seen: Buffer[] = [];
  private constructor(readonly socket: net.Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.seen.push(chunk));
  }

  static async open(
    server: ServerProcess,
    path: string,
    headers: Record<string, string | number>,
    version: string,
  ): Promise<RawPost> {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    const lines = Object.entries({ Host: 'localhost', 'Content-Type': 'application/json', ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`POST ${path} ${version}\r\n${head}\r\n`);
    return new RawPost(socket);
  }

  get text(): string {
    return Buffer.concat(this.seen).toString();
  }

  /** The status of the answer, as soon as there is one. */
  async status(): Promise<number> {
    await eventually(() => this.text.includes('\r\n\r\n'), 'an answer');
    return Number(/^HTTP\/1.1 (\d+)/.exec(this.text)?.[1]);
  }
}

describe('request bodies', () => {
  let server: ServerProcess;
  const posts: RawPost[] = [];
  beforeAll(async () => {
    server = await ServerProcess.start({
      key: KEY,
      env: {
        SESSION_API_KEY: KEY,
        OH_MAX_BODY_BYTES_IN_FLIGHT: String(32 * MIB),
      },
    });
  });
  afterEach(() => {
    for (const { socket } of posts.splice(0)) socket.destroy();
  });
  afterAll(() => server.stop());

  async function post(
    path: string,
    headers: Record<string, string | number>,
    version = 'HTTP/1.1',
  ): Promise<RawPost> {
    const opened = await RawPost.open(server, path, headers, version);
    posts.push(opened);
    return opened;
  }

  it.each([
    ['JSON of 31 MiB', { 'Content-Length': 17 * MIB }],
    ['a body beyond all limits', { 'Content-Length': 500 * MIB }],
    ['a body of unknown length', { 'Transfer-Encoding': 'chunked' }],
    ['a body that is not JSON', { 'Content-Type': 'text/plain', 'Content-Length': 10 }],
    ['a compressed body', { 'Content-Encoding': 'gzip', 'Content-Length': 10 }],
  ])('answers 401 before a byte of the body has arrived: %s', async (_what, headers) => {
    for (const path of [CREATE, '/conversations', '/v1/chat/completions'])
      expect(await (await post(path, headers)).status()).toBe(401);
  });

  it.each(['{', '{"a":'.repeat(200), '[{},{}]', '"\\ud800"', ''])(
    'answers 401 whatever is wrong with the body: %s',
    async (body) => {
      const headers = { 'x-session-api-key': '', 'content-type': 'application/json' };
      const answer = await fetch(server.url + CREATE, { method: 'POST', headers, body });
      expect([answer.status, await answer.json()]).toEqual([401, { detail: 'Unauthorized' }]);
    },
  );

  it('lets a client that sends 31 MiB without a key read its 401', async () => {
    const body = `[${'{},'.repeat(10 * MIB)}{}]`;
    const answer = await fetch(server.url + CREATE, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(401);
  });

  it.each([
    ['HTTP/1.1', { Connection: 'close' }],
    ['HTTP/1.0', {}],
  ])('lets a client of %s that wants no further answer read a refusal', async (version, headers) => {
    const size = 16 * MIB;
    const sent = await post(CREATE, { ...headers, 'Content-Length': size }, version);
    await eventually(() => sent.text.includes('"Unauthorized"'), 'the answer');
    // A disconnected client would get an error and, in most cases, no answer.
    const rest = Buffer.alloc(size - 1, ' ');
    await new Promise<void>((resolve, reject) => {
      sent.socket.write(rest, (error) => (error ? reject(error) : resolve()));
    });
    expect(await sent.status()).toBe(401);
  });

  it('closes a connection that sends an endless body to a route without one', async () => {
    const sent = await post('/api/conversations/search', { 'Transfer-Encoding': 'chunked' });
    const over = new AbortController();
    sent.socket.on('close', () => over.abort());
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, 'x'), Buffer.from('\r\n')]);
    for (let count = 0; !over.signal.aborted && count < 200; count += 1)
      if (!sent.socket.write(chunk)) await once(sent.socket, 'drain', over).catch(() => undefined);
    expect(over.signal.aborted).toBe(true);
  });

  it('refuses bodies with more than 25,000 values and accepts fewer', async () => {
    const listOf = (count: number): object => ({ tags: Array.from({ length: count }, () => ({})) });
    const tooMany = await server.request('POST', CREATE, listOf(25_000));
    expect(tooMany).toMatchObject({
      status: 422,
      body: { detail: [{ type: 'json_invalid', ctx: { error: 'More than 25000 values' } }] },
    });
    const { body } = await server.request('POST', CREATE, listOf(20_000));
    expect(JSON.stringify(body)).not.toContain('json_invalid');
  });

  it('accepts messages of 16 MiB with images and refuses other bodies over 4 MiB', async () => {
    const agent = { llm: { model: 'scripted/none', usage_id: 'agent' } };
    const workspace = { working_dir: server.cwd };
    const made = await server.request('POST', CREATE, { agent, workspace });
    const { id } = made.body as { id: string };
    const image = { type: 'image', image_urls: [`data:image/png;base64,${'A'.repeat(16 * MIB)}`] };
    const sent = await server.request('POST', `${CREATE}/${id}/events`, { content: [image] });
    expect(sent.status).toBe(200);
    const renamed = await server.request('PATCH', `${CREATE}/${id}`, {
      title: 'x',
      more: 'x'.repeat(4 * MIB),
    });
    expect(renamed.status).toBe(413);
    expect(JSON.stringify(renamed.body)).toContain('the limit is 4194304 bytes');
  });

  it('answers large bodies with 503 and Retry-After while the budget for bodies is used up', async () => {
    const stalled = await post(CREATE, { 'X-Session-API-Key': KEY, 'Content-Length': 17 * MIB });
    const part = Buffer.alloc(16.5 * MIB, ' ');
    await new Promise((resolve) => stalled.socket.write(part, resolve));
    const large = { title: 'x'.repeat(16 * MIB) };
    let answer = await server.request('POST', CREATE, large);
    // The server may still be reading the stalled body.
    await eventually(async () => {
      answer = await server.request('POST', CREATE, large);
      return answer.status === 503;
    });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(JSON.stringify(answer.body)).toContain('max_body_bytes_in_flight');
    expect((await server.request('POST', CREATE, { title: 'small' })).status).toBe(422);
    stalled.socket.destroy();
    await eventually(async () => (await server.request('POST', CREATE, large)).status === 422, 'free budget');
  });
});
