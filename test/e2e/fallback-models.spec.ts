import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

describe('fallback models', () => {
  let server: ServerProcess;
  let folder: string;
  let endpoints: ChatEndpoint[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'fallback-'));
    server = await ServerProcess.start({ cwd: folder, env: { HOME: folder } });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    endpoints = await Promise.all([
      startScriptedEndpoint(),
      startScriptedEndpoint(),
      startScriptedEndpoint(),
    ]);
    for (const [name, endpoint] of [
      ['second', endpoints[1]],
      ['third', endpoints[2]],
    ] as const) {
      const llm = {
        ...fields(endpoint),
        model: `openai/${name}`,
        input_cost_per_token: 0.001,
        output_cost_per_token: 0,
      };
      const saved = await server.request('POST', `/api/profiles/${name}`, { llm, include_secrets: true });
      expect(saved.status).toBe(201);
    }
  });
  afterEach(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));

  const fields = (endpoint: ChatEndpoint | undefined) => ({
    base_url: endpoint?.url,
    api_key: 'sk-test',
    num_retries: 1,
    retry_min_wait: 0,
    retry_max_wait: 0,
  });
  const create = (scripts: EndpointStep[][], fallback_llms: string[], more: Record<string, unknown> = {}) => {
    scripts.forEach((steps, index) => endpoints[index]?.script(steps));
    const llm = { ...fields(endpoints[0]), model: 'openai/first', usage_id: 'agent', ...more };
    const agent = { llm: { ...llm, fallback_strategy: { fallback_llms } }, tools: [] };
    return ConversationClient.create(server, scriptedRequest(folder, 'go', { agent }));
  };
  const callCounts = () => endpoints.map(({ requests }) => requests.length);

  it.each([false, true])(
    'calls fallback models in order, anew for each call, streaming: %s',
    async (stream) => {
      const down: EndpointStep = { status: 503, message: 'down' };
      const conversation = await create(
        [
          [down, { say: 'done' }],
          [{ status: 429, message: 'busy' }],
          [{ tools: [['think', { thought: 'hm' }]] }],
        ],
        ['second', 'nosuch', 'third'],
        { stream },
      );
      await conversation.reaches('finished');
      expect(callCounts()).toEqual([2, 1, 1]);
      // The cost is that of the model that answered, under the usage id of the configured model.
      expect((await conversation.info())['stats']).toMatchObject({
        usage_to_metrics: {
          agent: {
            model_name: 'openai/first',
            accumulated_cost: 1,
            token_usages: [{ model: 'openai/third' }, { model: 'openai/first' }],
          },
        },
      });
      const lines = (await server.flushedLog()).split('\n').filter((line) => line.includes(conversation.id));
      expect(lines.filter((line) => line.includes("trying 'third' (openai/third) instead"))).toHaveLength(1);
      expect(lines.filter((line) => line.includes("its fallback 'nosuch' failed too"))).toHaveLength(1);
    },
  );

  it('does not repeat an invalid request with a fallback model', async () => {
    const conversation = await create([[{ status: 400, message: 'bad thing' }], [{ say: 'no' }]], ['second']);
    await conversation.reaches('error');
    expect(callCounts()).toEqual([1, 0, 0]);
  });

  it('reports the first failure when all fallback models fail', async () => {
    const conversation = await create(
      [[{ status: 503, message: 'down' }], [{ status: 401, message: 'bad key' }]],
      ['second'],
    );
    await conversation.reaches('error');
    expect((await conversation.events()).at(-1)).toMatchObject({ code: 'LLMServiceUnavailableError' });
    expect(callCounts()).toEqual([1, 1, 0]);
  });
});
