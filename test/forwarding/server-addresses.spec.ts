import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { AddressProofs, ClusterKeys } from '../../src/crypto/index.js';
import { ForwardingServer, KEY } from './forwarding-server.js';
import { InMemoryCluster, SECRET } from './in-memory-cluster.js';

const SHOWN = { 'x-session-api-key': KEY };
const KEYS = { cluster_key: null, secret_key: SECRET, previous_secret_keys: [] };

describe('the address of the server of a conversation', () => {
  const cluster = new InMemoryCluster();
  let first: ForwardingServer;
  let owner: ForwardingServer;
  let id: string;
  beforeAll(async () => {
    first = await ForwardingServer.start('first', cluster);
    owner = await ForwardingServer.start('owner', cluster);
  });
  afterAll(() => Promise.all([first, owner].map((server) => server.stop())));
  beforeEach(() => {
    id = cluster.conversationAt(owner.id);
  });

  type Init = Omit<RequestInit, 'headers'>;
  async function ask(route: string, init: Init = {}, server = first) {
    const response = await fetch(`${server.url}/api/conversations/${id}${route}`, {
      ...init,
      headers: { 'content-type': 'application/json', ...SHOWN },
    });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, body, headers: response.headers };
  }
  const post = (route: string, server = first) => ask(route, { method: 'POST', body: '{}' }, server);
  /** The conversation is at an address where there may be no server. */
  const at = (url: string | null, serverId: string): void => {
    cluster.urls.set(serverId, url);
    cluster.owners.set(id, serverId);
  };

  describe('when nothing accepts connections there', () => {
    it('answers 503 until its lease is over, and 502 when it renews that', async () => {
      at('http://127.0.0.1:1', 'killed');
      cluster.leases.set('killed', { leftMs: 6_400, renewals: 1 });
      const killed = await post('/echo');
      expect([killed.status, killed.headers.get('retry-after')]).toEqual([503, '7']);
      expect(killed.body['detail']).toContain('when its lease is over, in 7 s; retry then.');
      expect(await refusedUpgrade(first.url, id)).toEqual([503, '7']);
      // A file is only there, events are in the database.
      expect((await ask('/file/home')).status).toBe(503);
      expect((await ask('/events/search')).body).toMatchObject({ server: 'first' });
      cluster.leases.set('killed', { leftMs: 300, renewals: 1 });
      expect((await post('/echo')).headers.get('retry-after')).toBe('1');

      cluster.leases.set('killed', { leftMs: 9_000, renewals: 2 });
      const alive = await post('/echo');
      expect([alive.status, alive.headers.get('retry-after')]).toEqual([502, null]);
      expect(await refusedUpgrade(first.url, id)).toEqual([502, undefined]);
    });

    it('notices that it is there again', async () => {
      at('http://127.0.0.1:1', owner.id);
      cluster.leases.set(owner.id, { leftMs: 5_000, renewals: 1 });
      expect((await post('/echo')).status).toBe(503);
      cluster.urls.set(owner.id, owner.url);
      cluster.leases.set(owner.id, { leftMs: 5_000, renewals: 2 });
      expect((await post('/echo')).body).toMatchObject({ server: 'owner' });
      cluster.urls.set(owner.id, 'http://127.0.0.1:1');
      expect((await post('/echo')).status).toBe(503);
      cluster.urls.set(owner.id, owner.url);
      cluster.leases.delete(owner.id);
    });
  });

  describe('with an address that is not signed by a server of the cluster', () => {
    const other = ClusterKeys.random();
    const minutesAgo = (minutes: number) => () => Date.now() - minutes * 60_000;
    const clusterKeys = ClusterKeys.from(KEYS, 'addresses') ?? other;
    it.each<[string, () => string | null, string]>([
      ['no signature', () => null, 'has not signed its address'],
      [
        'another key',
        () => new AddressProofs(other).write(owner.id, thief, 1000),
        'is not signed with the key',
      ],
      [
        'another address',
        () => new AddressProofs(clusterKeys).write(owner.id, owner.url, 1000),
        'is not signed',
      ],
      ['another server', () => new AddressProofs(clusterKeys).write(first.id, thief, 1000), 'is not signed'],
      ['garbage', () => `${Date.now()}..x.${'y'.repeat(300)}`, 'is not signed'],
      ['nothing', () => '', 'is not signed'],
      [
        'a time that is over',
        () => new AddressProofs(clusterKeys, minutesAgo(2)).write(owner.id, thief, 1000),
        'is too old',
      ],
    ])('sends nothing there (%s)', async (_what, proof, reason) => {
      const server = createServer((socket) => seen.push(socket));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      thief = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      at(thief, owner.id);
      cluster.proofs.set(owner.id, proof());
      const { status, body } = await post('/echo');
      expect([status, body['detail']]).toEqual([502, expect.stringContaining(reason)]);
      expect(await refusedUpgrade(first.url, id)).toEqual([502, undefined]);
      // What the database has is read there.
      expect((await ask('/events/search')).body).toMatchObject({ server: 'first' });
      expect(seen).toEqual([]);
      server.close();
    });
    let thief = '';
    const seen: unknown[] = [];
    afterEach(() => {
      cluster.urls.set(owner.id, owner.url);
      cluster.proofs.delete(owner.id);
    });

    it('accepts servers without a signature during an update', async () => {
      const updated = await ForwardingServer.start('updated', cluster, { accept_unsigned_servers: true });
      cluster.proofs.set(owner.id, null);
      expect((await post('/echo', updated)).body).toMatchObject({
        server: 'owner',
      });
      cluster.proofs.set(owner.id, new AddressProofs(other).write(owner.id, owner.url, 1000));
      expect((await post('/echo', updated)).status).toBe(502);
      await updated.stop();
    });
  });
});

/** Status and `Retry-After` of the answer to an upgrade. */
async function refusedUpgrade(url: string, id: string): Promise<[number | undefined, string | undefined]> {
  const sent = httpRequest(`${url}/sockets/events/${id}`, {
    headers: { ...SHOWN, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
  });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  return [answer.statusCode, answer.headers['retry-after']];
}
