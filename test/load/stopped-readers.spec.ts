import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ServerProcess } from '../support/server-process.js';
import { amount, FULL, underLoad } from './load-watch.js';

const MIB = 1024 * 1024;
const EVENTS = 16;
/**
 * The longest permitted answer of `/health` (ms): the target on an idle machine, or what only a stall
 * exceeds.
 */
const P99 = FULL ? 250 : 2_500;

let server: ServerProcess;
let conversation: string;
/** The id of a conversation whose information has a megabyte. */
let large: string;

beforeAll(async () => {
  server = await ServerProcess.start();
  const created = await server.request('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/demo' }, tools: [] },
    workspace: { working_dir: server.cwd },
  });
  const context = { system_message_suffix: 'x'.repeat(MIB) };
  const other = await server.request('POST', '/api/conversations', {
    agent: { llm: { model: 'scripted/demo' }, tools: [], agent_context: context },
    workspace: { working_dir: server.cwd },
  });
  large = (other.body as { id: string }).id;
  conversation = `/api/conversations/${(created.body as { id: string }).id}`;
  const content = [{ type: 'text', text: 'x'.repeat(MIB) }];
  for (let count = 0; count < EVENTS; count += 1)
    await server.request('POST', `${conversation}/events`, { role: 'user', run: false, content });
});
afterAll(() => server.stop());

function client(first: string | Buffer): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(first);
  return socket;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe('large answers to clients that do not read', () => {
  const takeOneByte = async (path: string): Promise<Socket> => {
    const socket = client(get(path));
    await once(socket, 'data');
    return socket.pause();
  };

  it.each([
    ['a page of large events', () => `${conversation}/events/search?limit=100`],
    [
      'a large conversation many times',
      () => `/api/conversations?${Array<string>(20).fill(`ids=${large}`).join('&')}`,
    ],
    ['a trajectory', () => `/api/file/download-trajectory/${conversation.split('/').at(-1) ?? ''}`],
  ])('large answers to clients that do not read are not buffered in memory: %s', async (name, path) => {
    const sockets: Socket[] = [];
    const { health, memory } = await underLoad(server, `stopped readers of ${name}`, async () => {
      for (let count = 0; count < amount(24, 200); count += 1) sockets.push(await takeOneByte(path()));
    });
    for (const socket of sockets) socket.destroy();
    expect(health.p99).toBeLessThan(P99);
    // Each complete answer has 16 MiB.
    if (memory) expect(memory.peak - memory.before).toBeLessThan(amount(190, 1200));
  });
});

describe('a list of the same large event many times', () => {
  it('is streamed while it is generated', async () => {
    const search = await server.request('GET', `${conversation}/events/search?kind=MessageEvent&limit=1`);
    const [{ id }] = (search.body as { items: [{ id: string }] }).items;
    const body = JSON.stringify(Array<string>(20_000).fill(id));
    const head = `GET ${conversation}/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const { memory } = await underLoad(server, 'a long list', async () => {
      const socket = client(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      let size = 0;
      let start = '';
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        start ||= chunk.toString('latin1', 0, 15);
        if ((size += chunk.length) > 20 * MIB) break;
      }
      expect(start).toBe('HTTP/1.1 200 OK');
    });
    if (memory) expect(memory.peak - memory.before).toBeLessThan(200);
  });
});

describe('very many small socket frames in one packet', () => {
  it.each([
    ['that are not JSON', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x7b])],
    ['of one byte in an endless message', Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x61])],
  ])(
    'very many small socket frames in one packet do not delay other requests: frames %s',
    async (name, frame) => {
      const upgrade =
        `GET ${conversation.replace('/api/conversations', '/sockets/events')} HTTP/1.1\r\nHost: localhost\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
      const { health } = await underLoad(server, `small frames ${name}`, async () => {
        const sockets = Array.from({ length: 5 }, () => client(upgrade));
        await Promise.all(sockets.map((socket) => once(socket, 'data')));
        const first = name.includes('message') ? Buffer.from([0x01, 0x80, 0, 0, 0, 0]) : Buffer.alloc(0);
        // More fragments than a message may have. Fewer complete frames, which Node 24 processes more slowly.
        const count = name.includes('message') ? 20_000 : amount(5_000, 20_000);
        const frames = Buffer.concat([first, ...Array<Buffer>(count).fill(frame)]);
        const handled = sockets.map(async (socket) => {
          let text = '';
          socket.on('data', (chunk: Buffer) => (text = (text + chunk.toString('latin1')).slice(-400)));
          socket.write(frames);
          if (name.includes('message')) {
            await once(socket, 'close');
            return;
          }
          socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]));
          // The last frame is JSON, so its error differs.
          while (!text.includes('ValidationError')) await once(socket, 'data');
        });
        await Promise.all(handled);
        for (const socket of sockets) socket.destroy();
      });
      expect(health.p99).toBeLessThan(P99);
    },
  );
});
