import path from 'node:path';
import {
  scriptedRequest,
  SocketRecorder,
  userMessage,
  type SeenEvent,
} from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { usageOf } from '../support/usage-fixture.js';

const KEY = 'the-key-of-the-administrator';

describe('limits of keys', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({ key: KEY, env: { SESSION_API_KEY: KEY, LOG_LEVEL: 'info' } });
  });
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
  });

  let keys = 0;
  /** A new key with limits, as headers. */
  const keyWith = async (limits: Record<string, number>, more: Record<string, string> = {}) => {
    const name = `limited-${(keys += 1)}`;
    const { status, body } = await server.request('POST', '/api/keys', {
      name,
      scope: 'write',
      limits,
      ...more,
    });
    expect(status).toBe(201);
    const { id, key } = body as { id: string; key: string };
    return { id, key, headers: { 'x-session-api-key': key } };
  };
  const create = (headers: Record<string, string>, script?: string, more: Record<string, unknown> = {}) =>
    server.request(
      'POST',
      '/api/conversations',
      scriptedRequest(path.join(server.cwd, 'work'), script, more),
      headers,
    );
  const status = async (id: string) => statusOf(await server.request('GET', `/api/conversations/${id}`));

  it('refuses requests beyond those of a minute, with a reason and a time', async () => {
    const { headers } = await keyWith({ requests_per_minute: 3 });
    const count = () => server.request('GET', '/api/conversations/count', undefined, headers);
    for (let request = 0; request < 3; request += 1) expect((await count()).status).toBe(200);
    const refused = await count();
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      detail: expect.stringMatching(
        /3 requests a minute \(requests_per_minute\)\. Try again in \d+ second/,
      ) as string,
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    const metrics = (await server.request('GET', '/metrics')).body as string;
    expect(metrics).toMatch(/key_limit_refusals_total\{limit="requests_per_minute"\} [1-9]/);
    // The administrator and other keys are not affected.
    expect((await server.request('GET', '/api/conversations/count')).status).toBe(200);
  });

  it('refuses sockets beyond those of a key, and messages beyond its requests', async () => {
    const { headers, key } = await keyWith({ sockets: 1, requests_per_minute: 6 });
    const id = idOf(await create(headers));
    const route = server.socketUrl(`/sockets/events/${id}`);
    const first = new SocketRecorder(route, headers);
    await first.opened();
    await first.sees(({ key: name }) => name === 'full_state', 'the state');
    const second = new SocketRecorder(route, headers);
    const refused = await new Promise<number | undefined>((resolve) => {
      second.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      second.socket.on('error', () => undefined);
    });
    expect(refused).toBe(429);
    // With the key in the first frame it is closed after that.
    const third = new SocketRecorder(route);
    await third.opened();
    third.socket.send(JSON.stringify({ type: 'auth', session_api_key: key }));
    await eventually(() => third.closeCode !== undefined, 'the end of the socket');
    expect(third.closeCode).toBe(1013);
    for (let message = 0; message < 8; message += 1)
      first.socket.send(JSON.stringify(userMessage(`SAY: ${message}`)));
    await first.sees(({ code }) => code === 'KeyLimitReached', 'the refusal');
    await first.close();
    // The place is free again, and all requests of the minute are used.
    const fourth = new SocketRecorder(route);
    await fourth.opened();
    fourth.socket.send(JSON.stringify({ type: 'auth', session_api_key: key }));
    await fourth.sees(({ key: name }) => name === 'full_state', 'the state');
    await fourth.close();
  });

  it('refuses runs beyond those of a key, and keeps the message', async () => {
    const { headers } = await keyWith({ concurrent_runs: 1 });
    const busy = idOf(await create(headers, 'RUN: sleep 100'));
    await eventually(async () => (await status(busy)) === 'running', 'the run');
    const refused = await create(headers, 'SAY: x');
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ detail: expect.stringContaining('(concurrent_runs)') as string });
    const other = idOf(await create(headers));
    const kept = await server.request(
      'POST',
      `/api/conversations/${other}/events`,
      userMessage('SAY: y', true),
      headers,
    );
    expect(kept.status).toBe(429);
    expect(kept.body).toMatchObject({
      detail: expect.stringMatching(/^Message saved.*concurrent_runs/) as string,
    });
    // Others run.
    expect((await create({}, 'SAY: x')).status).toBe(201);
    await server.request('POST', `/api/conversations/${busy}/interrupt`);
    await eventually(async () => (await create(headers, 'SAY: z')).status === 201, 'a free place');
  });

  it('refuses conversations beyond those of a day', async () => {
    const { headers } = await keyWith({ conversations_per_day: 2 });
    // One that is not created does not count.
    expect((await create(headers, undefined, { agent: { llm: { model: 'no-such/model' } } })).status).toBe(
      422,
    );
    const created = await Promise.all([1, 2, 3, 4].map(() => create(headers)));
    expect(created.map((answer) => answer.status).sort()).toEqual([201, 201, 429, 429]);
    const refused = created.find((answer) => answer.status === 429);
    expect(refused?.body).toMatchObject({
      detail: expect.stringContaining('(conversations_per_day)') as string,
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(1);
  });

  it('ends runs of a key that has spent what it may a day, also after a restart', async () => {
    const { headers, id: keyId } = await keyWith({ usd_per_day: 1.5 });
    // A call costs about a dollar: the endpoint reports 1,000 prompt tokens.
    const llm = endpointLlm(endpoint, {
      input_cost_per_token: 0.001,
      output_cost_per_token: 0,
      num_retries: 0,
    });
    const think = { tools: [['think', { thought: 'hm' }]] as [string, Record<string, unknown>][] };
    endpoint.script([think, think, { say: 'done' }]);
    const id = idOf(await create(headers, 'go', { agent: { llm, tools: [] } }));
    await eventually(async () => (await status(id)) === 'error', 'the end of the run');
    const events = (await server.request('GET', `/api/conversations/${id}/events/search?limit=100`)).body as {
      items: SeenEvent[];
    };
    expect(events.items.at(-1)).toMatchObject({
      code: 'MaxBudgetReached',
      detail: expect.stringContaining('(usd_per_day)') as string,
    });
    expect((await usageOf(server, `key=${keyId}`)).total.cost).toBeGreaterThan(1.9);
    server = await server.restart();
    endpoint.script([{ say: 'more' }]);
    const before = endpoint.requests.length;
    const next = idOf(await create(headers, 'go', { agent: { llm, tools: [] } }));
    await eventually(async () => (await status(next)) === 'error', 'the end of the next run');
    expect(endpoint.requests).toHaveLength(before);
    // The administrator's conversations go on.
    const free = idOf(await create({}, 'go', { agent: { llm, tools: [] } }));
    await eventually(async () => (await status(free)) === 'finished', 'the run of the administrator');
  });
});

describe('limits of a configuration', () => {
  const LIMIT = 5;
  let server: ServerProcess;
  beforeAll(async () => {
    const env = {
      ...{ SESSION_API_KEY: KEY, OH_TRUST_FORWARDED_HEADERS: 'true', OH_OWN_KEYS_SANDBOX: 'off' },
      OH_MAX_FAILED_KEYS_PER_MINUTE: String(LIMIT),
      OH_KEY_LIMITS_REQUESTS_PER_MINUTE: '3',
      OH_BUDGETS_USD_PER_DAY: '1',
    };
    server = await ServerProcess.start({ key: KEY, env });
  });
  afterAll(() => server.stop());

  const makeKey = async (fields: object) =>
    ((await server.request('POST', '/api/keys', fields)).body as { key: string }).key;

  it('holds default limits for named keys without limits of their own, and not for the session key', async () => {
    const usual = await makeKey({ name: 'usual', scope: 'read' });
    const larger = await makeKey({ name: 'larger', scope: 'read', limits: { requests_per_minute: 100 } });
    const statuses = async (key: string) => {
      const headers = { 'x-session-api-key': key };
      const all = [];
      for (let request = 0; request < 4; request += 1)
        all.push((await server.request('GET', '/api/conversations/count', undefined, headers)).status);
      return all;
    };
    expect(await statuses(usual)).toEqual([200, 200, 200, 429]);
    expect(await statuses(larger)).toEqual([200, 200, 200, 200]);
    expect(await statuses(KEY)).toEqual([200, 200, 200, 200]);
  });

  it('ends runs by the budget of all without telling a key of reach "own" what others cost', async () => {
    const endpoint = await startScriptedEndpoint();
    // A call costs about a dollar: the endpoint reports 1,000 prompt tokens.
    const prices = { input_cost_per_token: 0.001, output_cost_per_token: 0 };
    const agent = { llm: endpointLlm(endpoint, prices), tools: [] };
    const run = async (key: string, folder: string, end: string) => {
      const headers = { 'x-session-api-key': key };
      const request = scriptedRequest(folder, 'go', { agent });
      const created = await server.request('POST', '/api/conversations', request, headers);
      const route = `/api/conversations/${idOf(created)}`;
      await eventually(async () => statusOf(await server.request('GET', route)) === end, `the end: ${end}`);
      return JSON.stringify(
        (await server.request('GET', `${route}/events/search?limit=100`, undefined, headers)).body,
      );
    };
    endpoint.script([{ say: 'That was the budget.' }]);
    await run(KEY, path.join(server.cwd, 'work'), 'finished');
    const own = await run(await makeKey({ name: 'own', scope: 'write', reach: 'own' }), 'mine', 'error');
    expect(own).toContain('The budget of this server for today is spent. The next day begins');
    expect(own).not.toContain('All conversations together');
    const all = await run(
      await makeKey({ name: 'all', scope: 'write' }),
      path.join(server.cwd, 'work'),
      'error',
    );
    expect(all).toContain('All conversations together have cost $');
    await endpoint.close();
  });

  /** A named key that does not exist. */
  const WRONG = `ohk_${'0'.repeat(16)}_${'A'.repeat(43)}`;
  /** A request from an address of a network (/64). */
  const ask = (route: string, key: string, network: number, host: number) =>
    server.request('GET', route, undefined, {
      authorization: `Bearer ${key}`,
      'x-session-api-key': key,
      'x-forwarded-for': `2001:db8:0:${network}::${host}`,
    });

  it.each([
    ['/v1/models', 1],
    ['/metrics', 2],
    ['/api/keys', 3],
  ])('slows wrong keys down on %s for all addresses of a network together', async (route, network) => {
    for (let host = 1; host <= LIMIT; host += 1)
      expect((await ask(route, WRONG, network, host)).status).toBe(401);
    const slowed = await ask(route, WRONG, network, 99);
    expect(slowed.status).toBe(429);
    expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0);
    // A right key would reveal itself; from elsewhere it is accepted.
    expect((await ask(route, KEY, network, 100)).status).toBe(429);
    expect((await ask('/metrics', KEY, network + 100, 1)).status).toBe(200);
  });

  it('slows wrong keys down on sockets', async () => {
    const open = async (host: number, key: string): Promise<number | undefined> => {
      const headers = { 'x-session-api-key': key, 'x-forwarded-for': `2001:db8:0:9::${host}` };
      const { socket } = new SocketRecorder(server.socketUrl('/sockets/conversations'), headers);
      return new Promise((resolve) => {
        socket.on('error', () => undefined);
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('open', () => {
          socket.close();
          resolve(101);
        });
      });
    };
    for (let host = 1; host <= LIMIT; host += 1) expect(await open(host, WRONG)).toBe(403);
    expect(await open(98, WRONG)).toBe(429);
    expect(await open(99, KEY)).toBe(429);
  });
});

function idOf({ body }: { body: unknown }): string {
  return (body as { id: string }).id;
}

function statusOf({ body }: { body: unknown }): string {
  return (body as { execution_status: string }).execution_status;
}
