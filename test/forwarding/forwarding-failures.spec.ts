import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { ClusterKeys } from '../../src/crypto/index.js';
import { PassWriter } from '../../src/forwarding/index.js';
import { eventually } from '../support/server-process.js';
import { knock, rawRequest } from '../support/raw-request.js';
import { ForwardingServer, KEY } from './forwarding-server.js';
import { InMemoryCluster } from './in-memory-cluster.js';

const SHOWN = { 'x-session-api-key': KEY };
const KEYS = { cluster_key: null, secret_key: 'shared', previous_secret_keys: [] };

describe('the way to another server', () => {
  const cluster = new InMemoryCluster();
  let first: ForwardingServer;
  let owner: ForwardingServer;
  let third: ForwardingServer;
  let id: string;
  beforeAll(async () => {
    first = await ForwardingServer.start('first', cluster);
    owner = await ForwardingServer.start('owner', cluster);
    third = await ForwardingServer.start('third', cluster);
  });
  afterAll(() => Promise.all([first, owner, third].map((server) => server.stop())));
  beforeEach(() => {
    id = cluster.conversationAt(owner.id);
    for (const { observed } of [first, owner, third]) observed.calls.length = observed.ends.length = 0;
  });

  const conversation = (route = '') => `/api/conversations/${id}${route}`;
  type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };
  async function ask(route: string, init: Init = {}, server = first) {
    const response = await fetch(server.url + conversation(route), {
      ...init,
      headers: { 'content-type': 'application/json', ...SHOWN, ...init.headers },
    });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, body, headers: response.headers };
  }
  const post = (route: string, body: unknown = {}) =>
    ask(route, { method: 'POST', body: JSON.stringify(body) });
  /** The conversation is at an address where there may be no server. */
  const at = (url: string | null, serverId = 'gone'): void => {
    cluster.urls.set(serverId, url);
    cluster.owners.set(id, serverId);
  };
  /** A server that does something with each connection. */
  async function strange(behave: (server: Server) => void): Promise<Server> {
    const server = createServer();
    behave(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return server;
  }

  describe('when the server of a conversation is unreachable', () => {
    it('answers 502 with the reason', async () => {
      at('http://127.0.0.1:1');
      const { status, body } = await post('/echo');
      expect([status, body]).toEqual([
        502,
        {
          detail:
            'The server that has the conversation is unreachable (ECONNREFUSED). The request was not executed.',
          exception: expect.stringMatching(/^502: The server/) as string,
          error_id: expect.stringMatching(/^[\da-f]{32}$/) as string,
        },
      ]);
      at(null);
      expect((await post('/echo')).body['detail']).toContain('has no server_url');
    });

    it.each(['', 'garbage', 'file:///etc/passwd', 'http://127.0.0.1:99999', 'http://a:b@127.0.0.1:1'])(
      'sends nothing to the address %j in the database',
      async (url) => {
        at(url);
        const { status, body } = await post('/echo');
        expect([status, body['detail']]).toEqual([
          502,
          'The address of the server that has the conversation (gone) is not a URL of a host and a port.',
        ]);
      },
    );

    it('answers reads of the database itself, but not from what was open before its loss', async () => {
      at('http://127.0.0.1:1');
      expect((await ask('/events/search')).body).toMatchObject({ server: 'first' });
      expect((await ask('')).body).toMatchObject({ server: 'first' });
      // A file is only there.
      expect((await ask('/file/home')).status).toBe(502);
      first.locator.open.add(id);
      const { status, body } = await ask('/events/search');
      expect([status, body['detail']]).toEqual([503, expect.stringContaining('is moving')]);
    });

    it('answers 502 when the connection breaks before the answer', async () => {
      const server = await strange((it) =>
        it.on('connection', (socket) => socket.once('data', () => socket.destroy())),
      );
      const { status, body } = await post('/echo');
      expect([status, body['detail']]).toEqual([502, expect.stringContaining('may have been executed')]);
      server.close();
    });

    it('answers 503 when its lease ends while a request waits for it', async () => {
      const server = await strange(() => undefined);
      const waiting = post('/echo');
      const reading = ask('/events/search');
      await eventually(async () => (await connectionsOf(server)) >= 2, 'the requests');
      cluster.urls.delete('gone');
      const { status, body, headers } = await waiting;
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
      expect(body['detail']).toContain('another one takes it over');
      expect((await reading).body).toMatchObject({ server: 'first' });
      server.close();
    });

    it('closes its sockets when its lease ends', async () => {
      const server = await strange((it) =>
        it.on('connection', (socket) =>
          socket.once('data', () =>
            socket.write(
              'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
            ),
          ),
        ),
      );
      const socket = await upgraded(first.url, id);
      cluster.urls.delete('gone');
      await once(socket, 'close');
      server.close();
    });
  });

  describe('when a conversation moves', () => {
    it('tries the new server once', async () => {
      cluster.owners.set(id, third.id);
      first.locator.stale.push(cluster.addressOf(owner.id));
      expect((await post('/echo', { some: 'body' })).body).toMatchObject({
        ...{ server: 'third', body: { some: 'body' } },
      });
      expect(owner.observed.calls).toEqual([]);
    });

    it('answers 503 when the new server is not the right one either, or the body is gone', async () => {
      cluster.owners.set(id, third.id);
      const wrong = cluster.addressOf(owner.id);
      first.locator.stale.push(wrong, wrong);
      const twice = await post('/echo');
      expect([twice.status, twice.headers.get('retry-after')]).toEqual([503, '1']);
      first.locator.stale.push(wrong);
      const large = await ask('/file/upload', { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) });
      // The answer of the wrong server may come before too much of the body is read to send it again.
      if (large.status === 503) expect(large.body['detail']).toContain('moving to another server');
      else expect(large.body).toMatchObject({ server: 'third' });
    });

    it('notices that a server was started again at the same address', async () => {
      at(owner.url, 'before-the-restart');
      first.locator.stale.push(cluster.addressOf('before-the-restart', owner.url));
      cluster.owners.set(id, owner.id);
      expect((await post('/echo')).body).toMatchObject({ server: 'owner' });
    });

    it('says that two servers may have one address', async () => {
      at(owner.url, 'the-other-server');
      const { status, body, headers } = await post('/echo');
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
      expect(body['detail']).toContain('two servers have the same server_url');
    });

    it('notices that the server has stopped and another one has taken it over', async () => {
      cluster.owners.set(id, third.id);
      first.locator.stale.push(cluster.addressOf('stopped', 'http://127.0.0.1:1'));
      expect((await post('/echo', { some: 'body' })).body).toMatchObject({ server: 'third' });
      first.locator.stale.push(cluster.addressOf('stopped', 'http://127.0.0.1:1'));
      expect(await knock(first.socketUrl(id), SHOWN)).toBe('open');
      await eventually(() => third.observed.calls.join() === 'third echo,third socket', 'the socket');
    });

    it('serves it here, with its body, when the server has stopped', async () => {
      cluster.owners.delete(id);
      first.locator.stale.push(cluster.addressOf('stopped', 'http://127.0.0.1:1'));
      expect((await post('/echo', { some: 'body' })).body).toMatchObject({
        ...{ server: 'first', body: { some: 'body' } },
      });
    });

    it('gives it to the server that is faster', async () => {
      cluster.owners.delete(id);
      cluster.claims.push(() => {
        cluster.owners.set(id, owner.id);
        return false;
      });
      expect((await post('/echo')).body).toMatchObject({ server: 'owner' });
      cluster.owners.delete(id);
      expect((await post('/echo')).body).toMatchObject({ server: 'first' });
      expect(cluster.owners.get(id)).toBe(first.id);
    });

    it('does not take it for a read', async () => {
      cluster.owners.delete(id);
      expect((await ask('')).body).toMatchObject({ server: 'first' });
      expect(cluster.owners.has(id)).toBe(false);
    });
  });

  describe('for a request that another server has passed on', () => {
    const writer = new PassWriter(ClusterKeys.from(KEYS, 'requests') ?? ClusterKeys.random());
    const pass = (route: string, to = first.id, more: object = {}) =>
      writer.write('GET', conversation(route), {
        ...{ from: 'tester', to, client: '203.0.113.7', host: 'given.example', key: null },
        ...more,
      });
    const passed = (route: string, hop: string, headers: Record<string, string> = SHOWN) =>
      rawRequest(first.url, { path: conversation(route), headers: { 'x-openhands-hop': hop, ...headers } });

    it('shows the client as it was, and asks for the key again', async () => {
      id = cluster.conversationAt(first.id);
      expect(JSON.parse((await passed('', pass(''))).text)).toEqual({
        ...{ server: 'first', host: 'given.example', client: '203.0.113.7' },
      });
      expect((await passed('', pass(''), { 'x-session-api-key': 'wrong' })).status).toBe(401);
      expect((await passed('', pass(''), {})).status).toBe(401);
    });

    it('answers 421 instead of passing it on again', async () => {
      const { status, headers, text } = await passed('', pass(''));
      expect([status, headers['x-openhands-hop'], JSON.parse(text)]).toEqual([
        ...[421, 'moved', { detail: 'This server does not have the conversation any more' }],
      ]);
      expect(await knock(first.socketUrl(id), { ...SHOWN, 'x-openhands-hop': socketPass() })).toContain(
        '421',
      );
    });

    const socketPass = () =>
      writer.write('GET', `/sockets/events/${id}`, {
        from: 'tester',
        to: first.id,
        client: null,
        host: null,
        key: null,
      });

    it('does not run in circles', async () => {
      first.locator.stale.push(cluster.addressOf(owner.id));
      owner.locator.stale.push(cluster.addressOf(first.id));
      first.locator.stale.push(cluster.addressOf(owner.id));
      owner.locator.stale.push(cluster.addressOf(first.id));
      expect((await post('/echo')).status).toBe(503);
      expect(first.observed.calls).toEqual([]);
    });

    it('refuses forged, repeated and misdirected ones', async () => {
      id = cluster.conversationAt(first.id);
      const good = pass('');
      const [payload = '', proof = ''] = good.split('.');
      const other = Buffer.from(payload, 'base64url').toString().replace('203.0.113.7', '127.0.0.1');
      const forged = [
        ...[
          '',
          'x',
          `${payload}.`,
          `${payload}.${proof.slice(1)}`,
          `.${proof}`,
          `${good}.x`,
          'a'.repeat(9000),
        ],
        `${Buffer.from(other).toString('base64url')}.${proof}`,
        new PassWriter(ClusterKeys.random()).write('GET', conversation(), {
          ...{ from: 'tester', to: first.id, client: null, host: null, key: null },
        }),
        // For another request.
        pass('/events/search'),
        writer.write('POST', conversation(), {
          from: 'tester',
          to: first.id,
          client: null,
          host: null,
          key: null,
        }),
      ];
      for (const hop of forged) {
        const { status, headers, text } = await passed('', hop);
        expect([status, headers['x-openhands-hop']]).toEqual([403, 'refused']);
        expect(text).toContain('only for the servers of one cluster');
      }
      expect((await passed('', good)).status).toBe(200);
      const again = await passed('', good);
      expect([again.status, again.text]).toEqual([403, expect.stringContaining('was used before')]);
      expect((await passed('', pass('', 'another-server'))).status).toBe(421);
      // Also on routes that have nothing to do with conversations, and for sockets.
      const elsewhere = await rawRequest(first.url, {
        path: '/nowhere',
        headers: { 'x-openhands-hop': 'x' },
      });
      expect(elsewhere.status).toBe(403);
      expect(await knock(first.socketUrl(id), { ...SHOWN, 'x-openhands-hop': 'x' })).toContain('403');
      expect(first.observed.calls).toEqual(['first read']);
    });

    it('refuses those of other times', async () => {
      id = cluster.conversationAt(first.id);
      for (const minutes of [-2, 2]) {
        const late = new PassWriter(
          ClusterKeys.from(KEYS, 'requests') ?? ClusterKeys.random(),
          () => Date.now() + minutes * 60_000,
        );
        const hop = late.write('GET', conversation(), {
          from: 'late',
          to: first.id,
          client: null,
          host: null,
          key: null,
        });
        const { status, text } = await passed('', hop);
        expect([status, text]).toEqual([403, expect.stringContaining('is too old')]);
      }
    });
  });

  it('tells that the servers have different keys', async () => {
    const stranger = await ForwardingServer.start('stranger', cluster, { cluster_key: 'another one' });
    id = cluster.conversationAt(stranger.id);
    const { status, body } = await post('/echo');
    expect([status, body['detail']]).toEqual([502, expect.stringContaining('need the same secret_key')]);
    expect(await knock(first.socketUrl(id), SHOWN)).toContain('need the same secret_key');
    await stranger.stop();
  });

  it('accepts servers that still have the previous key', async () => {
    const newer = await ForwardingServer.start('newer', cluster, {
      ...{ secret_key: 'new', previous_secret_keys: ['shared'] },
    });
    id = cluster.conversationAt(newer.id);
    expect((await post('/echo')).body).toMatchObject({ server: 'newer' });
    await newer.stop();
  });

  it('slows down wrong keys by the address of the client, not of the server', async () => {
    const strict = await ForwardingServer.start('strict', cluster, { max_failed_keys_per_minute: 3 });
    const writer = new PassWriter(ClusterKeys.from(KEYS, 'requests') ?? ClusterKeys.random());
    id = cluster.conversationAt(strict.id);
    const wrong = async (client: string) => {
      const hop = writer.write('GET', conversation(), {
        from: 'tester',
        to: strict.id,
        client,
        host: null,
        key: null,
      });
      const headers = { 'x-openhands-hop': hop, 'x-session-api-key': 'wrong' };
      return (await rawRequest(strict.url, { path: conversation(), headers })).status;
    };
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) statuses.push(await wrong('203.0.113.1'));
    expect([...statuses, await wrong('203.0.113.2')]).toEqual([401, 401, 401, 429, 401]);
    await strict.stop();
  });

  it('keeps a server without a key for its own machine', async () => {
    const open = await ForwardingServer.start('open', cluster, { session_api_keys: [] });
    const writer = new PassWriter(ClusterKeys.from(KEYS, 'requests') ?? ClusterKeys.random());
    id = cluster.conversationAt(open.id);
    const from = async (client: string) => {
      const hop = writer.write('GET', conversation(), {
        from: 'tester',
        to: open.id,
        client,
        host: 'localhost',
        key: null,
      });
      return (await rawRequest(open.url, { path: conversation(), headers: { 'x-openhands-hop': hop } }))
        .status;
    };
    expect([await from('127.0.0.1'), await from('203.0.113.1')]).toEqual([200, 403]);
    await open.stop();
  });
});

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

async function upgraded(url: string, id: string) {
  const sent = httpRequest(`${url}/sockets/events/${id}`, {
    headers: { ...SHOWN, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
  });
  sent.end();
  const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, IncomingMessage['socket']];
  socket.on('error', () => undefined).resume();
  return socket;
}
