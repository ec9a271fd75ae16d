import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { clusterEnvironment } from '../support/cluster/server-cluster.js';
import { scriptedRequest } from '../support/conversation-client.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { SpawnedServer } from '../support/spawned-server.js';

/** Longer than the tests take, so that nothing happens because a lease is over. */
const LEASE_SECONDS = 600;
const KEY = 'the-session-key';

describeWithDatabase('what servers of a cluster believe of each other', () => {
  /** The servers of all tests. */
  const started: SpawnedServer[] = [];
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'trust-'));
  });
  afterAll(async () => {
    await Promise.all(started.splice(0).map((server) => server.end('SIGKILL')));
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  // Removed after the end of the servers.
  const database = TestDatabase.forTests();

  async function start(port: number, env: Record<string, string> = {}): Promise<SpawnedServer> {
    const server = await SpawnedServer.start(
      folder,
      {
        env: {
          ...clusterEnvironment(database.url),
          ...{ OH_SERVER_URL: `http://127.0.0.1:${port}`, SESSION_API_KEY: KEY },
          OH_SERVER_LEASE_SECONDS: String(LEASE_SECONDS),
          ...env,
        },
      },
      port,
    );
    started.push(server);
    return server;
  }
  /** Two running servers of the database, new ones in place of those that a test has killed. */
  async function two(): Promise<[SpawnedServer, SpawnedServer]> {
    const running = started.filter((server) => !server.hasEnded);
    const [one = await start(await freePort()), other = await start(await freePort())] = running;
    return [one, other];
  }
  async function ask(server: SpawnedServer, method: string, route: string, body?: unknown) {
    const response = await fetch(`http://127.0.0.1:${server.port}${route}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-session-api-key': KEY },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: JSON.parse(text || '{}') as Record<string, unknown>,
    };
  }
  /** A conversation of a server. @returns its route */
  async function conversationOf(server: SpawnedServer): Promise<string> {
    const { body } = await ask(server, 'POST', '/api/conversations', scriptedRequest(folder));
    return `/api/conversations/${String(body['id'])}`;
  }
  const rename = (route: string, server: SpawnedServer) => ask(server, 'PATCH', route, { title: 'Found' });

  it('nothing of an address that somebody else has written into the database', async () => {
    const [owner, other] = await two();
    const route = await conversationOf(owner);
    const seen: unknown[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.headers['x-session-api-key']);
      response.end('{}');
    });
    await once(thief.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`;
    const written = await database.query('SELECT id, url, proof FROM server');
    try {
      expect((await rename(route, other)).status).toBe(200);
      const genuine = `http://127.0.0.1:${owner.port}`;
      await database.query('UPDATE server SET url = $1 WHERE url = $2', [url, genuine]);
      await eventually(async () => (await rename(route, other)).status === 502, 'the forged address');
      const { body } = await rename(route, other);
      expect(body['detail']).toContain('somebody has changed the address in the database');
      // Neither with the proof of another server, nor with none.
      await database.query('UPDATE server SET proof = (SELECT proof FROM server WHERE url <> $1)', [url]);
      expect((await rename(route, other)).status).toBe(502);
      await database.query('UPDATE server SET proof = NULL WHERE url = $1', [url]);
      await eventually(
        async () => String((await rename(route, other)).body['detail']).includes('has not signed'),
        'the address without a proof',
      );
      expect(seen).toEqual([]);
      const warnings = () => other.log.split('\n').filter((line) => line.includes('nothing is sent there'));
      await eventually(() => warnings().length === 2, 'both warnings');
    } finally {
      thief.close();
      for (const { id, url: address, proof } of written)
        await database.query('UPDATE server SET url = $2, proof = $3 WHERE id = $1', [id, address, proof]);
    }
    await eventually(async () => (await rename(route, other)).status === 200, 'the address as it was');
  });

  it('that one has ended when nothing accepts connections at its address', async () => {
    const [owner, other] = await two();
    const route = await conversationOf(owner);
    expect((await rename(route, other)).status).toBe(200);
    await owner.end('SIGKILL');
    const { status, headers, body } = await rename(route, other);
    expect([status, body['detail']]).toEqual([
      503,
      expect.stringContaining('accepts no connections (ECONNREFUSED)'),
    ]);
    const seconds = Number(headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(LEASE_SECONDS / 2);
    expect(seconds).toBeLessThanOrEqual(LEASE_SECONDS);
    const refused = await upgrade(other, route.replace('/api/conversations', '/sockets/events'));
    expect(refused).toMatch(/^HTTP\/1.1 503 /);
    expect(Number(/^retry-after: (\d+)/im.exec(refused)?.[1])).toBeGreaterThan(LEASE_SECONDS / 2);
    // Reads are answered from the database.
    expect((await ask(other, 'GET', `${route}/events/search`)).status).toBe(200);
    // When its lease is over, another one takes the conversation.
    await database.query('UPDATE server SET takes_after = clock_timestamp()');
    await database.query('UPDATE server SET lease_until = clock_timestamp() WHERE url = $1', [
      `http://127.0.0.1:${owner.port}`,
    ]);
    await eventually(async () => (await rename(route, other)).status === 200, 'the take-over');
  });

  it('that one has ended when another one was started in its place', async () => {
    const [killed, other] = await two();
    const route = await conversationOf(killed);
    const kept = await conversationOf(other);
    await killed.end('SIGKILL');
    const again = await start(killed.port);
    expect((await rename(route, other)).status).toBe(200);
    expect((await rename(route, again)).status).toBe(200);
    await eventually(() => again.log.includes('was killed on this machine'), 'the line in the log');
    // The other one, which lives, has kept what it had.
    expect((await ask(again, 'GET', '/api/servers')).body['servers']).toHaveLength(2);
    expect((await rename(kept, again)).status).toBe(200);
    const rows = await database.query(
      'SELECT FROM conversation JOIN server ON server.id = owner WHERE url = $1',
      [`http://127.0.0.1:${other.port}`],
    );
    expect(rows.length).toBeGreaterThan(0);
  });

  describe('in a database of its own', () => {
    const own = TestDatabase.forTests();

    it('nothing of one whose start has failed', async () => {
      const port = await freePort();
      const running = await start(port, { OH_DATABASE_URL: own.url });
      try {
        await expect(start(port, { OH_DATABASE_URL: own.url })).rejects.toThrow('is in use');
        expect((await ask(running, 'GET', '/api/servers')).body['servers']).toHaveLength(1);
        expect(await own.query('SELECT FROM server')).toHaveLength(1);
        // After the storage was opened, in the middle of the start.
        await own.query('DROP TABLE document CASCADE');
        await expect(start(await freePort(), { OH_DATABASE_URL: own.url })).rejects.toThrow();
        expect(await own.query('SELECT FROM server')).toHaveLength(1);
      } finally {
        await running.end('SIGKILL');
      }
    });
  });
});

/** Asks for a WebSocket. @returns what is answered */
async function upgrade(server: SpawnedServer, route: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(
    `GET ${route} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-API-Key: ${KEY}\r\nConnection: Upgrade\r\n` +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await once(socket, 'close');
  return answer;
}
