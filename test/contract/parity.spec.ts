import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenConversation,
} from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** Cases in which this server once answered differently from the original when both ran side by side. */
describe('parity with the original', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const create = (more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, undefined, more));
  const post = (conversation: ConversationClient, what: string) =>
    server.request('POST', `${conversation.route}/${what}`);

  describe('a conversation that does not start with a message', () => {
    it('has its system prompt before the first message', async () => {
      const conversation = await create();
      await post(conversation, 'pause');
      await conversation.send('FINISH: done', false);
      await conversation.send('FINISH: again', false);
      expect((await conversation.events()).map(brief)).toEqual([
        'execution_status=paused',
        'PauseEvent',
        'SystemPromptEvent',
        'MessageEvent',
        'last_user_message_id',
        'MessageEvent',
        'last_user_message_id',
      ]);
    });

    it('has __root__ as the parent of events without a branch, except for its first event', async () => {
      const conversation = await create();
      await server.request('PATCH', conversation.route, { tags: { a: '1' } });
      await server.request('PATCH', conversation.route, { tags: {} });
      await post(conversation, 'pause');
      await conversation.send('FINISH: done', false);
      const events = await conversation.events();
      expect(events.slice(0, 5).map((event) => [brief(event), event.parent_id])).toEqual([
        ['tags', undefined],
        ['tags', '__root__'],
        ['execution_status=paused', '__root__'],
        ['PauseEvent', '__root__'],
        ['SystemPromptEvent', events[3]?.id],
      ]);
    });
  });

  it('appends no event for tags that stay as they are', async () => {
    const conversation = await create({ tags: { a: '1', b: '2' } });
    await server.request('PATCH', conversation.route, { tags: { b: '2', a: '1' } });
    expect(await conversation.events()).toEqual([]);
  });

  it('shows the statistics of the agent from its first message on, all zero', async () => {
    const conversation = await create();
    expect((await conversation.info())['stats']).toEqual({ usage_to_metrics: {} });
    await conversation.send('FINISH: done', false);
    expect((await conversation.info())['stats']).toEqual({
      usage_to_metrics: {
        agent: {
          model_name: 'scripted/test',
          accumulated_cost: 0,
          max_budget_per_task: null,
          accumulated_token_usage: {
            model: 'scripted/test',
            prompt_tokens: 0,
            completion_tokens: 0,
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            reasoning_tokens: 0,
            context_window: 0,
            per_turn_token: 0,
            response_id: '',
          },
          costs: [],
          response_latencies: [],
          token_usages: [],
        },
      },
    });
  });

  it('answers a create for an existing id as any create, without runtime_info', async () => {
    const request = scriptedRequest(workspace, undefined, { conversation_id: randomUUID() });
    for (const status of [201, 200]) {
      const answer = await server.request('POST', '/api/conversations', request);
      expect(answer.status).toBe(status);
      expect((answer.body as SeenConversation)['runtime_info']).toBeNull();
    }
  });

  it('accepts only a parent that exists and has the same workspace', async () => {
    const parent = await create();
    const child = await create({ parent_conversation_id: parent.id });
    expect((await child.info())['parent_conversation_id']).toBe(parent.id);
    const unknown = randomUUID();
    const refused = async (request: unknown) => {
      const { status, body } = await server.request('POST', '/api/conversations', request);
      return { status, body };
    };
    expect(await refused(scriptedRequest(workspace, undefined, { parent_conversation_id: unknown }))).toEqual(
      { status: 422, body: { detail: `Parent conversation ${unknown} not found` } },
    );
    const elsewhere = path.join(workspace, 'elsewhere');
    expect(
      await refused(scriptedRequest(elsewhere, undefined, { parent_conversation_id: parent.id })),
    ).toEqual({
      status: 422,
      body: { detail: `Parent conversation ${parent.id} belongs to a different workspace` },
    });
  });

  describe('with a model behind an endpoint', () => {
    let endpoint: ChatEndpoint;

    beforeEach(async () => {
      endpoint = await startScriptedEndpoint();
    });
    afterEach(() => endpoint.close());

    const streaming = (...steps: EndpointStep[]) => {
      endpoint.script(steps);
      const llm = {
        model: 'openai/some-model',
        base_url: endpoint.url,
        api_key: 'sk-test',
        usage_id: 'agent',
        stream: true,
        num_retries: 1,
      };
      return create({ agent: { llm, tools: [] } });
    };

    it('counts the request to rephrase as the last message of the user', async () => {
      const conversation = await streaming(
        { status: 400, message: 'content_policy', code: 'content_policy_violation' },
        { say: 'rephrased' },
      );
      await conversation.send('go');
      await conversation.reaches('finished');
      const events = await conversation.events();
      const messages = events.filter((event) => event.kind === 'MessageEvent');
      expect(messages.map((event) => event.source)).toEqual(['user', 'user', 'agent']);
      expect((await conversation.info())['last_user_message_id']).toBe(messages[1]?.id);
      expect(events.filter((event) => event.key === 'last_user_message_id')).toHaveLength(2);
    });

    it('names the class of the error when an answer breaks off', async () => {
      const conversation = await streaming({ say: 'one two three', breakAfter: 3 });
      const session = await conversation.listen(`/sockets/session/${conversation.id}`);
      await conversation.send('go');
      await eventually(() =>
        Promise.resolve(session.frames.some((frame) => frame['type'] === 'item_aborted')),
      );
      expect(session.frames.find((frame) => frame['type'] === 'item_aborted')).toMatchObject({
        attempt: 1,
        reason: 'LLMServiceUnavailableError',
      });
      await session.close();
    });

    it('reports an answer as cancelled when the run is interrupted', async () => {
      const conversation = await streaming({ say: 'one two three', stallAfter: 3 });
      const session = await conversation.listen(`/sockets/session/${conversation.id}`);
      const sees = (type: string) =>
        eventually(() => Promise.resolve(session.frames.some((frame) => frame['type'] === type)), type);
      await conversation.send('go');
      await sees('delta');
      await post(conversation, 'interrupt');
      await sees('item_aborted');
      expect(session.frames.find((frame) => frame['type'] === 'item_aborted')).toMatchObject({
        reason: 'cancelled',
      });
      await session.close();
    });
  });
});
