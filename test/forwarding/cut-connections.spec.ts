import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { contentAt, ForwardingServer, KEY } from './forwarding-server.js';
import { InMemoryCluster } from './in-memory-cluster.js';

const SHOWN = { 'x-session-api-key': KEY };
const BYTES = 20_000;
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 60);

/** How the connection between two servers is cut. */
interface Cut {
  direction: 'to the owner' | 'to the client';
  after: number;
  how: 'reset' | 'end';
}

/** Passes connections on to a server, each until a number of bytes has passed in one direction. */
class CuttingProxy {
  cut: Cut = { direction: 'to the owner', after: Infinity, how: 'end' };
  private readonly sockets = new Set<Socket>();
  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (client: Socket) => this.pass(client));
  }

  static async start(url: string): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, Number(new URL(url).port));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket): void {
    const { direction, after, how } = this.cut;
    const owner = connect(this.port, '127.0.0.1');
    const end = (): void => {
      for (const socket of [client, owner]) {
        if (how === 'reset') socket.resetAndDestroy();
        else socket.destroySoon();
      }
    };
    for (const [from, to, name] of [
      [client, owner, 'to the owner'],
      [owner, client, 'to the client'],
    ] as const) {
      this.sockets.add(from);
      let left = name === direction ? after : Infinity;
      from.on('error', () => undefined);
      from.on('data', (chunk: Buffer) => {
        to.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) end();
      });
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
    if (after === 0) end();
  }
}

describe('a connection between two servers that is cut at any byte', () => {
  const cluster = new InMemoryCluster();
  let first: ForwardingServer;
  let owner: ForwardingServer;
  let proxy: CuttingProxy;
  let id: string;
  beforeAll(async () => {
    first = await ForwardingServer.start('first', cluster);
    owner = await ForwardingServer.start('owner', cluster);
    proxy = await CuttingProxy.start(owner.url);
    cluster.urls.set(owner.id, proxy.url);
    id = cluster.conversationAt(owner.id);
  });
  afterAll(async () => {
    await first.stop();
    await owner.stop();
    await proxy.stop();
  });

  const cuts = fc.record({
    direction: fc.constantFrom('to the owner' as const, 'to the client' as const),
    after: fc.oneof(fc.nat(1200), fc.nat(BYTES + 1000)),
    how: fc.constantFrom('reset' as const, 'end' as const),
  });
  const check = (property: (cut: Cut) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        proxy.cut = cut;
        try {
          await property(cut);
        } finally {
          proxy.cut = { ...cut, after: Infinity };
        }
      }),
      { numRuns: ROUNDS, seed: Number(process.env['FAULT_SEED'] ?? 22) },
    );
  const ask = async (route: string, init: RequestInit = {}) => {
    // Otherwise a connection of an earlier round would be used, which is not cut.
    const response = await fetch(`${first.url}/api/conversations/${id}${route}`, { headers: SHOWN, ...init });
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };

  it('gives the whole download, an error, or a visibly incomplete answer', async () => {
    const expected = contentAt(0, BYTES);
    await check(async () => {
      const answer = await ask(`/file/download/${BYTES}`).catch(() => undefined);
      if (answer?.status === 200) expect(answer.body.equals(expected)).toBe(true);
      else expect([502, undefined]).toContain(answer?.status);
      proxy.cut = { ...proxy.cut, after: Infinity };
      // The next one is served.
      expect((await ask('/events/search')).status).toBe(200);
    });
  });

  it('executes an upload completely or says that it may not have been', async () => {
    const body = contentAt(0, BYTES);
    await check(async () => {
      owner.observed.received = 0;
      const answer = await ask('/file/upload', { method: 'POST', body }).catch(() => undefined);
      if (answer?.status === 201) expect(JSON.parse(answer.body.toString())).toMatchObject({ bytes: BYTES });
      else expect([502, undefined]).toContain(answer?.status);
    });
  });

  it('closes a socket whose frames until then are complete and in order', async () => {
    await check(async () => {
      const client = new WebSocket(first.socketUrl(id), { headers: SHOWN });
      const frames: number[] = [];
      client.on('error', () => undefined);
      client.on('open', () => {
        for (let count = 0; count < 20; count += 1) client.send(Buffer.alloc(1000, count));
        client.send('close 1000 done');
      });
      client.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) return;
        expect(data.equals(Buffer.alloc(1000, data[0]))).toBe(true);
        frames.push(data[0] ?? -1);
      });
      const code = await new Promise<number>((resolve) => client.once('close', resolve));
      expect(frames).toEqual(Array.from(frames, (_frame, index) => index));
      if (code === 1000) expect(frames).toHaveLength(20);
      else expect(code).toBe(1006);
    });
  });
});
