import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WebSocket } from 'ws';
import { scriptedRequest, SocketRecorder, userMessage } from '../support/conversation-client.js';
import { type MadeKey, makeKey, shown } from '../support/named-keys.js';
import { type ChatEndpoint, endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ScriptedEngine } from '../support/scripted-engine.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { usageOf } from '../support/usage-fixture.js';

const KEY = 'key-of-the-outer-server';
const describeWithContainers = ScriptedEngine.canRun ? describe : describe.skip;

describeWithContainers('Conversations of named keys in containers', () => {
  let engine: ScriptedEngine;
  let endpoint: ChatEndpoint;
  let server: ServerProcess;
  let one: MadeKey;
  let two: MadeKey;
  let poor: MadeKey;
  let id = '';
  let poorId = '';
  beforeAll(async () => {
    engine = await ScriptedEngine.start();
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({
      key: KEY,
      env: {
        ...engine.env,
        SESSION_API_KEY: KEY,
        OH_OWN_KEYS_LLM_PROFILES_0: 'shared',
        OH_BUDGETS_USD_PER_MONTH: '2.5',
      },
    });
    [one, two] = [await makeOwn('one'), await makeOwn('two')];
  });
  afterAll(async () => {
    await server.stop();
    await engine.stop();
    await endpoint.close();
  });

  const ask = (key: string, method: string, route: string, body?: unknown) =>
    server.request(method, route, body, shown(key));
  const create = (key: string, script?: string, more: Record<string, unknown> = {}) => {
    const { workspace: _workspace, ...rest } = scriptedRequest('/workspace', script);
    return ask(key, 'POST', '/api/conversations', { ...rest, ...more });
  };
  const message = (conversation: string, key: string, text = 'FINISH: x') =>
    ask(key, 'POST', `/api/conversations/${conversation}/events`, userMessage(text, true));
  const idOf = ({ body }: { body: unknown }) => (body as { id: string }).id;
  const status = async (conversation: string) =>
    ((await ask(KEY, 'GET', `/api/conversations/${conversation}`)).body as { execution_status: string })
      .execution_status;

  /** The first conversation is one's, and does not exist for two. */
  const isSeparate = async () => {
    const route = `/api/conversations/${id}`;
    for (const [method, target] of [
      ['GET', route],
      ['GET', `${route}/events/search`],
      ['POST', `${route}/run`],
      ['GET', `${route}/runtime`],
      ['DELETE', route],
    ] as const)
      expect([target, (await ask(two.key, method, target)).status]).toEqual([target, 404]);
    const again = await create(two.key, undefined, { conversation_id: id });
    expect(again.status).toBe(409);
    expect((await ask(two.key, 'GET', '/api/conversations/count')).body).toBe(0);
    expect((await ask(one.key, 'GET', '/api/conversations/count')).body).toBe(1);
    expect((await ask(one.key, 'GET', route)).status).toBe(200);
  };

  it('belong to their key: others do not see them', async () => {
    const answer = await create(one.key, 'RUN: pwd; echo here > made\nFINISH: done', {
      workspace: { working_dir: 'project/part' },
    });
    expect(answer.status).toBe(201);
    id = idOf(answer);
    const route = `/api/conversations/${id}`;
    expect(answer.body).toMatchObject({ workspace: { working_dir: '/workspace/project/part' } });
    await eventually(async () => (await status(id)) === 'finished', 'the run');
    const folder = path.join(server.cwd, 'workspace', 'keys', one.id);
    expect(await readFile(path.join(folder, 'project/part/made'), 'utf8')).toBe('here\n');

    await isSeparate();
    const socket = server.socketUrl(`/sockets/events/${id}?resend_mode=all`);
    for (const headers of [shown(two.key), undefined]) {
      const foreign = new SocketRecorder(socket, headers);
      foreign.socket.on('error', () => undefined);
      foreign.socket.once('open', () =>
        foreign.socket.send(JSON.stringify({ type: 'auth', session_api_key: two.key })),
      );
      await eventually(() => foreign.socket.readyState === WebSocket.CLOSED, 'the end of the socket');
      expect(foreign.closeCode).toBe(4004);
    }
    const own = new SocketRecorder(socket, shown(one.key));
    await own.sees(({ kind }) => kind === 'ObservationEvent', 'an observation');
    await own.close();
    const share = await ask(one.key, 'POST', `${route}/shares`, {});
    expect(share.status).toBe(201);
  });

  it('get no more than the server allows such keys', async () => {
    const { key } = await makeOwn('bounded');
    const refusals: [number, RegExp, Record<string, unknown>][] = [
      [422, /inside the folder of this key/, { workspace: { working_dir: '/etc' } }],
      [422, /inside the folder of this key/, { workspace: { working_dir: '../other' } }],
      [403, /conversation_container_memory/, { container: { memory: '1t' } }],
      [403, /conversation_container_cpus/, { container: { cpus: 64 } }],
      [403, /Agent profiles/, { agent: null, agent_profile_id: randomUUID() }],
      [403, /looks up no secrets/, { secrets: { A: { kind: 'LookupSecret', url: 'http://127.0.0.1/' } } }],
      [403, /api_key/, { agent: { llm: { model: 'openai/x' } } }],
    ];
    for (const [expected, reason, more] of refusals) {
      const { status: found, body } = await create(key, undefined, more);
      expect([more, found, body]).toEqual([more, expected, expect.anything()]);
      expect(JSON.stringify(body)).toMatch(reason);
    }
    expect((await ask(key, 'GET', '/api/conversations/count')).body).toBe(0);
  });

  it('count with their runs for their key, and name the agent profile that they were started with', async () => {
    const stored = await ask(KEY, 'POST', '/api/profiles/plain', { llm: { model: 'scripted/plain' } });
    expect(stored.status).toBeLessThan(300);
    const profile = { llm_profile_ref: 'plain', public_skills: [], secret_refs: ['KNOWN'] };
    await ask(KEY, 'POST', '/api/agent-profiles/plain', profile);
    const { body } = await ask(KEY, 'GET', '/api/agent-profiles/plain');
    const { id: agent_profile_id } = (body as { profile: { id: string } }).profile;
    const busyKey = await makeKey(server, { limits: { concurrent_runs: 1 } });
    const busy = idOf(await create(busyKey.key, 'RUN: sleep 100'));
    const created = await create(busyKey.key, undefined, { agent: null, agent_profile_id });
    const idle = idOf(created);
    expect(created.body).toMatchObject({
      launched_agent_profile: { agent_profile_id, secret_refs: ['KNOWN'], llm_profile_ref: null },
    });
    const shownLater = await ask(KEY, 'GET', `/api/conversations/${idle}`);
    expect(shownLater.body).toMatchObject({ launched_agent_profile: { agent_profile_id } });
    const refused = await message(idle, busyKey.key);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await create(busyKey.key, 'SAY: x')).status).toBe(429);
    expect((await ask(busyKey.key, 'POST', `/api/conversations/${busy}/interrupt`)).status).toBe(200);
    await eventually(async () => (await message(idle, busyKey.key)).status === 200, 'a free place');

    // A refused message ends no run that another one has begun.
    await eventually(async () => (await status(idle)) === 'finished', 'the end of the run');
    const third = idOf(await create(busyKey.key));
    expect((await message(third, busyKey.key, 'RUN: sleep 100')).status).toBe(200);
    const invalid = await ask(busyKey.key, 'POST', `/api/conversations/${third}/events`, { role: 1 });
    expect(invalid.status).toBe(422);
    expect((await message(idle, busyKey.key)).status).toBe(429);
  });

  it('count with their cost for their key', async () => {
    poor = await makeKey(server, { reach: 'own', limits: { usd_per_day: 1.5 } });
    // The second call is over the limit: what it asks for ends only when the pause was decided.
    const command = 'until [ -e /workspace/go ]; do sleep 0.1; done; sleep 1';
    endpoint.script([{ tools: [['terminal', { command: 'true' }]] }, { tools: [['terminal', { command }]] }]);
    const agent = { llm: pricedLlm(), tools: [{ name: 'terminal' }] };
    poorId = idOf(await create(poor.key, 'go', { agent, workspace: { working_dir: 'work' } }));
    await server.logs(`conversation ${poorId} is paused`);
    await writeFile(path.join(server.cwd, 'workspace/keys', poor.id, 'go'), '');
    await eventually(async () => (await status(poorId)) === 'paused', 'the pause');
    expect(endpoint.requests).toHaveLength(2);
    const over = await message(poorId, poor.key);
    expect(over.status).toBe(429);
    expect(JSON.stringify(over.body)).toMatch(/\(usd_per_day\)/);
    const asked = await server.request(
      'POST',
      '/v1/chat/completions',
      { model: 'openhands', messages: [{ role: 'user', content: 'go on' }] },
      { ...shown(poor.key), 'X-OpenHands-ServerConversation-ID': poorId },
    );
    expect(asked.status).toBe(429);
    await eventually(async () => (await counted(poorId)) > 1.9, 'the stored cost');
  });

  it('are held to the budgets of the server, like those of the administrator', async () => {
    // With the two dollars of the key it is over.
    endpoint.script([{ say: 'done' }]);
    const admins = idOf(await create(KEY, 'go', { agent: { llm: pricedLlm(), tools: [] } }));
    await eventually(async () => (await usageOf(server)).total.cost > 2.9, 'its cost in the ledger');
    const over = await message(admins, KEY);
    expect(over.status).toBe(429);
    expect(JSON.stringify(over.body)).toMatch(/All conversations together .*\(usd_per_month\)/);
  });

  it('belong to their key, with their cost, after a restart, too', async () => {
    server = await server.restart('SIGKILL');
    await isSeparate();
    expect((await message(poorId, poor.key)).status).toBe(429);
    expect((await ask(one.key, 'DELETE', `/api/conversations/${id}`)).status).toBe(200);
  });

  const makeOwn = (name: string): Promise<MadeKey> =>
    makeKey(server, { name: `${name}-${randomUUID()}`, reach: 'own' });

  /** A call costs about a dollar: the endpoint reports 1,000 prompt tokens. */
  function pricedLlm() {
    return endpointLlm(endpoint, { input_cost_per_token: 0.001, output_cost_per_token: 0, num_retries: 0 });
  }

  /** What the record of a conversation says. */
  async function counted(conversation: string): Promise<number> {
    const file = path.join(
      server.cwd,
      'persistence/runtime-control',
      `${conversation.replaceAll('-', '')}.json`,
    );
    const text = await readFile(file, 'utf8');
    return (JSON.parse(text) as { counted_usd: number }).counted_usd;
  }
});
