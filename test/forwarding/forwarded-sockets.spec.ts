import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../support/server-process.js';
import { knock } from '../support/raw-request.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { ForwardingServer, KEY } from './forwarding-server.js';
import { InMemoryCluster } from './in-memory-cluster.js';

const SHOWN = { 'x-session-api-key': KEY };

describe('sockets that another server has to serve', () => {
  const cluster = new InMemoryCluster();
  const clients: WebSocket[] = [];
  let first: ForwardingServer;
  let owner: ForwardingServer;
  let id: string;
  beforeAll(async () => {
    first = await ForwardingServer.start('first', cluster);
    owner = await ForwardingServer.start('owner', cluster);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.terminate();
  });
  afterAll(() => Promise.all([first.stop(), owner.stop()]));
  beforeEach(() => {
    id = cluster.conversationAt(owner.id);
    for (const { observed } of [first, owner]) observed.calls.length = observed.ends.length = 0;
  });

  /** A connected client, with the first frame that the server has sent. */
  async function connect(query = '', headers: Record<string, string> = SHOWN) {
    const client = new WebSocket(first.socketUrl(id, query), { headers });
    clients.push(client);
    const [greeting] = (await once(client, 'message')) as [Buffer];
    return { client, greeting: JSON.parse(greeting.toString()) as Record<string, unknown> };
  }
  async function answerTo(client: WebSocket, frame: string | Buffer) {
    const answered = once(client, 'message');
    client.send(frame);
    const [data, isBinary] = (await answered) as [Buffer, boolean];
    return isBinary ? data : data.toString();
  }

  it('carry frames of both sides', async () => {
    const { client, greeting } = await connect('?resend_mode=all', {
      ...{ ...SHOWN, 'x-own': 'mine', 'x-forwarded-for': '10.0.0.1' },
    });
    expect(greeting).toEqual({
      ...{ server: 'owner', url: `/sockets/events/${id}?resend_mode=all`, client: '127.0.0.1' },
    });
    expect(owner.observed.headers).toMatchObject({
      ...{ 'x-own': 'mine', 'x-forwarded-for': '10.0.0.1', host: new URL(first.url).host },
    });
    for (const frame of ['hello', Buffer.from([0, 255]), 'x'.repeat(1_000_000), ''])
      expect(await answerTo(client, frame)).toEqual(frame);
    expect(first.observed.calls).toEqual([]);
  });

  it('keep the code and the reason of a close, by either side', async () => {
    const codes: [number, string][] = [
      ...([
        [1000, ''],
        [1012, ''],
        [1013, 'slow_consumer'],
        [4004, 'Conversation not found'],
      ] as const),
    ].map(([code, reason]) => [code, reason]);
    for (const [code, reason] of codes) {
      const { client } = await connect();
      const closed = once(client, 'close');
      client.send(`close ${code} ${reason}`);
      const [received, text] = (await closed) as [number, Buffer];
      expect([received, text.toString()]).toEqual([code, reason]);
    }
    owner.observed.ends.length = 0;
    const { client } = await connect();
    client.close(4321, 'bye');
    await once(client, 'close');
    await eventually(() => owner.observed.ends.includes('socket 4321 bye'));
  });

  it('show the other server that the client has left', async () => {
    const { client } = await connect();
    client.terminate();
    await eventually(() => owner.observed.ends.includes('socket 1006 '));
  });

  it('end when the other server is gone', async () => {
    const proxy = await CuttableProxy.start(owner.url);
    first.locator.stale.push(cluster.addressOf(owner.id, proxy.url));
    const { client } = await connect();
    expect(await answerTo(client, 'there')).toBe('there');
    const closed = once(client, 'close');
    proxy.cut();
    expect((await closed)[0]).toBe(1006);
    await proxy.stop();
  });

  it('do not run ahead of a client that reads slowly', async () => {
    const { client } = await connect();
    const { observed } = owner;
    client.send('flood 1600');
    client.pause();
    await eventually(() => observed.produced > 0);
    let [last, since] = [observed.produced, Date.now()];
    await eventually(() => {
      if (observed.produced !== last) [last, since] = [observed.produced, Date.now()];
      return Date.now() - since > 300;
    });
    expect(observed.produced).toBeLessThan(24 * 1024 * 1024);
    let received = 0;
    client.on('message', (data: Buffer) => (received += data.length));
    client.resume();
    await eventually(() => received === 1600 * 64 * 1024, 'the whole flood');
  });

  it('are refused as the other server refuses them', async () => {
    expect(await knock(first.socketUrl(id), { 'x-session-api-key': 'wrong' })).toBe('403');
    expect(await knock(first.socketUrl(id, '?resend_mode=never'), SHOWN)).toBe('403');
    expect(owner.observed.calls).toEqual([]);
    cluster.urls.set('gone', 'http://127.0.0.1:1');
    cluster.owners.set(id, 'gone');
    expect(await knock(first.socketUrl(id), SHOWN)).toMatch(
      /^502 \{"detail":"The server that has .*ECONNREFUSED/,
    );
  });

  it('follow a conversation that has moved', async () => {
    first.locator.stale.push(cluster.addressOf('before-the-restart', owner.url));
    expect((await connect()).greeting).toMatchObject({ server: 'owner' });
    const gone = cluster.addressOf('before-the-restart', owner.url);
    first.locator.stale.push(gone, gone);
    expect(await knock(first.socketUrl(id), SHOWN)).toMatch(/^503 .*Another server answers at the address/);
  });

  it('are taken if nobody has the conversation and the key is known', async () => {
    cluster.owners.delete(id);
    cluster.claims.push(() => {
      cluster.owners.set(id, owner.id);
      return false;
    });
    expect((await connect()).greeting).toMatchObject({ server: 'owner' });
    cluster.owners.delete(id);
    // The key is in the first frame.
    expect((await connect('', {})).greeting).toMatchObject({ server: 'first' });
    expect(cluster.owners.has(id)).toBe(false);
    expect((await connect()).greeting).toMatchObject({ server: 'first' });
    expect(cluster.owners.get(id)).toBe(first.id);
  });

  it('leave nothing behind when the client leaves during the handshake', async () => {
    const silent = await ForwardingServer.start('silent', cluster);
    id = cluster.conversationAt(silent.id);
    const goOn = silent.freeze();
    for (const leave of ['terminate', 'close'] as const) {
      const client = new WebSocket(first.socketUrl(id), { headers: SHOWN });
      client.on('error', () => undefined);
      const before = silent.observed.frozen;
      await eventually(() => silent.observed.frozen > before, 'the connection');
      client[leave]();
    }
    await eventually(() => silent.observed.frozenLeft === 2, 'the end of both');
    goOn();
    await silent.stop();
  });
});
