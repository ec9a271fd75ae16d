import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { acpRequest, answerOf, steps } from '../support/acp.js';
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

/** A folder with a server whose runs wait, and with conversations whose commands end with `release`. */
class QueueFixture {
  server!: ServerProcess;

  private constructor(readonly folder: string) {}

  static async start(env: Record<string, string>): Promise<QueueFixture> {
    const fixture = new QueueFixture(await mkdtemp(path.join(os.tmpdir(), 'agent-server-')));
    await fixture.restart(env);
    return fixture;
  }

  /** Starts the server anew, after the end of the one before. */
  async restart(env: Record<string, string>): Promise<void> {
    this.server = await ServerProcess.start({
      cwd: this.folder,
      key: ADMIN,
      env: {
        OH_SESSION_API_KEYS_0: ADMIN,
        OH_MAX_CONCURRENT_RUNS: '1',
        OH_SECRET_KEY: 'a-secret-key',
        ...env,
      },
    });
  }

  async stop(): Promise<void> {
    await this.server.end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  get work(): string {
    return path.join(this.folder, 'work');
  }

  script(name: string): string {
    return SCRIPT.replaceAll('$NAME', name);
  }

  async create(name: string, query = '?on_limit=wait', key = ADMIN): Promise<ConversationClient> {
    const folder = key === ADMIN ? this.work : '.';
    const request = scriptedRequest(folder, this.script(name));
    const route = `/api/conversations${query}`;
    const { status, body } = await this.server.request('POST', route, request, shown(key));
    if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(body)}`);
    return new ConversationClient(this.server, (body as { id: string }).id);
  }

  /** Ends the command of a conversation, also one that has not begun. */
  async release(...names: string[]): Promise<void> {
    for (const name of names) await writeFile(path.join(this.work, `go-${name}`), '');
  }

  async order(): Promise<string[]> {
    return (await readFile(path.join(this.work, 'order'), 'utf8').catch(() => '')).trim().split('\n');
  }

  starts(name: string): Promise<void> {
    return eventually(async () => (await this.order()).includes(name), `the command of ${name}`);
  }

  /** Takes the only slot, until `release`. */
  async occupy(name: string): Promise<ConversationClient> {
    const one = await this.create(name);
    await this.starts(name);
    return one;
  }

  async queue(headers = {}): Promise<Place[]> {
    const { body } = await this.server.request('GET', '/api/run_queue', undefined, headers);
    return (body as { items: Place[] }).items;
  }

  /** Ends what a test has left. */
  async drain(): Promise<void> {
    for (const { conversation_id: id } of await this.queue())
      await this.server.request('DELETE', `/api/conversations/${id}/queued_run`);
    const running = await this.server.request('GET', '/api/conversations/search?status=running');
    for (const { id } of (running.body as { items: { id: string }[] }).items)
      await this.server.request('POST', `/api/conversations/${id}/interrupt`);
    await rm(this.work, { recursive: true, force: true });
    await mkdir(this.work);
  }
}

describe('runs that wait for a free slot', () => {
  let fixture: QueueFixture;
  let server: ServerProcess;
  const MAX_QUEUED = 4;

  beforeAll(async () => {
    fixture = await QueueFixture.start({ OH_MAX_QUEUED_RUNS: String(MAX_QUEUED) });
    ({ server } = fixture);
  });
  afterEach(() => fixture.drain());
  afterAll(() => fixture.stop());

  it('start in the order of their priority and age, and tell their places', async () => {
    await fixture.occupy('first');
    const low = await fixture.create('low');
    const lower = await fixture.create('lower');
    const high = await fixture.create('high', '?on_limit=wait&priority=5');
    expect(
      (await fixture.queue()).map((run) => [run.conversation_id, run.place, run.priority, run.waits_for]),
    ).toEqual([
      [high.id, 1, 5, 'server'],
      [low.id, 2, 0, 'server'],
      [lower.id, 3, 0, 'server'],
    ]);
    expect(await low.status()).toBe('idle');
    const { body } = await server.request('GET', `${lower.route}/queued_run`);
    expect(body).toMatchObject({ place: 3 });
    const info = (await server.request('GET', '/server_info')).body as { runs: { next: Place[] } };
    expect(info.runs).toMatchObject({ running: 1, limit: 1, queued: 3, max_queued: MAX_QUEUED });
    expect(info.runs.next.map(({ place, priority }) => [place, priority])).toEqual([
      [1, 5],
      [2, 0],
      [3, 0],
    ]);
    expect(JSON.stringify(info.runs)).not.toContain(low.id);
    for (const name of ['first', 'high', 'low', 'lower']) {
      await fixture.starts(name);
      await fixture.release(name);
    }
    await lower.reaches('finished');
    expect(await fixture.order()).toEqual(['first', 'high', 'low', 'lower']);
    expect(await fixture.queue()).toEqual([]);
  });

  it('are those of messages, of POST run, of approvals and of children, too', async () => {
    const asked = await ConversationClient.create(
      server,
      scriptedRequest(fixture.work, fixture.script('approved'), {
        confirmation_policy: { kind: 'AlwaysConfirm' },
      }),
    );
    await asked.reaches('waiting_for_confirmation');
    const silent = await ConversationClient.create(server, scriptedRequest(fixture.work));
    await fixture.occupy('first');
    const refused = await silent.post('events', userMessage(fixture.script('second'), true));
    expect(refused.status).toBe(429);
    const approval = await asked.post('events/respond_to_confirmation?on_limit=wait', { accept: true });
    expect(approval).toMatchObject({ status: 200, body: { success: true, queued_run: { place: 1 } } });
    const run = await silent.post('run?on_limit=wait&priority=1');
    expect(run).toMatchObject({ status: 200, body: { queued_run: { place: 1, priority: 1 } } });
    // A conversation waits once.
    const again = await silent.post('events?on_limit=wait', userMessage(fixture.script('third'), true));
    expect(again).toMatchObject({ status: 200, body: { queued_run: { place: 1, priority: 1 } } });
    expect((await silent.post('events', userMessage('Be quick.', true))).body).toMatchObject({
      queued_run: { place: 1 },
    });
    const child = await silent.post('children?on_limit=wait', {
      task: fixture.script('child'),
      isolation: 'shared',
    });
    expect(child).toMatchObject({ status: 201, body: { status: 'idle' } });
    expect(await fixture.queue()).toHaveLength(3);
    await fixture.release('second', 'third', 'approved', 'child', 'first');
    await asked.reaches('finished');
    expect(await silent.reaches('finished')).toBe('finished');
    await fixture.starts('child');
  });

  it('are cancelled by DELETE, a pause and the deletion of their conversation', async () => {
    await fixture.occupy('first');
    const cancelled = await fixture.create('a');
    const paused = await fixture.create('b');
    const deleted = await fixture.create('c');
    const { frames, socket } = await cancelled.listen(
      `/sockets/events/${cancelled.id}?session_api_key=${ADMIN}`,
    );
    await eventually(() => frames.length > 0, 'the first state');
    const before = frames.length;
    expect((await server.request('DELETE', `${cancelled.route}/queued_run`)).status).toBe(200);
    await eventually(() => frames.length > before, 'what followers hear of it');
    socket.terminate();
    expect((await server.request('DELETE', `${cancelled.route}/queued_run`)).status).toBe(404);
    expect(await cancelled.status()).toBe('idle');
    await paused.post('pause');
    expect(await paused.status()).toBe('paused');
    await server.request('DELETE', deleted.route);
    expect(await fixture.queue()).toEqual([]);
    await fixture.release('first');
    const last = await fixture.create('last');
    await fixture.starts('last');
    expect(await fixture.order()).toEqual(['first', 'last']);
    await fixture.release('last');
    await last.reaches('finished');
  });

  it('hold up changes of the branch, and are not taken for runs that have begun', async () => {
    await fixture.occupy('first');
    const one = await fixture.create('a');
    expect((await one.post('navigate', { event_id: null })).status).toBe(409);
    // The line of this event has the words of one that begins a run.
    await server.request('PATCH', one.route, { tags: { key: 'execution_status', value: 'running' } });
    await fixture.release('first', 'a');
    await one.reaches('finished');
    expect(await fixture.order()).toEqual(['first', 'a']);
  });

  it('are goals, too, which are cancelled with them and can be resumed', async () => {
    await fixture.occupy('first');
    const one = await ConversationClient.create(server, scriptedRequest(fixture.work));
    const goal = { objective: fixture.script('goal'), max_iterations: 1 };
    expect((await one.post('goal', goal)).status).toBe(429);
    const started = await one.post('goal?on_limit=wait', goal);
    expect(started).toMatchObject({ status: 200, body: { queued_run: { place: 1 } } });
    const status = async (): Promise<unknown> => {
      const { value } = (await one.events('&kind=ConversationStateUpdateEvent')).findLast(
        ({ key }) => key === 'goal',
      ) ?? { value: undefined };
      return value;
    };
    expect(await status()).toMatchObject({ active: false, status: 'queued', iteration: 0 });
    expect((await one.post('goal?on_limit=wait', goal)).status).toBe(409);
    expect((await one.post('run?on_limit=wait')).status).toBe(409);
    expect((await server.request('DELETE', `${one.route}/queued_run`)).status).toBe(200);
    expect(await status()).toMatchObject({ active: false, status: 'interrupted' });
    expect((await one.post('goal/resume?on_limit=wait')).body).toMatchObject({ queued_run: { place: 1 } });
    expect(await status()).toMatchObject({ status: 'queued' });
    // A message takes the place of the goal.
    await one.post('events', userMessage('SAY: no', false));
    expect(await status()).toMatchObject({ status: 'interrupted' });
    expect(await fixture.queue()).toEqual([]);
    expect((await one.post('goal?on_limit=wait', goal)).status).toBe(200);
    await fixture.release('goal', 'first');
    await eventually(async () => ((await status()) as { status: string }).status === 'capped', 'the goal');
    expect(await fixture.order()).toEqual(['first', 'goal']);
  });

  it('are the decisions of a person for an ACP agent, too', async () => {
    const script = steps(['ask', { toolCallId: 'danger', title: 'Remove', kind: 'execute', rawInput: {} }]);
    const one = await ConversationClient.create(
      server,
      acpRequest(fixture.work, script, { confirmation_policy: { kind: 'AlwaysConfirm' } }),
    );
    await one.reaches('waiting_for_confirmation');
    await fixture.occupy('first');
    const respond = (query: string) =>
      one.post(`events/respond_to_confirmation${query}`, { accept: true, reason: '' });
    expect((await respond('')).status).toBe(429);
    expect((await respond('?on_limit=wait')).body).toMatchObject({ queued_run: { place: 1 } });
    expect(await one.status()).toBe('waiting_for_confirmation');
    await fixture.release('first');
    await one.reaches('finished');
    expect(await answerOf(one)).toBe('[selected yes]');
  });

  it('are those of /v1, too, and leave the queue with their client', async () => {
    await server.request('POST', '/api/profiles/main', { llm: { num_retries: 0, model: 'scripted/test' } });
    await fixture.occupy('first');
    const gone = new AbortController();
    const ask = (text: string, signal?: AbortSignal): Promise<Response> =>
      fetch(`${server.url}/v1/chat/completions?on_limit=wait`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'openhands_main', messages: [{ role: 'user', content: text }] }),
        signal: signal ?? null,
      });
    const abandoned = ask('FINISH: nobody', gone.signal).catch(() => undefined);
    await eventually(async () => (await fixture.queue()).length === 1, 'the first one');
    const answered = ask('FINISH: waited');
    await eventually(async () => (await fixture.queue()).length === 2, 'the second one');
    gone.abort();
    await abandoned;
    await eventually(async () => (await fixture.queue()).length === 1, 'the end of the first one');
    const cancelled = ask('FINISH: cancelled');
    await eventually(async () => (await fixture.queue()).length === 2, 'the third one');
    const third = (await fixture.queue())[1]?.conversation_id ?? '';
    await server.request('DELETE', `/api/conversations/${third}/queued_run`);
    expect((await cancelled).status).toBe(409);
    await fixture.release('first');
    expect(await (await answered).json()).toMatchObject({ choices: [{ message: { content: 'waited' } }] });
  });

  it('are refused beyond max_queued_runs, also when many come at once, and with values that make no sense', async () => {
    await fixture.occupy('first');
    const silent = await ConversationClient.create(server, scriptedRequest(fixture.work));
    const count = async () => Number((await server.request('GET', '/api/conversations/count')).body);
    const before = await count();
    const many = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => fixture.create(`m${index}`)),
    );
    expect(many.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_QUEUED);
    // Those that were refused have left nothing behind.
    expect(await count()).toBe(before + MAX_QUEUED);
    const request = scriptedRequest(fixture.work, fixture.script('b'));
    const full = await server.request('POST', '/api/conversations?on_limit=wait', request);
    expect(full).toMatchObject({
      status: 429,
      body: { detail: `${MAX_QUEUED} runs wait already. Retry the request later.` },
    });
    expect(await silent.post('events?on_limit=wait', userMessage('SAY: x', true))).toMatchObject({
      status: 429,
      body: { detail: expect.stringContaining('Message saved, but its run cannot wait') as unknown },
    });
    const refused = await server.request('POST', '/api/conversations?on_limit=refuse', request);
    expect(refused).toMatchObject({
      status: 429,
      body: { detail: expect.stringContaining('run limit') as unknown },
    });
    for (const query of [
      'on_limit=perhaps',
      'priority=101',
      'priority=-101',
      'priority=1.5',
      'priority=1e99',
    ])
      expect((await silent.post(`run?${query}`)).status).toBe(422);
    expect(await fixture.queue()).toHaveLength(MAX_QUEUED);
  });

  it('of one key leave places for others', async () => {
    await fixture.occupy('first');
    const { key } = await makeKey(server, { reach: 'own' });
    await fixture.create('a', '?on_limit=wait', key);
    await fixture.create('b', '?on_limit=wait', key);
    await expect(fixture.create('c', '?on_limit=wait', key)).rejects.toThrow(
      /429.*2 runs of this key wait already/,
    );
    await fixture.create('d');
    expect(await fixture.queue()).toHaveLength(3);
  });
});

describe('runs that wait for a server', () => {
  let fixture: QueueFixture;
  afterEach(() => fixture.stop());

  it('are still in their order after kill -9, and none runs twice or without its goal', async () => {
    fixture = await QueueFixture.start({});
    const first = await fixture.occupy('first');
    const made = [
      await fixture.create('a'),
      await fixture.create('b'),
      await fixture.create('urgent', '?on_limit=wait&priority=9'),
    ];
    const pursuing = await ConversationClient.create(fixture.server, scriptedRequest(fixture.work));
    await pursuing.post('goal?on_limit=wait', { objective: fixture.script('goal'), max_iterations: 1 });
    await fixture.server.end('SIGKILL');
    await fixture.release('a', 'b', 'urgent', 'goal');
    await fixture.restart({});
    for (const one of [...made, pursuing]) await one.on(fixture.server).reaches('finished');
    expect(await first.on(fixture.server).status()).toBe('paused');
    expect(await fixture.order()).toEqual(['first', 'urgent', 'a', 'b', 'goal']);
    await eventually(async () => (await fixture.queue()).length === 0, 'the empty queue');
    await eventually(async () => {
      const { goal } = (await pursuing.on(fixture.server).info()) as { goal?: { status: string } };
      return goal === undefined || goal.status === 'capped';
    }, 'the end of the goal');
    await fixture.server.end('SIGKILL');
    await fixture.restart({});
    for (const one of made) expect(await one.on(fixture.server).status()).toBe('finished');
  });

  it('are fair among keys, wait for the limit of their key, and are seen by their key only', async () => {
    fixture = await QueueFixture.start({ OH_MAX_CONCURRENT_RUNS: '2' });
    const { server } = fixture;
    const alice = await makeKey(server, { reach: 'own', limits: { concurrent_runs: 1 } });
    const bob = await makeKey(server, { reach: 'own' });
    const create = (key: string) => fixture.create('x', '?on_limit=wait', key);
    const ofAlice = [await create(alice.key), await create(alice.key), await create(alice.key)];
    const ofBob = [await create(bob.key), await create(bob.key)];
    const places = await fixture.queue();
    expect(places.map((run) => run.conversation_id)).toEqual([ofAlice[1]?.id, ofBob[1]?.id, ofAlice[2]?.id]);
    expect(places.map((run) => run.waits_for)).toEqual(['key', 'server', 'key']);
    expect((await fixture.queue(shown(alice.key))).map((run) => run.place)).toEqual([1, 3]);
    const foreign = `${ofBob[1]?.route ?? ''}/queued_run`;
    expect((await server.request('DELETE', foreign, undefined, shown(alice.key))).status).toBe(404);
    // The slot of Bob's first run goes to his second one: Alice has as many as she may have.
    await ofBob[0]?.post('interrupt');
    await eventually(async () => (await ofBob[1]?.status()) === 'running', "Bob's second run");
    expect((await fixture.queue()).map((run) => run.conversation_id)).toEqual([
      ofAlice[1]?.id,
      ofAlice[2]?.id,
    ]);
    await ofAlice[0]?.post('interrupt');
    await eventually(async () => (await ofAlice[1]?.status()) === 'running', "Alice's second run");
  });
});

describeWithDatabase('runs that wait on a server of a cluster', () => {
  it('start on another one after its end, also if that has their conversation already, or are cancelled there', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    const database = await TestDatabase.create();
    const start = (): Promise<ServerProcess> =>
      ServerProcess.start({
        cwd: folder,
        env: {
          OH_DATABASE_URL: database.url,
          OH_SECRET_KEY: 'a-secret-key',
          OH_SERVER_LEASE_SECONDS: '1',
          OH_WORKSPACES_SHARED: 'true',
          OH_MAX_CONCURRENT_RUNS: '1',
        },
      });
    const [first, second] = await Promise.all([start(), start()]);
    const work = path.join(folder, 'work');
    const create = async (server: ServerProcess, go: string, query = ''): Promise<ConversationClient> => {
      const wanted = scriptedRequest(work, `RUN: until [ -e ${go} ]; do sleep 0.02; done\nFINISH: ok`);
      const { body } = await server.request('POST', `/api/conversations${query}`, wanted);
      return new ConversationClient(server, (body as { id: string }).id);
    };
    try {
      const active = [await create(first, 'first'), await create(second, 'second')];
      for (const one of active) await one.startsTool();
      const [used, unused, cancelled] = [
        await create(first, 'go', '?on_limit=wait'),
        await create(first, 'go', '?on_limit=wait'),
        await create(first, 'go', '?on_limit=wait'),
      ].map((one) => one.on(second));
      const listed = (await second.request('GET', '/api/run_queue')).body;
      expect(listed).toMatchObject({ items: [{ place: null }, { place: null }, { place: null }], total: 3 });
      await first.end('SIGKILL');
      // The second server has these conversations before it has looked for runs that nobody has.
      for (const one of [used, cancelled])
        await eventually(
          async () => (await second.request('PATCH', one?.route ?? '', { title: 'opened' })).status === 200,
          'the conversation on the other server',
        );
      await eventually(
        async () => (await second.request('DELETE', `${cancelled?.route ?? ''}/queued_run`)).status === 200,
        'the run that waits',
      );
      await writeFile(path.join(work, 'go'), '');
      await writeFile(path.join(work, 'second'), '');
      await used?.reaches('finished');
      await unused?.reaches('finished');
      expect(await cancelled?.status()).toBe('idle');
      expect((await second.request('GET', '/api/run_queue')).body).toEqual({ items: [], total: 0 });
    } finally {
      await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')]);
      await database.drop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
  });
});
