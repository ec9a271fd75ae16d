import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenConversation,
  userMessage,
} from '../support/conversation-client.js';
import { isAlive } from '../support/is-alive.js';
import { clusterEnvironment, startMember } from '../support/cluster/server-cluster.js';
import { ServerPool } from '../support/cluster/server-pool.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { WITHOUT_SANDBOX } from '../support/sandbox.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Seconds after which other servers take over. */
const LEASE = 4;
/** `npm run test:faults` takes the long form. */
const LONG = process.env['FAULT_ROUNDS'] !== undefined;
/** What a take-over may take in all (ms): the lease, and what a busy machine needs on top. */
const TAKEOVER_MS = (LEASE + (LONG ? 4 : 26)) * 1000;
const CREATIONS = LONG ? 10 : 3;

/** Waits for a file `go` in a shell that writes its process id into a file. */
const WAITING_COMMAND = 'RUN: echo $$ > $$.pid; until [ -e go ]; do sleep 0.2; done';
const WAITING = `${WAITING_COMMAND}\nFINISH: ok`;
/** A run that is resumed goes on behind the command that was interrupted: it waits in the next one. */
const WAITING_TWICE = `${WAITING_COMMAND}\n${WAITING}`;

describeWithDatabase('conversations of several servers on PostgreSQL', () => {
  let folder: string;
  let workspace: string;
  let database: TestDatabase;
  let conversationsFolder: string;
  const pools: ServerPool[] = [];
  const environment = (more: Record<string, string>): Record<string, string> => ({
    OH_SERVER_LEASE_SECONDS: String(LEASE),
    OH_WORKSPACES_SHARED: 'true',
    OH_CONVERSATIONS_PATH: conversationsFolder,
    OH_SECRET_KEY: 'the key of the cluster',
    ...WITHOUT_SANDBOX,
    ...more,
  });

  /** A database of the tests that are declared next, which its servers take conversations over in. */
  const withDatabase = (): void => {
    beforeAll(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'cluster-'));
      conversationsFolder = path.join(folder, 'conversations');
      database = await TestDatabase.create();
    });
    beforeEach(async () => {
      workspace = await mkdtemp(path.join(folder, 'work-'));
    });
    afterEach(async () => {
      // A shell of a server that was killed would wait for ever.
      for (const pid of (await commands()).filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    afterAll(async () => {
      await Promise.all(pools.splice(0).map((pool) => pool.stop()));
      await database.drop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    });
  };
  /** Servers of that database, which end before it. */
  const poolOf = (launch: (cwd: string) => Promise<ServerProcess>): ServerPool => {
    const pool = new ServerPool(folder, launch);
    pools.push(pool);
    return pool;
  };
  const start = (cwd: string, env: Record<string, string> = {}, url = database.url): Promise<ServerProcess> =>
    ServerProcess.start({ cwd, env: environment({ OH_DATABASE_URL: url, ...env }) });
  /** A server to which the others pass requests on, and which resumes what it takes over. */
  const startReachable = async (cwd: string, runs: number): Promise<ServerProcess> => {
    const env = environment({
      ...clusterEnvironment(database.url),
      OH_RESUME_ON_START: 'true',
      OH_MAX_CONCURRENT_RUNS: String(runs),
    });
    return ServerProcess.over(await startMember(cwd, { env }), cwd);
  };
  /** Conversations in the middle of a command. */
  const running = async (
    server: ServerProcess,
    count: number,
    script = WAITING,
  ): Promise<ConversationClient[]> => {
    const made: ConversationClient[] = [];
    for (let index = 0; index < count; index += 1)
      made.push(await ConversationClient.create(server, scriptedRequest(workspace, script)));
    for (const one of made) await one.startsTool();
    return made;
  };
  /** How many of them have a status, as a server says. */
  const countOf = async (
    server: ServerProcess,
    conversations: readonly ConversationClient[],
    status: string,
  ): Promise<number> => {
    const query = conversations.map(({ id }) => `ids=${id}`).join('&');
    const { body } = await server.request('GET', `/api/conversations?${query}`);
    return (body as (SeenConversation | null)[]).filter((one) => one?.execution_status === status).length;
  };
  /** The events of a conversation as they are stored. */
  const stored = async ({ id }: ConversationClient): Promise<Record<string, unknown>[]> =>
    (await database.query('SELECT line FROM event WHERE conversation = $1 ORDER BY seq', [id])).map(
      ({ line }) => JSON.parse(String(line)) as Record<string, unknown>,
    );
  const interruptions = async (one: ConversationClient): Promise<string[]> =>
    (await stored(one))
      .filter(({ kind }) => kind === 'ConversationErrorEvent')
      .map(({ detail }) => String(detail));

  /** The process ids of the commands that run. */
  const commands = async (): Promise<number[]> => {
    const names = await readdir(workspace);
    return names.flatMap((name) => (name.endsWith('.pid') ? Number(name.slice(0, -4)) : []));
  };
  /** What a server that lost its conversations has to end, while another one records the interruption. */
  const isTakenOver = async (
    conversations: readonly ConversationClient[],
    by: ServerProcess,
  ): Promise<void> => {
    await eventually(
      async () => (await countOf(by, conversations, 'paused')) === conversations.length,
      'the take-over',
    );
    for (const one of conversations)
      expect(await interruptions(one)).toEqual([expect.stringContaining('It is paused')]);
  };

  describe('that keep their leases', () => {
    withDatabase();
    let servers: ServerPool;
    // A machine that is busy with other tests must not let them lose one.
    beforeAll(() => void (servers = poolOf((cwd) => start(cwd, { OH_SERVER_LEASE_SECONDS: '60' }))));

    it('go on with every client while all servers are replaced one by one', async () => {
      const old = await servers.take(3);
      const conversations = (await Promise.all(old.map((server) => running(server, 2)))).flat();
      const sockets = await Promise.all(conversations.map((one) => one.listen()));
      const fresh: ServerProcess[] = [];
      for (const server of old) {
        fresh.push(await servers.add());
        await servers.end(server, 'SIGTERM');
      }
      // Each socket was told to connect again, and each run was ended in its log.
      expect(sockets.map(({ closeCode }) => closeCode)).toEqual(sockets.map(() => 1012));
      await writeFile(path.join(workspace, 'go'), '');
      for (const [index, one] of conversations.entries()) {
        const server = fresh[index % fresh.length] ?? one.server;
        const events = await stored(one);
        expect(events.some(({ kind }) => kind === 'InterruptEvent' || kind === 'PauseEvent')).toBe(true);
        expect((await server.request('POST', `${one.route}/run`)).status).toBe(200);
        await one.on(server).reaches('finished');
        const seqs = await database.query('SELECT seq FROM event WHERE conversation = $1 ORDER BY seq', [
          one.id,
        ]);
        expect(seqs.map(({ seq }) => Number(seq))).toEqual(seqs.map((_, at) => at));
      }
    });

    it('are free at once when their server is shut down', async () => {
      const [first, second] = await servers.take(2);
      const conversations = await running(first, 4);
      const idle: ConversationClient[] = [];
      for (let index = 0; index < 20; index += 1)
        idle.push(await ConversationClient.create(first, scriptedRequest(workspace)));
      const ids = [...conversations, ...idle].map(({ id }) => id);
      const owned = (): Promise<unknown[]> =>
        database.query('SELECT FROM conversation WHERE owner IS NOT NULL AND id = ANY($1)', [ids]);
      expect(await owned()).toHaveLength(ids.length);
      await servers.end(first, 'SIGTERM');
      expect(await owned()).toEqual([]);
      expect(await countOf(second, conversations, 'paused')).toBe(4);
      await writeFile(path.join(workspace, 'go'), '');
      for (const one of conversations) {
        expect((await stored(one)).some(({ kind }) => kind === 'InterruptEvent')).toBe(true);
        expect((await second.request('POST', `${one.route}/run`)).status).toBe(200);
        await one.on(second).reaches('finished');
      }
    });
  });

  describe('of which one loses its lease', () => {
    withDatabase();
    let servers: ServerPool;
    beforeAll(() => void (servers = poolOf(start)));

    it('are recorded as interrupted and paused by the others, each once, when a server is killed', async () => {
      const [first, second, third] = await servers.take(3);
      const conversations = await running(first, 6);
      const killedAt = performance.now();
      await servers.end(first, 'SIGKILL');
      await eventually(async () => (await countOf(second, conversations, 'paused')) === 6, 'the take-over');
      const took = performance.now() - killedAt;
      expect(took).toBeLessThan(TAKEOVER_MS);
      expect(await countOf(third, conversations, 'running')).toBe(0);
      for (const one of conversations) {
        expect((await stored(one)).slice(-3).map((event) => brief(event as never))).toEqual([
          'AgentErrorEvent',
          'ConversationErrorEvent',
          'execution_status=paused',
        ]);
        expect(await interruptions(one)).toEqual([expect.stringContaining('It is paused')]);
      }
      // They are closed again: any server can run them.
      await writeFile(path.join(workspace, 'go'), '');
      const [one] = conversations;
      expect((await third.request('POST', `${one?.route ?? ''}/run`)).status).toBe(200);
      await one?.on(third).reaches('finished');
    });

    it('are taken from a frozen server, which stops its runs and writes nothing when it wakes', async () => {
      const [first, second] = await servers.take(2);
      const conversations = await running(first, 3);
      const pids = await commands();
      process.kill(first.pid, 'SIGSTOP');
      await isTakenOver(conversations, second);
      const before = await Promise.all(conversations.map(stored));
      process.kill(first.pid, 'SIGCONT');
      await eventually(() => !pids.some(isAlive), 'the end of its commands');
      await first.logs(/the lease was lost to another server/);
      expect(await Promise.all(conversations.map(stored))).toEqual(before);
      // It serves again, and takes them when they are asked for.
      await writeFile(path.join(workspace, 'go'), '');
      for (const one of conversations) {
        expect((await first.request('POST', `${one.route}/run`)).status).toBe(200);
        await one.reaches('finished');
      }
    });
  });

  describe('of which one can lose the database', () => {
    withDatabase();
    let servers: ServerPool;
    let cuttable: ServerPool;
    let proxy: TcpProxy;
    beforeAll(async () => {
      proxy = await TcpProxy.start(database.url);
      servers = poolOf(start);
      cuttable = poolOf((cwd) => start(cwd, {}, proxy.url));
    });
    afterEach(() => proxy.behave());
    afterAll(() => proxy.stop());

    it('are read by a frozen server, as soon as it wakes, with what others have written meanwhile', async () => {
      const [[first], [second]] = [await cuttable.take(1), await servers.take(1)];
      const one = await ConversationClient.create(first, scriptedRequest(workspace));
      process.kill(first.pid, 'SIGSTOP');
      const message = userMessage('SAY: meanwhile', false);
      await eventually(
        async () => (await second.request('POST', `${one.route}/events`, message)).status === 200,
        'the take-over',
      );
      const written = (await stored(one)).length;
      // What it finds out about its lease comes later than the request.
      proxy.behave({ delayMs: 40 });
      const read = () => first.request('GET', `${one.route}/events/search`);
      const asked = read();
      process.kill(first.pid, 'SIGCONT');
      let answer = await asked;
      // Until it has closed what it has lost it may ask to retry.
      if (answer.status === 503) await eventually(async () => (answer = await read()).status === 200);
      expect(answer).toMatchObject({ status: 200, body: { items: { length: written } } });
    });

    it.each(['freeze', 'drop'])('are stopped by a server that the network cuts off (%s)', async (kind) => {
      const [[first], [second]] = [await cuttable.take(1), await servers.take(1)];
      const conversations = await running(first, 3);
      const socket = await conversations[0]?.listen();
      const pids = await commands();
      const cutAt = performance.now();
      proxy.behave({ [kind]: true });
      await eventually(() => !pids.some(isAlive), 'the end of its commands');
      expect(performance.now() - cutAt).toBeLessThan(TAKEOVER_MS);
      await isTakenOver(conversations, second);
      expect(performance.now() - cutAt).toBeLessThan(TAKEOVER_MS);
      await eventually(() => socket?.closeCode !== undefined, 'the end of the socket');
      // It refuses to write, and load balancers leave it out.
      const { status } = await first.request(
        'POST',
        `${conversations[0]?.route ?? ''}/events`,
        userMessage('SAY: cut off', false),
      );
      expect([502, 503, 504]).toContain(status);
      await eventually(async () => (await first.request('GET', '/ready')).status === 503, 'the outage');
      const before = await Promise.all(conversations.map(stored));
      proxy.behave();
      await eventually(
        async () => (await first.request('GET', conversations[0]?.route ?? '')).status === 200,
      );
      expect(await Promise.all(conversations.map(stored))).toEqual(before);
      await writeFile(path.join(workspace, 'go'), '');
      expect((await first.request('POST', `${conversations[0]?.route ?? ''}/run`)).status).toBe(200);
      await conversations[0]?.reaches('finished');
    });
  });

  describe('of which each runs two, and one runs ten', () => {
    withDatabase();
    let servers: ServerPool;
    let large: ServerPool;
    beforeAll(() => {
      const launch = (runs: number) => (cwd: string) => startReachable(cwd, runs);
      servers = poolOf(launch(2));
      large = poolOf(launch(10));
    });

    it('are resumed by servers with free slots only, each by one', async () => {
      const [first] = await large.take(1);
      const [second, third] = await servers.take(2);
      const conversations = await running(first, 6, WAITING_TWICE);
      await large.end(first, 'SIGKILL');
      const owners = async (): Promise<unknown[]> =>
        database.query(
          `SELECT owner FROM conversation WHERE id = ANY($1)
           AND owner IN (SELECT id FROM server WHERE lease_until > now())`,
          [conversations.map(({ id }) => id)],
        );
      await eventually(async () => (await owners()).length === 4, 'the take-over');
      // Nobody takes what it could not run.
      await eventually(
        async () => (await countOf(second, conversations, 'running')) === 6,
        'all run or wait',
      );
      expect(await owners()).toHaveLength(4);
      await writeFile(path.join(workspace, 'go'), '');
      await eventually(async () => (await countOf(third, conversations, 'finished')) === 6, 'the end of all');
      for (const one of conversations)
        expect(await interruptions(one)).toEqual([expect.stringContaining('It is resumed')]);
    });

    it('are created once when all servers are asked for the same id, and get what all are sent', async () => {
      const all = [...(await large.take(1)), ...(await servers.take(2))];
      for (let round = 0; round < CREATIONS; round += 1) {
        const conversation_id = randomUUID();
        const request = { ...scriptedRequest(workspace), conversation_id };
        const answers = await Promise.all(
          all.map((server) => server.request('POST', '/api/conversations', request)),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
        for (const { body } of answers) expect(body).toMatchObject({ id: conversation_id });
        const said = await Promise.all(
          all.map((server, index) =>
            server.request(
              'POST',
              `/api/conversations/${conversation_id}/events`,
              userMessage(`SAY: ${index}`, false),
            ),
          ),
        );
        expect(said.map(({ status }) => status)).toEqual([200, 200, 200]);
        const one = all[0] && new ConversationClient(all[0], conversation_id);
        const messages = one ? await stored(one) : [];
        expect(
          messages.filter(({ kind, source }) => kind === 'MessageEvent' && source === 'user').length,
        ).toBe(3);
      }
    });
  });
});
