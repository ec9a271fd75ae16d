import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { usageOf } from '../support/usage-fixture.js';

const PRICE = { input_cost_per_token: 0.001, output_cost_per_token: 0, num_retries: 0 };
const DAY_MS = 86_400_000;

describe('the ledger of usage', () => {
  it('counts a budget as spent while it cannot be read, and shows what a clock has put into the future', async () => {
    const endpoint = await startScriptedEndpoint();
    let server = await ServerProcess.start({ env: { OH_BUDGETS_USD_PER_MONTH: '1000' } });
    const folder = path.join(server.cwd, 'workspace', 'conversations', '.usage');
    const budgets = async () => (await server.request('GET', '/api/usage/budgets')).body;
    try {
      await server.end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
      await mkdir(path.dirname(folder), { recursive: true });
      await writeFile(folder, 'no folder');
      server = await server.restart();
      endpoint.script([{ say: 'done' }]);
      const agent = { llm: endpointLlm(endpoint, PRICE), tools: [] };
      const request = scriptedRequest(path.join(server.cwd, 'work'), 'go', { agent });
      const conversation = await ConversationClient.create(server, request);
      await conversation.reaches('error');
      expect((await conversation.events()).at(-1)).toMatchObject({
        code: 'MaxBudgetReached',
        detail: expect.stringContaining('The ledger of usage cannot be read') as string,
      });
      expect(endpoint.requests).toHaveLength(0);
      expect((await conversation.post('ask_agent', { question: 'why?' })).status).toBe(409);
      expect(await budgets()).toMatchObject({ budgets: [{ budget: 'server_month', spent: null }] });

      await rm(folder);
      await mkdir(folder);
      const time = new Date(Date.now() + 40 * DAY_MS).toISOString();
      const entry = { id: 'ahead', time, model: 'openai/a', provider: 'openai', usage_id: 'agent', cost: 2 };
      await writeFile(path.join(folder, `${time.slice(0, 7)}.jsonl`), `${JSON.stringify(entry)}\n`);
      expect(await budgets()).toMatchObject({ budgets: [{ spent: 2 }] });
      await conversation.send('go on');
      await conversation.reaches('finished');
      await eventually(async () => (await usageOf(server)).total.calls === 2, 'both calls');
      const today = new Date().toISOString().slice(0, 10);
      expect((await usageOf(server, `to=${today}`)).total.calls).toBe(1);
    } finally {
      await server.stop();
      await endpoint.close();
    }
  });
});
