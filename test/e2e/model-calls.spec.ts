import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { scriptedRequest } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

const SHORT_TIMEOUT_FETCH = fileURLToPath(new URL('../support/short-timeout-fetch.mjs', import.meta.url));

interface Usage {
  accumulated_cost: number;
  accumulated_token_usage: Record<'prompt_tokens' | 'cache_read_tokens' | 'completion_tokens', number>;
}

describe('model calls', () => {
  const fixture = ServerFixture.forTests({ env: { NODE_OPTIONS: `--import=${SHORT_TIMEOUT_FETCH}` } });
  let endpoint: ChatEndpoint;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const agent = (llm: Record<string, unknown> = {}) => {
    const retries = { num_retries: 2, retry_min_wait: 0, retry_max_wait: 0 };
    return { llm: endpointLlm(endpoint, { api_key: 'sk-quiet', ...retries, ...llm }), tools: [] };
  };
  const create = (steps: EndpointStep[], llm: Record<string, unknown> = {}) => {
    endpoint.script(steps);
    return fixture.create('go', { agent: agent(llm) });
  };

  it.each<[string, EndpointStep, Record<string, unknown>, string, string]>([
    ['refuses the key', { status: 401, message: 'bad key sk-quiet' }, {}, 'LLMAuthenticationError', 'auth'],
    ['is rate limited', { status: 429, message: 'slow down' }, {}, 'LLMRateLimitError', 'rate_limit'],
    ['has no credit left', { status: 402, message: 'Insufficient balance' }, {}, 'APIError', 'quota'],
    ['is overloaded', { status: 529, message: 'Overloaded' }, {}, 'LLMServiceUnavailableError', 'transient'],
    ['does not exist', { status: 404, message: 'no such model' }, {}, 'NotFoundError', 'config'],
    ['rejects the request', { status: 400, message: 'bad thing' }, {}, 'LLMBadRequestError', 'config'],
    [
      'has no room left in its context',
      { status: 400, message: 'too long', code: 'context_length_exceeded' },
      {},
      'LLMContextWindowExceedError',
      'agent_action',
    ],
    [
      'rejects the history',
      { status: 400, message: '`tool_use` ids were found without `tool_result` blocks' },
      {},
      'LLMMalformedConversationHistoryError',
      'agent_action',
    ],
    ['answers too late', { hang: true }, { timeout: 1 }, 'LLMTimeoutError', 'transient'],
    [
      'stalls in the middle of a stream',
      { say: 'one two', stallAfter: 2 },
      { stream: true, stream_idle_timeout: 0.1 },
      'LLMTimeoutError',
      'transient',
    ],
    [
      'breaks off a stream',
      { say: 'one two', breakAfter: 2 },
      { stream: true },
      'LLMServiceUnavailableError',
      'transient',
    ],
    [
      'answers with an HTML page',
      { raw: '<html></html>', type: 'text/html' },
      {},
      'LLMServiceUnavailableError',
      'transient',
    ],
    ['returns no choices', { body: { id: 'x', choices: [] } }, {}, 'LLMNoResponseError', 'transient'],
  ])(
    'reports the error when the model %s, and continues with the next message',
    async (_what, step, llm, code, kind) => {
      const conversation = await create([{ ...step }, { ...step }], { ...llm, num_retries: 2 });
      await conversation.reaches('error');
      const events = await conversation.events();
      expect(events.at(-1)).toMatchObject({
        kind: 'ConversationErrorEvent',
        source: 'environment',
        code,
        classification: { kind },
      });
      expect(events.at(-2)).toMatchObject({ key: 'execution_status', value: 'error' });
      expect(JSON.stringify(events)).not.toContain('sk-quiet');
      // A new endpoint: the old one may still hold answers that no attempt has used.
      await endpoint.close();
      endpoint = await startScriptedEndpoint({ script: [{ say: 'again' }] });
      const { llm: again } = agent({ num_retries: 1 });
      expect((await conversation.post('switch_llm', { llm: again })).status).toBe(200);
      await conversation.send('go on');
      await conversation.reaches('finished');
    },
  );

  it('counts no cost for a model without a known price, and logs that once', async () => {
    const model = 'openai/some-unpriced-model';
    for (const say of ['one', 'two']) {
      const conversation = await create([{ tools: [['think', { thought: say }]] }, { say }], { model });
      await conversation.reaches('finished');
      expect((await conversation.info())['stats']).toMatchObject({
        usage_to_metrics: { agent: { accumulated_cost: 0, costs: [] } },
      });
    }
    const warnings = (await fixture.server.flushedLog())
      .split('\n')
      .filter((line) => line.includes(`the price of ${model} is not known`));
    expect(warnings).toHaveLength(1);
  });

  // The bundle holds the price table in a form of its own. Azure's table lacks some models, which are then
  // looked up in OpenAI's.
  it.each(['openai/gpt-4o-mini', 'azure/gpt-4o-mini'])('charges %s by the price table', async (model) => {
    const conversation = await create([{ say: 'cheap' }], { model });
    await conversation.reaches('finished');
    const { stats } = await conversation.info();
    const usage = (stats as { usage_to_metrics: { agent: Usage } }).usage_to_metrics.agent;
    const {
      prompt_tokens: input,
      cache_read_tokens: cached,
      completion_tokens: output,
    } = usage.accumulated_token_usage;
    expect(output).toBeGreaterThan(0);
    // Dollars for a million tokens (https://openai.com/api/pricing).
    expect(usage.accumulated_cost).toBeCloseTo(
      ((input - cached) * 0.15 + cached * 0.075 + output * 0.6) / 1e6,
      12,
    );
  });

  it('asks once more in other words after an error of the content filter', async () => {
    const conversation = await create([
      { status: 400, message: 'Output blocked by content filtering policy', code: 'content_filter' },
      { say: 'ok' },
    ]);
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(2);
  });

  it.each<[string, EndpointStep, Record<string, unknown>]>([
    ['does not answer', { hang: true }, {}],
    ['stalls in the middle of a stream', { say: 'one two', stallAfter: 2 }, { stream: true }],
    [
      'asks for a wait of a minute',
      { status: 429, headers: { 'retry-after': '60' } },
      { retry_max_wait: 60 },
    ],
    ['fails before a wait of a minute', { status: 503 }, { retry_min_wait: 60, retry_max_wait: 60 }],
  ])('interrupts a run at once when the model %s', async (_what, step, llm) => {
    const conversation = await create([step, { say: 'never' }], llm);
    await eventually(() => endpoint.requests.length === 1, 'the request');
    if (step.status !== undefined) {
      const waits = () =>
        fixture.server.log
          .split('\n')
          .some((line) => line.includes(conversation.id) && line.includes('in 60 s'));
      await eventually(() => waits(), 'the wait');
    }
    const began = performance.now();
    expect((await conversation.post('interrupt')).status).toBe(200);
    await conversation.reaches('paused');
    expect(performance.now() - began).toBeLessThan(3000);
    // What the call has cost is known only when it has ended, so that it may be the last event.
    const others = (await conversation.events()).filter(({ key }) => key !== 'stats');
    expect(others.at(-1)).toMatchObject({ kind: 'InterruptEvent' });
    expect(endpoint.requests).toHaveLength(1);
  });

  it('waits for an answer longer than the HTTP client of the process would', async () => {
    const conversation = await create([{ say: 'late', wait: 2.2 }], { num_retries: 1 });
    await conversation.reaches('finished');
  });

  it('rejects the model of an unknown provider, and suggests names', async () => {
    const post = (request: object) => fixture.server.request('POST', '/api/conversations', request);
    const request = scriptedRequest(fixture.workspace, 'go', { agent: agent() });
    const { status, body } = await post({ ...request, agent: agent({ model: 'opnai/gpt-4o' }) });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      detail: [{ loc: ['body', 'agent', 'llm', 'model'], input: 'opnai/gpt-4o' }],
    });
    expect(JSON.stringify(body)).toContain("Did you mean 'openai/gpt-4o'?");

    const condenser = { kind: 'LLMSummarizingCondenser', llm: { model: 'gemini-2.5-pro' } };
    const other = await post({ ...request, agent: { ...agent(), condenser } });
    expect(other.body).toMatchObject({ detail: [{ loc: ['body', 'agent', 'condenser', 'llm', 'model'] }] });

    const conversation = await create([{ say: 'ok' }]);
    await conversation.reaches('finished');
    const llm = { model: 'antropic/claude-sonnet-4-5' };
    const switched = await conversation.post('switch_llm', { llm });
    expect(switched).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'llm', 'model'] }] } });
  });
});
