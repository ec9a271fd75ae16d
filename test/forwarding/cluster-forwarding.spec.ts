import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { scriptedRequest } from '../support/conversation-client.js';
import { clusterEnvironment, startMember } from '../support/cluster/server-cluster.js';
import { eventually } from '../support/eventually.js';
import { TestDatabase } from '../support/postgres.js';
import type { SpawnedServer } from '../support/spawned-server.js';

const KEY = 'the-key';
const LEASE_SECONDS = 2;

describe('a conversation that another server of the database owns', () => {
  let folder: string;
  let database: TestDatabase;
  let owner: SpawnedServer;
  let other: SpawnedServer;
  let id: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cluster-'));
    database = await TestDatabase.create();
    const env = {
      ...clusterEnvironment(database.url),
      ...{ SESSION_API_KEY: KEY, OH_SERVER_LEASE_SECONDS: String(LEASE_SECONDS) },
    };
    [owner, other] = [await startMember(folder, { env }), await startMember(folder, { env })];
  });
  beforeEach(async () => {
    const { body } = await ask(owner, 'POST', '/api/conversations', scriptedRequest(folder));
    id = String(body['id']);
  });
  afterAll(async () => {
    await Promise.all([owner.end('SIGKILL'), other.end('SIGTERM')]);
    await database.drop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function ask(server: SpawnedServer, method: string, route: string, body?: unknown, key = KEY) {
    const response = await fetch(`http://127.0.0.1:${server.port}${route}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-session-api-key': key },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text || '{}') as Record<string, unknown> };
  }
  const conversation = (route = '') => `/api/conversations/${id}${route}`;
  const runs = (text: string) => ({ role: 'user', content: [{ type: 'text', text }], run: true });
  /** What the log of a server says of requests for the conversation. */
  const requestsAt = (server: SpawnedServer) =>
    server.log.split('\n').filter((line) => line.includes(id) && / in [\d.]+ ms/.test(line));

  it('is steered and watched through the other server', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${other.port}/sockets/events/${id}`, {
      headers: { 'x-session-api-key': KEY },
    });
    const frames: string[] = [];
    socket.on('message', (data: Buffer) => frames.push(data.toString()));
    await once(socket, 'open');
    const sent = await ask(other, 'POST', conversation('/events'), runs('FINISH: All of it.'));
    expect(sent.status).toBe(200);
    await eventually(() => frames.some((frame) => frame.includes('All of it.')), 'the answer');
    await eventually(
      async () => (await ask(other, 'GET', conversation())).body['execution_status'] === 'finished',
    );
    const [seen, stored] = await Promise.all(
      [other, owner].map(async (server) => (await ask(server, 'GET', conversation('/events/search'))).body),
    );
    expect(seen).toEqual(stored);
    await eventually(() => requestsAt(owner).some((line) => line.includes('POST')), 'the log of the owner');
    socket.close();
    await once(socket, 'close');
    expect((await ask(other, 'DELETE', conversation())).status).toBe(200);
    expect((await ask(owner, 'GET', conversation())).status).toBe(404);
  });

  it.each(['/sockets/session/ID', '/conversations/ID/events/socket', '/api/conversations/ID/events/socket'])(
    'is watched through the other server at %s',
    async (route) => {
      const socket = new WebSocket(`ws://127.0.0.1:${other.port}${route.replace('ID', id)}`, {
        headers: { 'x-session-api-key': KEY },
      });
      await once(socket, 'message');
      socket.close();
      await once(socket, 'close');
      const isOpened = (line: string) => line.includes(`socket of conversation ${id} opened`);
      await eventually(() => owner.log.split('\n').some(isOpened), 'the log of the owner');
      expect(other.log.split('\n').some(isOpened)).toBe(false);
    },
  );

  it('is not asked for with a wrong key', async () => {
    expect((await ask(other, 'POST', conversation('/run'), undefined, 'wrong')).status).toBe(401);
    await eventually(() => requestsAt(other).length === 1, 'the request in the log');
    await ask(owner, 'GET', '/server_info');
    expect(requestsAt(owner)).toEqual([]);
  });

  it('answers while its server is frozen, and goes on at the other one', async () => {
    process.kill(owner.pid, 'SIGSTOP');
    // From the database, as the connection of the request is accepted but not answered.
    const reading = ask(other, 'GET', conversation('/events/count'));
    const waiting = ask(other, 'POST', conversation('/events'), runs('FINISH: Later.'));
    const answers = await Promise.all([reading, waiting]);
    expect(answers.map(({ status }) => status)).toEqual([200, 503]);
    expect(answers[1].body['detail']).toContain('another one takes it over');
    await eventually(
      async () => (await ask(other, 'POST', conversation('/events'), runs('FINISH: Now.'))).status === 200,
      'the take-over',
    );
  });
});
