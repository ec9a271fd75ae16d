import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

const PIXEL = `data:image/png;base64,${'A'.repeat(4000)}`;

describe('logs of completions', () => {
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

  const create = (
    steps: EndpointStep[],
    llm: Record<string, unknown>,
    more: Record<string, unknown> = {},
  ) => {
    endpoint.script(steps);
    const config = endpointLlm(endpoint, {
      model: 'openai/gpt-4o',
      api_key: 'sk-hidden',
      extra_headers: { 'x-token': 'hidden-header' },
      ...llm,
    });
    return ConversationClient.create(
      server,
      scriptedRequest(server.cwd, 'go', { agent: { llm: config, tools: [{ name: 'terminal' }] }, ...more }),
    );
  };
  const logs = async (conversation: ConversationClient) =>
    (await conversation.events()).filter(({ kind }) => kind === 'LLMCompletionLogEvent');
  const dataOf = (event: SeenEvent | undefined) =>
    JSON.parse(String(event?.['log_data'])) as Record<string, unknown>;

  it.each([false, true])('logs each completion without secrets, streaming: %s', async (stream) => {
    const image = { type: 'image', image_urls: [PIXEL] };
    const content = [{ type: 'text', text: 'look at hidden-"value"' }, image];
    const conversation = await create(
      [{ say: 'hm', tools: [['think', { thought: 'hidden-"value"' }]] }, { say: 'done' }],
      { log_completions: true, stream, reasoning_effort: null },
      {
        secrets: { TOKEN: { kind: 'StaticSecret', value: 'hidden-"value"' } },
        initial_message: { role: 'user', content },
      },
    );
    await conversation.reaches('finished');
    const [first, second, ...others] = await logs(conversation);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ source: 'environment', model_name: 'openai/gpt-4o', usage_id: 'agent' });
    expect(first?.['filename']).toMatch(/^openai__gpt-4o-\d+\.\d{3}-[0-9a-f]{4}\.json$/);
    expect(Object.keys(first ?? {}).at(-1)).toBe('kind');
    expect(dataOf(first)).toMatchObject({
      context_window: 128000,
      messages: [
        { role: 'system' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look at <secret-hidden>' },
            { type: 'image_url', image_url: { url: `<${PIXEL.length} characters>` } },
          ],
        },
      ],
      kwargs: { extra_headers: ['x-token'], ...(stream && { stream: true }) },
      response: {
        id: 'chatcmpl-1',
        choices: [{ message: { role: 'assistant' } }],
        usage: { prompt_tokens: 1000 },
      },
      usage_summary: { completion_tokens: 10, cache_read_tokens: 100 },
    });
    expect(dataOf(second)['messages']).toHaveLength(4);
    const all = JSON.stringify([first, second]);
    for (const secret of ['hidden-header', 'sk-hidden', 'hidden-']) expect(all.includes(secret)).toBe(false);
    // The log event is part of the tree and precedes the actions of the answer.
    const events = await conversation.events();
    expect(events.find(({ kind }) => kind === 'ActionEvent')?.parent_id).toBe(first?.id);
  });

  it('logs failed completions', async () => {
    const conversation = await create([{ status: 400, message: 'bad sk-hidden' }], { log_completions: true });
    await conversation.reaches('error');
    const [log, ...others] = await logs(conversation);
    expect(others).toEqual([]);
    expect(log?.['filename']).toMatch(/-error\.json$/);
    expect(dataOf(log)).toMatchObject({
      error: {
        type: 'LLMBadRequestError',
        message: 'litellm.BadRequestError: OpenAIException - bad **********',
      },
      cost: 0,
    });
  });

  it('bounds the logged messages of a long conversation', async () => {
    const think = (thought: string): EndpointStep => ({ tools: [['think', { thought }]] });
    const steps = [
      ...Array.from({ length: 8 }, (_, index) => think(String(index).repeat(100_000))),
      { say: 'done' },
    ];
    const conversation = await create(steps, { log_completions: true });
    await conversation.reaches('finished');
    const last = (await logs(conversation)).at(-1);
    expect(String(last?.['log_data']).length).toBeLessThan(700_000);
    expect(dataOf(last)['messages']).toMatchObject({
      0: { role: 'system' },
      1: { left_out: expect.any(Number) as unknown },
    });
  });

  it('logs no completions by default', async () => {
    const conversation = await create([{ say: 'done' }], {});
    await conversation.reaches('finished');
    expect(await logs(conversation)).toEqual([]);
  });
});
