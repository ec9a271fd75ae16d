import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenEvent,
} from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/**
 * The sequences of events match the recordings of the original in `condensation-*`. The place of `stats` is
 * not fixed there and is left out.
 */
describe('condensation', () => {
  let server: ServerProcess;
  let agent: ChatEndpoint;
  let condenser: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    agent = await startScriptedEndpoint();
    condenser = await startScriptedEndpoint();
  });
  afterEach(async () => {
    await agent.close();
    await condenser.close();
  });

  const create = (steps: EndpointStep[], limits: object | null, script: string | undefined = 'go') => {
    agent.script(steps);
    condenser.script([{ say: 'Done.', repeat: true }]);
    const spec = limits && {
      kind: 'LLMSummarizingCondenser',
      llm: endpointLlm(condenser, { usage_id: 'condenser' }),
      ...limits,
    };
    const more = { agent: { llm: endpointLlm(agent), tools: [{ name: 'task_tracker' }], condenser: spec } };
    return ConversationClient.create(server, scriptedRequest(path.join(server.cwd, 'work'), script, more));
  };
  const thinkStep = (step: number): EndpointStep => ({ tools: [['think', { thought: `thought ${step}` }]] });
  const finish: EndpointStep = { tools: [['finish', { message: 'd' }]] };
  const sequenceOf = (events: SeenEvent[]) => events.filter(({ key }) => key !== 'stats').map(brief);
  const lastMessages = (endpoint: ChatEndpoint) => endpoint.requests.at(-1)?.body.messages ?? [];
  const ofKind = (events: SeenEvent[], kind: string) => events.filter((event) => event.kind === kind);

  it('replaces old events with a summary, repeatedly', async () => {
    const steps = [0, 1, 2, 3, 4, 5, 6, 7].map(thinkStep);
    const conversation = await create([...steps, finish], { max_size: 10, keep_first: 2 });
    await conversation.reaches('finished');
    const events = await conversation.events();
    const step = ['ActionEvent', 'ObservationEvent'];
    expect(sequenceOf(events)).toEqual([
      ...['SystemPromptEvent', 'MessageEvent', 'last_user_message_id', 'execution_status=running'],
      ...[...step, ...step, ...step, ...step, ...step, 'Condensation'],
      ...[...step, ...step, ...step, 'Condensation', ...step, 'execution_status=finished'],
    ]);
    const tree = events.filter(({ key }) => key === undefined);
    const [first, second] = ofKind(events, 'Condensation');
    const at = (index: number) => tree[index]?.id ?? '';
    expect(first).toEqual({
      id: first?.id,
      timestamp: first?.timestamp,
      source: 'environment',
      parent_id: at(11),
      forgotten_event_ids: [2, 3, 4, 5, 6, 7, 8, 9].map(at),
      summary: 'Done.',
      summary_offset: 2,
      llm_response_id: first?.['llm_response_id'],
      kind: 'Condensation',
    });
    expect(second?.['forgotten_event_ids']).toEqual([
      `${String(first?.id)}-summary`,
      ...[10, 11, 13, 14, 15, 16].map(at),
    ]);
    const messages = lastMessages(agent);
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
    expect(messages[1]?.['content']).toEqual([
      { type: 'text', text: 'go' },
      { type: 'text', text: 'Done.' },
    ]);
    // The new summary is made from the previous one.
    expect(JSON.stringify(lastMessages(condenser))).toContain('Done.');
    const info = await conversation.info();
    expect(Object.keys((info['stats'] as { usage_to_metrics: object }).usage_to_metrics)).toEqual([
      'agent',
      'condenser',
    ]);
  });

  it('uses the token count of the provider instead of an estimate', async () => {
    const call = { name: 'think', arguments: '{"thought": "large"}' };
    const large: EndpointStep = {
      body: {
        id: 'chatcmpl-large',
        object: 'chat.completion',
        created: 1,
        model: 'scripted',
        choices: [
          {
            index: 0,
            message: {
              role: 'assistant',
              content: null,
              tool_calls: [{ id: 'l', type: 'function', function: call }],
            },
            finish_reason: 'tool_calls',
          },
        ],
        usage: { prompt_tokens: 90_000, completion_tokens: 10, total_tokens: 90_010 },
      },
    };
    const steps = [thinkStep(0), thinkStep(1), large, thinkStep(2), finish];
    const conversation = await create(steps, { max_size: 80, max_tokens: 60_000 });
    await conversation.reaches('finished');
    const kinds = sequenceOf(await conversation.events()).filter((kind) =>
      /^(Condensation|ActionEvent)$/.test(kind),
    );
    expect(kinds).toEqual([
      ...['ActionEvent', 'ActionEvent', 'ActionEvent', 'Condensation', 'ActionEvent', 'ActionEvent'],
    ]);
  });

  it('condenses a history that the provider rejects as too long and continues', async () => {
    const refusal = {
      status: 400,
      message:
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
      code: 'context_length_exceeded',
    };
    const conversation = await create([thinkStep(0), thinkStep(1), thinkStep(2), refusal, finish], {
      max_size: 80,
    });
    await conversation.reaches('finished');
    const events = await conversation.events();
    expect(sequenceOf(events).slice(-5)).toEqual([
      ...[
        'CondensationRequest',
        'Condensation',
        'ActionEvent',
        'ObservationEvent',
        'execution_status=finished',
      ],
    ]);
    expect(ofKind(events, 'Condensation')[0]).toMatchObject({ summary: 'Done.', summary_offset: 2 });
    expect(lastMessages(agent).map(({ role }) => role)).toEqual(['system', 'user']);
  });

  it('ends with an error when even the shortest history is too long', async () => {
    const refusal = { status: 400, message: 'too long', code: 'context_length_exceeded', repeat: true };
    const conversation = await create([thinkStep(0), thinkStep(1), refusal], {});
    await conversation.reaches('error');
    const [error] = ofKind(await conversation.events(), 'ConversationErrorEvent');
    expect(error).toMatchObject({
      code: 'LLMContextWindowExceedError',
      classification: { kind: 'agent_action', retryable: true, user_action: 'retry' },
    });
    expect(condenser.requests.length).toBeLessThan(6);
    const without = await create([refusal], null);
    await without.reaches('error');
    expect(sequenceOf(await without.events())).not.toContain('CondensationRequest');
  });

  it('condenses on request and keeps the view of the agent across a restart', async () => {
    const steps = [0, 1, 2, 3, 4].map(thinkStep);
    let conversation = await create([...steps, finish], {});
    await conversation.reaches('finished');
    const tree = (await conversation.events()).filter(({ key }) => key === undefined);
    expect(await conversation.post('condense')).toMatchObject({ status: 200, body: { success: true } });
    const events = await conversation.events();
    expect(events.slice(-3).map(brief)).toEqual(['CondensationRequest', 'Condensation', 'stats']);
    expect(events.at(-2)?.['forgotten_event_ids']).toEqual(tree.slice(2, 10).map(({ id }) => id));
    expect(await conversation.status()).toBe('finished');

    agent.script([{ say: 'before' }, { say: 'after' }]);
    await conversation.send('one');
    await conversation.reaches('finished');
    const seen = lastMessages(agent);
    server = await server.restart();
    conversation = conversation.on(server);
    await conversation.send('two');
    await conversation.reaches('finished');
    expect(lastMessages(agent).slice(0, seen.length)).toEqual(seen);
    expect(JSON.stringify(lastMessages(agent))).not.toContain('thought 1');

    // The branch before the condensation is complete.
    await conversation.post('navigate', { event_id: tree.at(-1)?.id });
    agent.script([{ say: 'other branch' }]);
    await conversation.send('three');
    await conversation.reaches('finished');
    expect(JSON.stringify(lastMessages(agent))).toContain('thought 1');
  });

  it('reports why a history cannot be condensed', async () => {
    const refused = async (spec: object | null) => {
      const more = { agent: { llm: { model: 'scripted/test' }, tools: [], condenser: spec } };
      const work = path.join(server.cwd, 'work');
      const conversation = await ConversationClient.create(server, scriptedRequest(work, undefined, more));
      const { status, body } = await conversation.post('condense');
      return [status, (body as { detail: string }).detail];
    };
    const why = 'Cannot condense conversation:';
    expect(await refused(null)).toEqual([409, `${why} No condenser configured`]);
    const noOp = { kind: 'NoOpCondenser' };
    const unsupported = (name: string) => [
      409,
      `${why} Condenser ${name} does not handle condensation requests`,
    ];
    expect(await refused(noOp)).toEqual(unsupported('NoOpCondenser'));
    expect(await refused({ kind: 'PipelineCondenser', condensers: [noOp] })).toEqual(
      unsupported('PipelineCondenser'),
    );
    const summarising = { kind: 'LLMSummarizingCondenser', llm: { model: 'scripted/test' } };
    expect(await refused(summarising)).toEqual([409, `${why} There is nothing to condense`]);
    const unknown = new ConversationClient(server, '00000000-0000-4000-8000-000000000001');
    expect(await unknown.post('condense')).toMatchObject({
      status: 404,
      body: { detail: 'Conversation not found' },
    });
  });

  it('continues without a summary while there is room and reports a failed condensation request', async () => {
    const conversation = await create([...[0, 1, 2, 3, 4, 5].map(thinkStep), finish], {
      max_size: 6,
      keep_first: 1,
    });
    await conversation.reaches('finished');
    const broken = await startScriptedEndpoint({
      script: [{ status: 401, message: 'no sk-secret', repeat: true }],
    });
    try {
      const spec = {
        kind: 'LLMSummarizingCondenser',
        llm: endpointLlm(broken, { usage_id: 'condenser' }),
        max_size: 6,
        keep_first: 1,
      };
      agent.script([...[0, 1, 2, 3, 4, 5].map(thinkStep), finish]);
      const more = { agent: { llm: endpointLlm(agent), tools: [], condenser: spec } };
      const other = await ConversationClient.create(
        server,
        scriptedRequest(path.join(server.cwd, 'work'), 'go', more),
      );
      await other.reaches('finished');
      expect(ofKind(await other.events(), 'Condensation')).toEqual([]);
      const attempts = broken.requests.length;
      expect(attempts).toBeGreaterThan(0);
      expect(attempts).toBeLessThan(6);
      const answer = await other.post('condense');
      expect(answer.status).toBe(500);
      expect(JSON.stringify(answer.body)).toMatch(/"error_id":"[0-9a-f]{32}"/);
      expect(JSON.stringify(answer.body)).not.toContain('sk-secret');
      expect((await other.events()).at(-1)?.kind).not.toBe('CondensationRequest');
    } finally {
      await broken.close();
    }
  });

  it('condenses before the next step when requested during a run', async () => {
    const conversation = await create(
      [thinkStep(0), thinkStep(1), thinkStep(2), { ...thinkStep(3), wait: 1 }, finish],
      {},
    );
    await eventually(
      async () => ofKind(await conversation.events(), 'ObservationEvent').length === 3,
      'the third step',
    );
    expect((await conversation.post('condense')).status).toBe(200);
    await conversation.reaches('finished');
    const events = await conversation.events();
    expect(ofKind(events, 'CondensationRequest')).toHaveLength(1);
    expect(ofKind(events, 'Condensation')).toHaveLength(1);
  });
});
