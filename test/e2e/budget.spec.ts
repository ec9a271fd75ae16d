import path from 'node:path';
import { brief, ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('budgets of runs and retries of model calls', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (steps: EndpointStep[], more: Record<string, unknown> = {}) => {
    endpoint.script(steps);
    const llm = endpointLlm(endpoint, {
      api_key: 'sk-hidden',
      // A call costs about a dollar: the endpoint reports 1,000 prompt tokens, one more with each call.
      input_cost_per_token: 0.001,
      output_cost_per_token: 0,
      num_retries: 3,
      retry_min_wait: 0,
      retry_max_wait: 0,
    });
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, 'work'), 'go', { agent: { llm, tools: [] }, ...more }),
    );
  };
  const think: EndpointStep = { tools: [['think', { thought: 'hm' }]] };
  const costOf = async (conversation: ConversationClient) => {
    const { usage_to_metrics } = (await conversation.info())['stats'] as {
      usage_to_metrics: Record<string, { accumulated_cost: number }>;
    };
    return usage_to_metrics['agent']?.accumulated_cost ?? 0;
  };

  it('ends a run when the budget is spent and continues with a larger one', async () => {
    const conversation = await create([think, think, { say: 'done' }], { max_budget_per_run: 1.5 });
    await conversation.reaches('error');
    expect(endpoint.requests).toHaveLength(2);
    const events = await conversation.events();
    expect(events.slice(-3).map(brief)).toEqual([
      'ObservationEvent',
      'execution_status=error',
      'ConversationErrorEvent',
    ]);
    expect(events.at(-1)).toMatchObject({
      code: 'MaxBudgetReached',
      detail: expect.stringContaining('$1.5') as string,
      classification: { kind: 'quota', retryable: false, user_action: 'settings' },
    });
    expect((await conversation.info())['max_budget_per_run']).toBe(1.5);

    // The next run calls no model. The status is `error` already, so the events tell that it has ended.
    await conversation.send('and now?');
    await eventually(async () => {
      const errors = (await conversation.events()).filter(({ code }) => code === 'MaxBudgetReached');
      return errors.length === 2 && (await conversation.status()) === 'error';
    }, 'the second error');
    expect(endpoint.requests).toHaveLength(2);

    const raised = await server.request('PATCH', conversation.route, { max_budget_per_run: 100 });
    expect(raised.status).toBe(200);
    await conversation.send('go on');
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(3);
    expect(await costOf(conversation)).toBeGreaterThan(2.5);
  });

  it('reports no error for a run that finishes with its last call over budget', async () => {
    const conversation = await create([{ say: 'done' }], { max_budget_per_run: 0.5 });
    await conversation.reaches('finished');
    expect(await costOf(conversation)).toBeGreaterThan(0.5);
  });

  it('continues without a limit once the budget is removed', async () => {
    const conversation = await create([think, think, { say: 'done' }], { max_budget_per_run: 0.5 });
    await conversation.reaches('error');
    expect(endpoint.requests).toHaveLength(1);
    const kept = await server.request('PATCH', conversation.route, { title: 'a title' });
    expect(kept.status).toBe(200);
    expect((await conversation.info())['max_budget_per_run']).toBe(0.5);
    const removed = await server.request('PATCH', conversation.route, { max_budget_per_run: null });
    expect(removed.status).toBe(200);
    expect(await conversation.info()).not.toHaveProperty('max_budget_per_run');
    await conversation.send('go on');
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(3);
  });

  it('applies the budget to model calls outside of runs', async () => {
    const conversation = await create([{ say: 'done' }], { max_budget_per_run: 2.5 });
    await conversation.reaches('finished');
    endpoint.script([{ say: 'an answer' }, { say: 'more done' }, { say: '{"complete": false}' }]);
    const ask = () => conversation.post('ask_agent', { question: 'how is it?' });
    expect((await ask()).status).toBe(200);
    // The cost of the answer counts: the first run of the goal spends the budget and is not audited.
    await conversation.post('goal', { objective: 'all of it', max_iterations: 3 });
    await eventually(
      async () => (await conversation.events('&kind=ConversationErrorEvent')).length === 1,
      'the end of the goal',
    );
    expect(endpoint.requests).toHaveLength(3);
    const [error] = await conversation.events('&kind=ConversationErrorEvent');
    expect(error).toMatchObject({ code: 'MaxBudgetReached', classification: { kind: 'quota' } });
    const goals = (await conversation.events()).filter(({ key }) => key === 'goal');
    expect(goals.at(-1)?.value).toMatchObject({ active: false, status: 'interrupted' });
    expect(await ask()).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('maximum budget limit ($2.5)') as string },
    });
    expect(endpoint.requests).toHaveLength(3);
  });

  it('shows no budget by default and rejects an invalid one', async () => {
    const conversation = await create([{ say: 'done' }]);
    await conversation.reaches('finished');
    expect(await conversation.info()).not.toHaveProperty('max_budget_per_run');
    for (const max_budget_per_run of [0, -1, 'much']) {
      const { status, body } = await server.request('PATCH', conversation.route, { max_budget_per_run });
      expect(status).toBe(422);
      expect(JSON.stringify(body)).toContain('max_budget_per_run');
    }
  });

  it('logs each retry of a model call with its number, delay and reason', async () => {
    const busy: EndpointStep = { status: 429, message: 'slow down, sk-hidden' };
    const conversation = await create([busy, { status: 503, message: 'later' }, { say: 'done' }]);
    await conversation.reaches('finished');
    const retries = () =>
      server.log.split('\n').filter((line) => line.includes(conversation.id) && line.includes('attempt'));
    await eventually(() => retries().length === 2, 'two lines in the log');
    expect(retries()[0]).toMatch(
      /WARN.*agent \(openai\/scripted\) failed with LLMRateLimitError; attempt 2 of 3 in 0 s/i,
    );
    expect(retries()[1]).toContain('LLMServiceUnavailableError; attempt 3 of 3');
    expect(server.log).not.toContain('sk-hidden');
  });
});
