import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { TestDatabase, describeWithDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Place {
  conversation_id: string;
  priority: number;
  place: number | null;
  waits_for: string;
}

const ADMIN = 'key-of-the-administrator';
const SCRIPT = 'RUN: echo $NAME >> order; until [ -e "go-$NAME" ]; do sleep 0.02; done\nFINISH: ok';

describe('runs that wait for a free slot', () => {
  let folder: string;
  let server: ServerProcess;

  const start = (env: Record<string, string> = {}): Promise<ServerProcess> =>
    ServerProcess.start({
      cwd: folder,
      key: ADMIN,
      env: {
        OH_SESSION_API_KEYS_0: ADMIN,
        OH_MAX_CONCURRENT_RUNS: '1',
        OH_SECRET_KEY: 'a-secret-key',
        ...env,
      },
    });

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
  });
  afterEach(async () => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });

  const work = (): string => path.join(folder, 'work');
  const scriptOf = (name: string): string => SCRIPT.replaceAll('$NAME', name);

  /** Starts a conversation whose command is in progress until `release` is called with its name. */
  const create = async (
    name: string,
    query = '?on_limit=wait',
    headers = {},
  ): Promise<ConversationClient> => {
    const request = scriptedRequest(work(), scriptOf(name));
    const { status, body } = await server.request('POST', `/api/conversations${query}`, request, headers);
    if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
    return new ConversationClient(server, (body as { id: string }).id);
  };
  const release = (name: string): Promise<void> => writeFile(path.join(work(), `go-${name}`), '');
  const hasStarted = (name: string): Promise<boolean> =>
    access(path.join(work(), 'order')).then(
      async () => (await order()).includes(name),
      () => false,
    );
  const starts = (name: string): Promise<void> =>
    eventually(() => hasStarted(name), `the command of ${name}`);
  const order = async (): Promise<string[]> => {
    return (await readFile(path.join(work(), 'order'), 'utf8')).trim().split('\n');
  };
  const queue = async (headers = {}): Promise<Place[]> => {
    const { body } = await server.request('GET', '/api/run_queue', undefined, headers);
    return (body as { items: Place[] }).items;
  };

  it('start in the order of their priority and age, and tell their places', async () => {
    server = await start();
    await create('first');
    await starts('first');
    const low = await create('low');
    const lower = await create('lower');
    const high = await create('high', '?on_limit=wait&priority=5');
    expect(
      (await queue()).map((run) => [run.conversation_id, run.place, run.priority, run.waits_for]),
    ).toEqual([
      [high.id, 1, 5, 'server'],
      [low.id, 2, 0, 'server'],
      [lower.id, 3, 0, 'server'],
    ]);
    expect(await low.status()).toBe('idle');
    const { body } = await server.request('GET', `${lower.route}/queued_run`);
    expect(body).toMatchObject({ place: 3 });
    const info = (await server.request('GET', '/server_info')).body as { runs: unknown };
    expect(info.runs).toMatchObject({ running: 1, limit: 1, queued: 3 });
    for (const name of ['first', 'high', 'low', 'lower']) {
      await starts(name);
      await release(name);
    }
    await lower.reaches('finished');
    expect(await order()).toEqual(['first', 'high', 'low', 'lower']);
    expect(await queue()).toEqual([]);
  });

  it('are those of messages, of POST run and of approvals, too', async () => {
    server = await start();
    const asked = await ConversationClient.create(
      server,
      scriptedRequest(work(), scriptOf('approved'), { confirmation_policy: { kind: 'AlwaysConfirm' } }),
    );
    await asked.reaches('waiting_for_confirmation');
    const silent = await ConversationClient.create(server, scriptedRequest(work()));
    await create('first');
    await starts('first');
    const refused = await silent.post('events', userMessage(scriptOf('second'), true));
    expect(refused.status).toBe(429);
    const approval = await asked.post('events/respond_to_confirmation?on_limit=wait', { accept: true });
    expect(approval).toMatchObject({ status: 200, body: { success: true, queued_run: { place: 1 } } });
    const run = await silent.post('run?on_limit=wait&priority=1');
    expect(run).toMatchObject({ status: 200, body: { queued_run: { place: 1, priority: 1 } } });
    // A conversation waits once.
    const again = await silent.post('events?on_limit=wait', userMessage(scriptOf('third'), true));
    expect(again).toMatchObject({ status: 200, body: { queued_run: { place: 1, priority: 1 } } });
    expect(await queue()).toHaveLength(2);
    await release('second');
    await release('third');
    await release('approved');
    await release('first');
    await asked.reaches('finished');
    expect(await silent.reaches('finished')).toBe('finished');
  });

  it('are cancelled by DELETE, a pause and the deletion of their conversation', async () => {
    server = await start();
    await create('first');
    await starts('first');
    const [cancelled, paused, deleted] = [await create('a'), await create('b'), await create('c')];
    expect((await server.request('DELETE', `${cancelled.route}/queued_run`)).status).toBe(200);
    expect((await server.request('DELETE', `${cancelled.route}/queued_run`)).status).toBe(404);
    expect(await cancelled.status()).toBe('idle');
    await paused.post('pause');
    expect(await paused.status()).toBe('paused');
    await server.request('DELETE', deleted.route);
    expect(await queue()).toEqual([]);
    await release('first');
    const last = await create('last');
    await starts('last');
    expect(await order()).toEqual(['first', 'last']);
    await release('last');
    await last.reaches('finished');
  });

  it('are still in their order after kill -9, and none runs twice', async () => {
    server = await start();
    const first = await create('first');
    await starts('first');
    const made = [await create('a'), await create('b'), await create('urgent', '?on_limit=wait&priority=9')];
    await server.end('SIGKILL');
    for (const name of ['a', 'b', 'urgent']) await release(name);
    server = await start();
    for (const one of made) await one.on(server).reaches('finished');
    expect(await first.on(server).status()).toBe('paused');
    expect(await order()).toEqual(['first', 'urgent', 'a', 'b']);
    await eventually(async () => (await queue()).length === 0, 'the empty queue');
    await server.end('SIGKILL');
    server = await start();
    for (const one of made) expect(await one.on(server).status()).toBe('finished');
  });

  it('are fair among keys, wait for the limit of their key, and are seen by their key only', async () => {
    server = await start({ OH_MAX_CONCURRENT_RUNS: '2' });
    const alice = await makeKey(server, { reach: 'own', limits: { concurrent_runs: 1 } });
    const bob = await makeKey(server, { reach: 'own' });
    const workspaces = async (key: string): Promise<ConversationClient> => {
      const { status, body } = await server.request(
        'POST',
        '/api/conversations?on_limit=wait',
        scriptedRequest('.', 'RUN: until [ -e go ]; do sleep 0.02; done\nFINISH: ok'),
        shown(key),
      );
      if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
      return new ConversationClient(server, (body as { id: string }).id);
    };
    const ofAlice = [await workspaces(alice.key), await workspaces(alice.key), await workspaces(alice.key)];
    const ofBob = [await workspaces(bob.key), await workspaces(bob.key)];
    const places = await queue();
    expect(places.map((run) => run.conversation_id)).toEqual([ofAlice[1]?.id, ofBob[1]?.id, ofAlice[2]?.id]);
    expect(places.map((run) => run.waits_for)).toEqual(['key', 'server', 'key']);
    expect((await queue(shown(alice.key))).map((run) => run.place)).toEqual([1, 3]);
    const foreign = `${ofBob[1]?.route ?? ''}/queued_run`;
    expect((await server.request('DELETE', foreign, undefined, shown(alice.key))).status).toBe(404);
    // The slot of Bob's first run goes to his second one: Alice has as many as she may have.
    await ofBob[0]?.post('interrupt');
    await eventually(async () => (await ofBob[1]?.status()) === 'running', "Bob's second run");
    expect((await queue()).map((run) => run.conversation_id)).toEqual([ofAlice[1]?.id, ofAlice[2]?.id]);
    await ofAlice[0]?.post('interrupt');
    await eventually(async () => (await ofAlice[1]?.status()) === 'running', "Alice's second run");
  });

  it('are refused beyond max_queued_runs, and with values that make no sense', async () => {
    server = await start({ OH_MAX_QUEUED_RUNS: '1', OH_ON_RUN_LIMIT: 'wait' });
    await create('first', '');
    await starts('first');
    const waiting = await create('a', '');
    const request = scriptedRequest(work(), scriptOf('b'));
    const full = await server.request('POST', '/api/conversations', request);
    expect(full).toMatchObject({
      status: 429,
      body: { detail: '1 runs wait already. Retry the request later.' },
    });
    const refused = await server.request('POST', '/api/conversations?on_limit=refuse', request);
    expect(refused).toMatchObject({
      status: 429,
      body: { detail: expect.stringContaining('run limit') as unknown },
    });
    for (const query of ['on_limit=perhaps', 'priority=101', 'priority=1.5'])
      expect((await waiting.post(`run?${query}`)).status).toBe(422);
    expect(await queue()).toHaveLength(1);
  });
});

describeWithDatabase('runs that wait on a server of a cluster', () => {
  it('start on another one after its end', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    const database = await TestDatabase.create();
    const env = {
      OH_DATABASE_URL: database.url,
      OH_SECRET_KEY: 'a-secret-key',
      OH_SERVER_LEASE_SECONDS: '1',
      OH_WORKSPACES_SHARED: 'true',
    };
    const start = (runs: string): Promise<ServerProcess> =>
      ServerProcess.start({ cwd: folder, env: { ...env, OH_MAX_CONCURRENT_RUNS: runs } });
    const first = await start('1');
    const second = await start('1');
    try {
      const script = 'RUN: until [ -e go ]; do sleep 0.02; done\nFINISH: ok';
      const wanted = scriptedRequest(path.join(folder, 'work'), script);
      const active = await ConversationClient.create(first, wanted);
      await active.startsTool();
      const { body } = await first.request('POST', '/api/conversations?on_limit=wait', wanted);
      const waiting = new ConversationClient(second, (body as { id: string }).id);
      const listed = (await second.request('GET', '/api/run_queue')).body;
      expect(listed).toMatchObject({ items: [{ conversation_id: waiting.id, place: null }], total: 1 });
      await first.end('SIGKILL');
      await writeFile(path.join(folder, 'work', 'go'), '');
      await waiting.reaches('finished');
      expect((await second.request('GET', '/api/run_queue')).body).toEqual({ items: [], total: 0 });
    } finally {
      await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')]);
      await database.drop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
  });
});
