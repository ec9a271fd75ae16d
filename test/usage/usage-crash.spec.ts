import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { amount } from '../load/load-watch.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { describeWithDatabase } from '../support/postgres.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { SharedServers } from '../support/shared-servers.js';
import { usageOf } from '../support/usage-fixture.js';

const PRICE = { input_cost_per_token: 0.001, output_cost_per_token: 0, num_retries: 0 };
/** How often the server is killed; more with `LOAD=full`. */
const ROUNDS = amount(1, 3);
const think = { tools: [['think', { thought: 'hm' }]] as [string, unknown][] };

/** The calls that the log of a conversation records. */
async function recordsOf(conversation: ConversationClient): Promise<string[]> {
  return (await conversation.events()).flatMap(({ value }) => {
    const { call } = (value ?? {}) as { call?: { id: string } };
    return call ? [call.id] : [];
  });
}

describe('the ledger of usage', () => {
  let endpoint: ChatEndpoint;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const request = (cwd: string) =>
    scriptedRequest(path.join(cwd, 'work'), 'go', {
      agent: { llm: endpointLlm(endpoint, PRICE), tools: [] },
      max_iterations: 1000,
      stuck_detection: false,
    });

  it('has each call once after kill -9, also when it is made anew from the logs', async () => {
    let server = await ServerProcess.start({ args: [] });
    const folder = path.join(server.cwd, 'workspace', 'conversations', '.usage');
    try {
      endpoint.script([{ ...think, repeat: true }]);
      const created = await ConversationClient.create(server, request(server.cwd));
      let calls: string[] = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        const before = endpoint.requests.length;
        if (round > 1) await created.on(server).send('go on');
        await eventually(() => endpoint.requests.length >= before + 8, 'calls');
        server = await server.restart('SIGKILL');
        const conversation = created.on(server);
        await conversation.reaches('paused');
        calls = await recordsOf(conversation);
        const isThere = async () => (await usageOf(server)).total.calls === calls.length;
        await eventually(isThere, `${calls.length} calls in the ledger`);
      }
      expect(new Set(calls).size).toBe(calls.length);
      const lines = async () => {
        const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'));
        const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
        const all = texts
          .join('')
          .split('\n')
          .filter((line) => line !== '');
        return all.map((line) => (JSON.parse(line) as { id: string }).id);
      };
      expect((await lines()).sort()).toEqual([...calls].sort());
      const { total } = await usageOf(server);

      await server.end('SIGTERM');
      await rm(folder, { recursive: true });
      const main = path.resolve('dist/main.js');
      const rebuild = () =>
        promisify(execFile)(process.execPath, [main, 'usage', 'rebuild'], { cwd: server.cwd });
      expect((await rebuild()).stdout).toContain(`1 conversations read, ${calls.length} calls added`);
      expect((await rebuild()).stdout).toContain('0 calls added');
      server = await server.restart();
      expect((await usageOf(server)).total.calls).toBe(calls.length);
      expect((await usageOf(server)).total.cost).toBeCloseTo(total.cost, 6);
    } finally {
      await server.stop();
    }
  });

  describeWithDatabase('on PostgreSQL', () => {
    let servers: SharedServers;
    beforeAll(async () => {
      servers = await SharedServers.start(2, {
        OH_BUDGETS_USD_PER_DAY: '2.9',
        OH_BUDGETS_WARN_PERCENT: '60',
      });
    });
    afterAll(() => servers.stop());

    it('is shared by all servers, with what may be spent, and completed after a crash', async () => {
      const [one, other] = servers.all;
      if (!one || !other) throw new Error('two servers are needed');
      const create = async (server: ServerProcess) =>
        ConversationClient.create(server, request(servers.folder));
      endpoint.script([think, { say: 'done' }]);
      const first = await create(one.process);
      await first.reaches('finished');
      await eventually(
        async () => (await usageOf(other.process)).total.calls === 2,
        'the calls of the other server',
      );

      endpoint.script([think, { say: 'too late' }]);
      const second = await create(other.process);
      await second.reaches('error');
      const events = await second.events();
      const warnings = events.filter(({ key }) => key === 'budget_warning').map(({ value }) => value);
      expect(warnings).toEqual([
        expect.objectContaining({
          budget: 'server_day',
          limit: 2.9,
          message: expect.stringContaining('today') as string,
        }),
      ]);
      expect(events.at(-1)).toMatchObject({
        code: 'MaxBudgetReached',
        detail: expect.stringContaining('(budgets.usd_per_day)') as string,
      });
      await eventually(async () => (await usageOf(one.process)).total.calls === 3, 'the third call');
      const { total } = await usageOf(one.process, 'group_by=model');
      expect(total).toMatchObject({ calls: 3, errors: 0 });
      expect((await usageOf(one.process, 'model=a%00b&group_by=tag:a%00b')).total.calls).toBe(0);
      const { body } = await one.process.request('GET', '/api/usage/budgets');
      expect(body).toMatchObject({ budgets: [{ budget: 'server_day', limit: 2.9, spent: total.cost }] });

      await servers.database.query('DELETE FROM usage_total');
      await servers.database.query('DELETE FROM usage_entry');
      const third = await servers.add('third');
      await eventually(async () => (await usageOf(third.process)).total.calls === 3, 'the new ledger');
    });
  });
});
