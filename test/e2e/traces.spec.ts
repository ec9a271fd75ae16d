import { randomUUID } from 'node:crypto';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startMcpServer, type TestMcpServer } from '../support/mcp-http.mjs';
import { OtlpReceiver, type SeenSpan } from '../support/otlp-receiver.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const PRICES = { input_cost_per_token: 0.001, output_cost_per_token: 0.01 };
const receiver = await OtlpReceiver.start();
const webhooks = await WebhookReceiver.start();
let endpoint: ChatEndpoint;
let mcp: TestMcpServer;

beforeAll(async () => {
  endpoint = await startScriptedEndpoint();
  mcp = await startMcpServer();
});
afterAll(() => Promise.all([endpoint.close(), mcp.close(), receiver.close(), webhooks.down()]));

/** Spans whose number and order differ between runs. */
const BESIDE = new Set(['append', 'read_view', 'webhook']);

/** A span in a tree, without what differs between runs. */
function treeOf(span: SeenSpan): unknown {
  const children = receiver
    .childrenOf(span)
    .filter(({ name }) => !BESIDE.has(name))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  return children.length === 0 ? span.name : [span.name, ...children.map(treeOf)];
}

describe('traces', () => {
  const fixture = ServerFixture.forTests({
    env: {
      ...receiver.env,
      OTEL_SERVICE_NAME: 'agents',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OPENHANDS_OBSERVABILITY_METADATA: '{"team":"red","x":1}',
      OH_WEBHOOKS_0_BASE_URL: webhooks.url,
      OH_WEBHOOKS_0_FLUSH_DELAY: '0.01',
    },
  });
  const llm = (more: Record<string, unknown> = {}) => endpointLlm(endpoint, { ...PRICES, ...more });
  const agent = (more: Record<string, unknown> = {}, model = llm()) => ({
    agent: { llm: model, tools: [{ name: 'terminal' }, { name: 'task_tool_set' }], ...more },
  });

  /** The span of the run of a conversation, once it has arrived. */
  async function runOf({ id }: ConversationClient, count = 1): Promise<SeenSpan> {
    const runs = () =>
      receiver.spans.filter(
        ({ attributes }) =>
          attributes['gen_ai.conversation.id'] === id && attributes['openhands.run.status'] !== undefined,
      );
    await eventually(() => runs().length >= count, 'the span of the run');
    const run = runs().at(-1);
    if (!run) throw new Error('no run');
    return run;
  }

  /** A span that may arrive after those within it. */
  async function spanWith(id: string | undefined): Promise<SeenSpan> {
    const find = () => receiver.spans.find(({ spanId }) => spanId === id);
    await eventually(() => find() !== undefined, `the span ${id}`);
    const span = find();
    if (!span) throw new Error('no span');
    return span;
  }

  it('shows ten steps with their parents, durations and the costs that the statistics have', async () => {
    const commands = Array.from({ length: 9 }, (_, index) => `RUN: sleep 0.0${index}`).join('\n');
    const before = endpoint.requests.length;
    const conversation = await fixture.run(`${commands}\nFINISH: done`, agent());
    const run = await runOf(conversation);
    const step = (tool: string) => ['step', 'chat openai/scripted', `execute_tool ${tool}`];
    expect(treeOf(run)).toEqual([
      'invoke_agent Agent',
      ...Array.from({ length: 9 }, () => step('terminal')),
      step('finish'),
    ]);
    const spans = receiver.spans.filter(({ traceId }) => traceId === run.traceId);
    for (const span of spans) {
      const parent = spans.find(({ spanId }) => spanId === span.parentId);
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      if (parent && span.name !== 'webhook') expect(span.start).toBeGreaterThanOrEqual(parent.start);
    }
    const [slow] = spans.filter(({ attributes }) => attributes['gen_ai.tool.name'] === 'terminal').slice(-1);
    expect(Number((slow?.end ?? 0n) - (slow?.start ?? 0n)) / 1e6).toBeGreaterThan(80);
    const chats = spans.filter(({ name }) => name.startsWith('chat '));
    const sum = (name: string) =>
      chats.reduce((total, { attributes }) => total + Number(attributes[name]), 0);
    // What the endpoint counts: 999 tokens and the number of the request, and ten tokens of the answer.
    const numbers = Array.from({ length: 10 }, (_, index) => before + index + 1);
    const sent = numbers.reduce((total, number) => total + 999 + number, 0);
    expect(sum('gen_ai.usage.input_tokens')).toBe(sent);
    expect(sum('gen_ai.usage.output_tokens')).toBe(100);
    const cost = sum('gen_ai.usage.cost');
    expect(cost).toBeCloseTo(sent * PRICES.input_cost_per_token + 100 * PRICES.output_cost_per_token, 6);
    expect(run.attributes['gen_ai.usage.cost']).toBeCloseTo(cost, 6);
    const { stats } = (await conversation.info()) as unknown as {
      stats: { usage_to_metrics: { agent: { accumulated_cost: number } } };
    };
    expect(stats.usage_to_metrics.agent.accumulated_cost).toBeCloseTo(cost, 6);
    expect(run).toMatchObject({
      parentId: '',
      status: { code: 0 },
      resource: { 'service.name': 'agents', 'deployment.environment.name': 'test' },
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'session.id': conversation.id,
        'openhands.run.status': 'finished',
        'openhands.run.steps': 10,
        'openhands.observability.metadata.team': 'red',
      },
    });
    expect(chats[0]).toMatchObject({
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'openai/scripted',
        'gen_ai.response.finish_reasons': ['tool_calls'],
        'gen_ai.usage.cache_read.input_tokens': 100,
        'gen_ai.conversation.id': conversation.id,
        'server.address': '127.0.0.1',
        'openhands.usage_id': 'agent',
      },
    });
    const asked = endpoint.requests.at(-1)?.headers['traceparent'];
    expect(asked).toBe(`00-${run.traceId}-${chats.at(-1)?.spanId}-01`);
    expect(run.links).toHaveLength(1);
    expect((await spanWith(run.links[0]?.spanId)).name).toBe('POST /api/conversations');
    expect(spans.some(({ name }) => name === 'append')).toBe(true);
    // Nothing that was said is in a trace by default.
    expect(Buffer.concat(receiver.exports.map(({ body }) => body)).includes('sleep 0.0')).toBe(false);
  });

  it('goes on with the trace of a caller, and hands it to webhooks and MCP servers', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: 'vendor=value' };
    const request = scriptedRequest(fixture.workspace, 'TOOL: echo {"text":"hi"}\nFINISH: done', {
      ...agent({ mcp_config: { remote: { url: mcp.url } } }),
    });
    const { status, body } = await fixture.server.request('POST', '/api/conversations', request, headers);
    expect(status).toBe(201);
    const conversation = new ConversationClient(fixture.server, (body as { id: string }).id);
    await conversation.reaches('finished');
    const run = await runOf(conversation);
    const http = await spanWith(run.parentId);
    expect(http).toMatchObject({
      traceId,
      parentId: '00f067aa0ba902b7',
      name: 'POST /api/conversations',
      kind: 2,
    });
    expect(http.attributes).toMatchObject({
      'http.route': '/api/conversations',
      'http.response.status_code': 201,
    });
    const tool = receiver.spans.find(
      (span) => span.traceId === traceId && span.attributes['gen_ai.tool.name'] === 'echo',
    );
    expect(mcp.headers.map((sent) => sent['traceparent'])).toContain(`00-${traceId}-${tool?.spanId}-01`);
    await eventually(
      () => webhooks.received.some(({ headers: sent }) => String(sent['traceparent']).includes(traceId)),
      'a webhook of the trace',
    );
  });

  it('puts what the client says about its conversation into the trace', async () => {
    const parent = {
      trace_id: randomUUID(),
      span_id: '00000000-0000-0000-00f0-67aa0ba902b7',
      is_remote: true,
    };
    const conversation = await fixture.run('FINISH: done', {
      ...agent(),
      user_id: 'ada',
      observability_metadata: { x: 2, list: ['a', 'b'], big: 1e300 },
      observability_tags: ['nightly'],
      observability_span_name: 'review/pull-request',
      observability_parent_span_context: JSON.stringify(parent),
      tags: { ticket: '42' },
    });
    const run = await runOf(conversation);
    expect(run).toMatchObject({
      name: 'review/pull-request',
      traceId: parent.trace_id.replaceAll('-', ''),
      parentId: '00f067aa0ba902b7',
      attributes: {
        'user.id': 'ada',
        'openhands.observability.tags': ['nightly'],
        'openhands.observability.metadata.team': 'red',
        'openhands.observability.metadata.x': 2,
        'openhands.observability.metadata.list': ['a', 'b'],
        'openhands.observability.metadata.big': '1e+300',
        'openhands.tag.ticket': '42',
      },
    });
  });

  it('rejects what no span can hold, in the body and in headers', async () => {
    const create = async (fields: object, header?: [name: string, value: string]) => {
      const sent = header && { [`X-OpenHands-Observability-${header[0]}`]: header[1] };
      const request = scriptedRequest(fixture.workspace, undefined, { ...fields });
      const { status, body } = await fixture.server.request('POST', '/api/conversations', request, sent);
      return { status, detail: (body as { detail: unknown }).detail };
    };
    const problem = (field: string, text: string) => ({
      status: 422,
      detail: [
        expect.objectContaining({ loc: ['body', field], msg: expect.stringContaining(text) as unknown }),
      ],
    });
    expect(await create({ observability_metadata: { a: [1, 'x'] } })).toEqual(
      problem('observability_metadata', "value for 'a' must be a scalar or a homogeneous sequence"),
    );
    expect(await create({ observability_tags: [''] })).toEqual(
      problem('observability_tags', 'Observability tags must be non-empty strings'),
    );
    expect(await create({ observability_span_name: 'a b' })).toEqual(
      problem('observability_span_name', 'may only contain letters'),
    );
    const name = await create({}, ['Span-Name', 'a b']);
    expect(name).toMatchObject({ status: 422, detail: [{ loc: [], type: 'value_error' }] });
    const metadata = await create({}, ['Metadata', '[1]']);
    expect(metadata).toMatchObject({
      status: 422,
      detail: [{ loc: [], msg: 'Value error, Observability metadata must be a dictionary' }],
    });
  });

  it('shows sub-agents, questions, titles, hooks and condensations where they happen', async () => {
    const task = JSON.stringify({
      prompt: 'RUN: true\nFINISH: sub',
      description: 'x',
    });
    const hooks = { pre_tool_use: [{ matcher: 'terminal', hooks: [{ type: 'command', command: 'true' }] }] };
    const conversation = await fixture.run(`TOOL: task ${task}\nFINISH: done`, {
      ...agent({ condenser: { kind: 'LLMSummarizingCondenser', llm: llm({ usage_id: 'condenser' }) } }),
      hook_config: hooks,
      autotitle: true,
    });
    const run = await runOf(conversation, 2);
    await eventually(() => receiver.named('generate_title').length > 0, 'the title');
    expect(treeOf(run)).toEqual([
      'invoke_agent Agent',
      [
        'step',
        'chat openai/scripted',
        [
          'execute_tool task',
          [
            'invoke_agent general-purpose',
            ['step', 'chat openai/scripted', 'hook PreToolUse', 'execute_tool terminal'],
            ['step', 'chat openai/scripted', 'execute_tool finish'],
          ],
        ],
      ],
      ['step', 'chat openai/scripted', 'execute_tool finish'],
    ]);
    const [title] = receiver.named('generate_title');
    expect(title && treeOf(title)).toEqual(['generate_title', 'chat openai/scripted']);
    await conversation.post('ask_agent', { question: 'SAY: fine' });
    await conversation.post('condense');
    for (const operation of ['ask_agent', 'condense']) {
      await eventually(() => receiver.named(operation).length > 0, operation);
      const [span] = receiver.named(operation);
      const parent = await spanWith(span?.parentId);
      expect(parent.name).toBe(`POST /api/conversations/{conversation_id}/${operation}`);
      expect(span?.attributes['gen_ai.conversation.id']).toBe(conversation.id);
    }
  });

  it('marks what has failed, up to the run', async () => {
    const conversation = await fixture.create('FAIL: 401 bad key\nSAY: x', agent());
    await conversation.reaches('error');
    const run = await runOf(conversation);
    const chat = receiver.spans.find(
      ({ traceId, name }) => traceId === run.traceId && name.startsWith('chat'),
    );
    for (const span of [run, chat]) {
      expect(span?.status.code).toBe(2);
      expect(span?.attributes['error.type']).toBe('LLMAuthenticationError');
      expect(span?.events.map(({ name }) => name)).toContain('exception');
    }
  });
});
