import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { usageOf } from '../support/usage-fixture.js';

const KEY = 'the-key-of-the-administrator';
const PRICE = { input_cost_per_token: 0.001, output_cost_per_token: 0 };

interface Metrics {
  accumulated_cost: number;
  accumulated_token_usage: { prompt_tokens: number; completion_tokens: number };
}

describe('usage of models', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;
  /** Requests of the endpoint that were answered with tokens, and all. */
  const own = { answered: 0, failed: 0 };

  beforeAll(async () => {
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({
      key: KEY,
      env: { SESSION_API_KEY: KEY, TZ: 'UTC', OH_BUDGETS_USD_PER_MONTH: '1000' },
    });
  });
  afterAll(async () => {
    await server.stop();
    await endpoint.close();
  });

  const llm = (fields: object = {}) => endpointLlm(endpoint, { ...PRICE, num_retries: 0, ...fields });
  const create = (steps: EndpointStep[], more: Record<string, unknown> = {}, agent: object = {}) => {
    endpoint.script(steps);
    const spec = { llm: llm(), tools: [{ name: 'task_tool_set' }], ...agent };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, 'work'), 'go', { agent: spec, ...more }),
    );
  };
  const think = (thought: string): EndpointStep => ({ tools: [['think', { thought }]] });
  /** What the statistics of conversations say together. */
  const statsOf = async (conversations: readonly ConversationClient[]) => {
    const sums = { cost: 0, prompt: 0 };
    for (const conversation of conversations) {
      const { stats } = await conversation.info();
      const { usage_to_metrics: all } = stats as { usage_to_metrics: Record<string, Metrics> };
      for (const { accumulated_cost, accumulated_token_usage } of Object.values(all)) {
        sums.cost += accumulated_cost;
        sums.prompt += accumulated_token_usage.prompt_tokens;
      }
    }
    return sums;
  };

  it('counts each call once: of agent, title, question, condenser, sub-agent, fork, gateway, and failures', async () => {
    const summarising = {
      kind: 'LLMSummarizingCondenser',
      llm: llm({ usage_id: 'condenser' }),
      max_size: 100,
      keep_first: 2,
    };
    // The title is asked for beside the first answer: both texts are the same.
    const first = await create(
      [{ say: 'Done' }, { say: 'Done' }],
      { autotitle: true, tags: { team: '=1+1' } },
      { condenser: summarising },
    );
    await first.reaches('finished');
    await eventually(() => endpoint.requests.length === 2, 'the title');
    endpoint.script([think('a'), think('b'), think('c'), { say: 'Thought' }]);
    await first.send('think');
    await eventually(() => endpoint.requests.length === 6, 'the second run');
    await first.reaches('finished');
    endpoint.script([{ say: 'Because' }, { say: 'A summary' }]);
    expect((await first.post('ask_agent', { question: 'why?' })).status).toBe(200);
    expect((await first.post('condense')).status).toBe(200);

    const task = { description: 'd', prompt: 'count', subagent_type: 'general-purpose' };
    const delegating = await create([
      { tools: [['task', task]] },
      { say: 'by the sub-agent' },
      { say: 'over' },
    ]);
    await delegating.reaches('finished');

    const forked = (await delegating.post('fork')).body as { id: string };
    const fork = new ConversationClient(server, forked.id);
    endpoint.script([{ say: 'in the fork' }]);
    await fork.send('go on');
    await fork.reaches('finished');

    const failing = await create([{ status: 400, message: 'no' }]);
    await failing.reaches('error');

    const profile = { llm: llm({ usage_id: 'profile' }) };
    expect((await server.request('POST', '/api/profiles/main', profile)).status).toBe(201);
    endpoint.script([{ say: 'by the gateway' }]);
    const completion = await server.request('POST', '/v1/chat/completions', {
      model: 'openhands_main',
      messages: [{ role: 'user', content: 'hello' }],
    });
    expect(completion.status).toBe(200);
    const gateway = new ConversationClient(
      server,
      completion.headers.get('x-openhands-serverconversation-id') ?? '',
    );

    const requests = endpoint.requests.length;
    own.failed = 1;
    own.answered = requests - own.failed;
    const prompts = endpoint.requests.reduce((sum, _request, index) => sum + 1000 + index, 0);
    // The failed one was the last but one.
    const prompt = prompts - (1000 + requests - 2);
    // Each of several servers writes its own.
    await eventually(async () => (await usageOf(server)).total.calls === requests, 'all calls');
    const { total, items } = await usageOf(server, 'group_by=usage_id,conversation');
    expect(total).toMatchObject({ calls: requests, errors: 1, prompt_tokens: prompt, unpriced_calls: 0 });
    expect(total.cost).toBeCloseTo(prompt * 0.001, 6);
    const counted = Object.fromEntries(
      items.map(({ usage_id, conversation_id, calls }) => [
        `${String(conversation_id)} ${String(usage_id)}`,
        calls,
      ]),
    );
    expect(counted).toEqual({
      [`${first.id} agent`]: 6,
      [`${first.id} ask-agent-llm`]: 1,
      [`${first.id} condenser`]: 1,
      [`${delegating.id} agent`]: 2,
      [`${delegating.id} task:task_00000001`]: 1,
      [`${fork.id} agent`]: 1,
      [`${failing.id} agent`]: 1,
      [`${gateway.id} profile`]: 1,
    });
    const stats = await statsOf([first, delegating, fork, failing, gateway]);
    expect(stats.prompt).toBe(prompt);
    expect(stats.cost).toBeCloseTo(total.cost, 6);
  });

  it('groups by day, model, provider, key and tag, and keeps what was deleted', async () => {
    const { items } = await usageOf(server, 'group_by=day,model,provider');
    const day = new Date().toISOString().slice(0, 10);
    expect(items).toEqual([
      expect.objectContaining({ day, model: 'openai/scripted', provider: 'openai', errors: 1 }),
    ]);
    const before = await usageOf(server, 'group_by=tag:team');
    expect(before.items.map((item) => [item['tag:team'], item.calls])).toEqual(
      expect.arrayContaining([['=1+1', 8]]),
    );
    const listed = (await server.request('GET', '/api/conversations/search')).body as {
      items: { id: string }[];
    };
    for (const { id } of listed.items)
      expect((await server.request('DELETE', `/api/conversations/${id}`)).status).toBe(200);
    expect(await usageOf(server, 'group_by=tag:team')).toEqual({
      ...before,
      to: expect.anything() as string,
    });
    const zone = await usageOf(server, 'group_by=&time_zone=Asia/Kathmandu&from=2020-01-01&to=2020-01-31');
    expect(zone).toMatchObject({
      from: '2019-12-31T18:15:00.000Z',
      to: '2020-01-31T18:15:00.000Z',
      items: [],
    });
  });

  it('writes CSV in which no text is a formula', async () => {
    const response = await fetch(`${server.url}/api/usage?group_by=tag:team,key`, {
      headers: { 'x-session-api-key': KEY, accept: 'text/csv' },
    });
    expect(response.headers.get('content-type')).toContain('text/csv');
    const lines = (await response.text()).split('\r\n');
    expect(lines[0]).toMatch(/^tag:team,key,key_name,calls,errors,unpriced_calls,prompt_tokens,/);
    expect(lines.find((line) => line.includes('1+1'))).toMatch(/^'=1\+1,session,session,8,0,/);
  });

  it.each([
    ['group_by=day,model,key,provider', 'at most 3'],
    ['group_by=week', "'week' is none of day"],
    ['from=yesterday', 'a date such as'],
    ['from=2026-02-31', 'a date such as'],
    ['to=0001-01-01', 'a date such as'],
    ['to=9999-12-31', 'a date such as'],
    ['time_zone=%2B05:30', 'a time zone such as'],
    ['limit=0', 'greater than or equal to 1'],
  ])('refuses %s and says why', async (query, reason) => {
    const { status, body } = await server.request('GET', `/api/usage?${query}`);
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(reason);
  });

  it('makes a limited number of reports at a time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => server.request('GET', '/api/usage?group_by=conversation,day')),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await server.request('GET', '/api/usage')).status).toBe(200);
  });

  it('shows a key of the reach own only what its conversations have cost', async () => {
    const made = await server.request('POST', '/api/keys', { name: 'mine', scope: 'write', reach: 'own' });
    const { id, key } = made.body as { id: string; key: string };
    const headers = { 'x-session-api-key': key };
    expect((await usageOf(server, 'group_by=key', headers)).items).toEqual([]);
    endpoint.script([{ say: 'mine' }]);
    const request = scriptedRequest('mine', 'go', { agent: { llm: llm(), tools: [] } });
    const created = await server.request('POST', '/api/conversations', request, headers);
    expect(created.status).toBe(201);
    const isCounted = async () => (await usageOf(server, 'group_by=key', headers)).total.calls === 1;
    await eventually(isCounted, 'its call');
    expect((await usageOf(server, 'group_by=key', headers)).items).toMatchObject([
      { key: id, key_name: 'mine' },
    ]);
    const now = new Date().toISOString();
    for (const query of [
      'key=session',
      `key=session&from=${now}`,
      `key=session&from=${now.slice(0, 13)}:01:00Z`,
    ])
      expect((await usageOf(server, query, headers)).total.calls).toBe(0);
    await eventually(async () => (await usageOf(server, `key=${id}`)).total.calls === 1, 'it for all');
    expect((await usageOf(server)).total.calls).toBe(own.answered + own.failed + 1);
  });

  it('counts trials of profiles, and calls that were interrupted', async () => {
    const before = await usageOf(server, 'group_by=usage_id');
    const validate = { llm: llm() };
    endpoint.script([{ say: 'ok' }, { status: 401, message: 'no' }]);
    const trials = [
      await server.request('POST', '/api/profiles/tried/validate', validate),
      await server.request('POST', '/api/profiles/tried/validate', validate),
    ];
    expect(trials.map(({ body }) => (body as { valid: boolean }).valid)).toEqual([true, false]);
    const { items } = await usageOf(server, 'group_by=usage_id,conversation');
    const tried = items.filter((item) => item['usage_id'] === 'profile-check');
    expect(tried).toMatchObject([{ conversation_id: null, calls: 2, errors: 1 }]);
    expect(tried[0]?.cost).toBeGreaterThan(1);

    const asked = endpoint.requests.length;
    const interrupted = await create([{ hang: true }]);
    await eventually(() => endpoint.requests.length > asked, 'the call');
    expect((await interrupted.post('interrupt')).status).toBe(200);
    await interrupted.reaches('paused');
    const ofIt = `conversation_id=${interrupted.id}`;
    await eventually(async () => (await usageOf(server, ofIt)).total.calls === 1, 'the interrupted call');
    expect((await usageOf(server, ofIt)).total).toMatchObject({ errors: 1, cost: 0, prompt_tokens: 0 });
    expect((await usageOf(server)).total.calls).toBe(before.items.reduce((sum, { calls }) => sum + calls, 3));
  });
});
