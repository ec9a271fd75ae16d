import { CONVERSATION, GatewayFixture, chat } from '../support/gateway-fixture.js';

const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

/** An error in the formats of both APIs: `detail` and OpenAI's `error`. */
interface Refusal {
  status: number;
  detail: unknown;
  error: Record<string, unknown>;
}

// Matchers without their type `any`.
const anyText: unknown = expect.any(String);
const anyNumber: unknown = expect.any(Number);
const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);

describe('the wire format of the OpenAI gateway', () => {
  let fixture: GatewayFixture;

  beforeAll(async () => {
    fixture = await GatewayFixture.start();
  });
  afterAll(() => fixture.stop());

  const refused = async (
    route: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Refusal> => {
    const response = await fixture.raw(route, body, headers);
    const answer = (await response.json()) as Omit<Refusal, 'status'>;
    return { status: response.status, ...answer };
  };
  const refusedChat = async (body: object) => {
    const { status, detail, error } = await refused('/chat/completions', { ...chat('FINISH: x'), ...body });
    // Both error formats hold the same facts.
    expect(error).toMatchObject({ message: anyText, type: 'invalid_request_error' });
    return [status, detail];
  };
  const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
  const part = (...parts: object[]) => user(parts);

  it('streams a completion as chunks', async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const response = await fixture.raw('/chat/completions', chat('FINISH: streamed', options));
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const frames = (await response.text()).split('\n\n');
    expect(frames.slice(-2)).toEqual(['data: [DONE]', '']);
    const chunks = frames.slice(0, -2).map((frame): unknown => JSON.parse(frame.replace(/^data: /, '')));
    const frame = {
      id: like(/^chatcmpl-[\da-f]{32}$/),
      created: anyNumber,
      ...{ model: 'openhands_main', object: 'chat.completion.chunk' },
    };
    expect(chunks).toEqual([
      { ...frame, choices: [{ delta: { role: 'assistant' }, index: 0 }] },
      { ...frame, choices: [{ delta: { content: 'streamed' }, index: 0 }] },
      { ...frame, choices: [{ delta: {}, finish_reason: 'stop', index: 0 }] },
      {
        ...{ ...frame, choices: [] },
        usage: { completion_tokens: anyNumber, prompt_tokens: anyNumber, total_tokens: anyNumber },
      },
    ]);
  });

  it('streams a response as events', async () => {
    const body = { model: 'openhands_main', input: 'FINISH: streamed', stream: true };
    const text = await (await fixture.raw('/responses', body)).text();
    const events = text.trimEnd().split('\n\n');
    const seen = events.map((event) => {
      const [, name, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      return { name, ...(JSON.parse(data) as { type: string; sequence_number: number }) };
    });
    expect(seen.map(({ name }) => name?.replace('response.', ''))).toEqual([
      ...['created', 'in_progress', 'output_item.added', 'content_part.added', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
    ]);
    expect(seen.every(({ name, type }) => name === type)).toBe(true);
    expect(seen.map(({ sequence_number }) => sequence_number)).toEqual([...seen.keys()]);
  });

  it('rejects invalid completion requests in both error formats', async () => {
    const messages = 'At least one user message is required';
    expect(await refusedChat({ messages: [] })).toEqual([400, messages]);
    expect(await refusedChat({ messages: [{ role: 'system', content: 'x' }] })).toEqual([400, messages]);
    for (const content of ['', ' \n', null, [], [{ type: 'text' }]])
      expect(await refusedChat(user(content))).toEqual([400, 'The user message must not be empty']);
    expect(await refusedChat(part({ type: 'audio' }))).toEqual([400, 'Unsupported content part type: audio']);
    expect(await refusedChat(part({ type: 'image_url' }))).toEqual([
      400,
      'image_url content part is missing a url',
    ]);
    for (const image_url of ['file:///etc/passwd', { url: 'javascript:alert(1)' }, 'data:text/html,x'])
      expect(await refusedChat(part({ type: 'image_url', image_url }))).toEqual([
        400,
        'An image must be an http(s) URL or a data: URL of an image',
      ]);
    const images = Array.from({ length: 101 }, () => ({ type: 'image_url', image_url: IMAGE }));
    expect(await refusedChat(part(...images))).toEqual([400, 'A message may have 100 images, not 101']);
    expect(await refusedChat({ model: 'openhands_nope' })).toEqual([404, "Profile 'nope' not found"]);
    expect(await refusedChat({ model: 'openhands_' })).toEqual([
      404,
      "Unknown OpenHands model 'openhands_'. Use GET /v1/models.",
    ]);
    expect(await refusedChat({ model: 'openhands_../../x' })).toEqual([400, anyText]);
  });

  it.each([
    ['model', { model: 5 }],
    ['model', { model: undefined }],
    ['messages', { messages: undefined }],
    ['messages', { messages: 'x' }],
    ['messages', { messages: Array.from({ length: 2049 }, () => ({ role: 'user', content: 'x' })) }],
    ['messages.0.role', { messages: [{ role: 'wizard', content: 'x' }] }],
    ['messages.0.content.str', user(5)],
    ['messages.0.content.str', part({ text: 'no type' })],
    ['messages.0.content.str', part({ type: 'text', text: 5 })],
    ['messages.0.content.str', part({ type: 'image_url', image_url: 5 })],
    ['stream', { stream: 'zz' }],
    ['stream_options', { stream_options: 5 }],
    ['stream_options.include_usage', { stream_options: { include_usage: 'zz' } }],
  ])('names the invalid field %s of the completion request %j', async (param, body) => {
    const { status, detail, error } = await refused('/chat/completions', { ...chat('FINISH: x'), ...body });
    expect([status, error['param']]).toEqual([422, param]);
    expect(Array.isArray(detail)).toBe(true);
  });

  it.each([
    [400, 'Responses input must not be empty', { input: '' }],
    [400, 'Responses input must not be empty', { input: [{ role: 'user', content: [] }] }],
    [400, 'Responses input must include a user message', { input: [] }],
    [400, 'Responses input must include a user message', { input: [{ role: 'system', content: 'x' }] }],
    [400, 'Persistent response storage (store=True) is not supported yet', { store: true }],
    [
      400,
      'previous_response_id is not supported; replay input items instead',
      { previous_response_id: 'resp_1' },
    ],
    [
      400,
      'Unsupported Responses content part type: input_file',
      { input: [{ role: 'user', content: [{ type: 'input_file' }] }] },
    ],
    [
      400,
      'input_image content part is missing an image_url',
      { input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
    ],
    [404, "Profile 'nope' not found", { model: 'openhands_nope' }],
  ])('answers an invalid response request with %i %s', async (status, detail, body) => {
    const answer = await refused('/responses', { model: 'openhands_main', input: 'FINISH: x', ...body });
    expect(answer).toMatchObject({ status, detail, error: { message: detail } });
  });

  it.each([
    ['input.str', { input: 5 }],
    ['input.str', { input: [{ role: 'tool', content: 'x' }] }],
    ['store', { store: 'q' }],
    ['stream', { stream: 'q' }],
    ['instructions', { instructions: 5 }],
    ['metadata.a', { metadata: { a: 1 } }],
    ['metadata', { metadata: 'x' }],
  ])('names the invalid field %s of the response request %j', async (param, body) => {
    const answer = await refused('/responses', { model: 'openhands_main', input: 'FINISH: x', ...body });
    expect([answer.status, answer.error['param']]).toEqual([422, param]);
  });

  it('passes a dialogue to the agent as one message with roles', async () => {
    const input = [
      { role: 'developer', content: 'Be kind' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'FINISH: bye' }] },
    ];
    const response = await fixture.raw('/responses', {
      model: 'openhands_main',
      input,
      instructions: 'Be brief',
    });
    expect(await response.json()).toMatchObject({ output: [{ content: [{ text: 'bye' }] }] });
    const id = response.headers.get(CONVERSATION) ?? '';
    const { items } = await fixture.ok('GET', `/api/conversations/${id}/events/search?limit=100`);
    const events = items as { kind: string; llm_message?: { content: { text: string }[] } }[];
    const message = events.find(({ kind }) => kind === 'MessageEvent');
    expect(message?.llm_message?.content.map(({ text }) => text)).toEqual([
      ...['<message role="user">', 'hello', '</message>'],
      ...['<message role="assistant">', 'hi', '</message>'],
      ...['<message role="user">', 'FINISH: bye', '</message>'],
    ]);
    const info = await fixture.ok('GET', `/api/conversations/${id}`);
    expect(info).toMatchObject({
      agent: { agent_context: { system_message_suffix: 'Be brief\n\nBe kind' } },
    });
  });

  it('rejects invalid headers, bodies and routes under /v1 in both error formats', async () => {
    const invalid = await refused('/chat/completions', chat('FINISH: x'), { [CONVERSATION]: 'zz' });
    expect(invalid).toMatchObject({
      ...{ status: 422, error: { param: `header.${CONVERSATION}` } },
      detail: [{ type: 'uuid_parsing', loc: ['header', CONVERSATION], input: 'zz' }],
    });
    const metadata = await refused('/chat/completions', chat('FINISH: x'), {
      'X-OpenHands-Observability-Metadata': '{bad',
    });
    const text = 'X-OpenHands-Observability-Metadata must be a JSON object';
    expect(metadata).toMatchObject({ status: 422, detail: text, error: { message: text } });

    expect(await refused('/chat/completions', '{"model":')).toMatchObject({
      ...{ status: 422, detail: [{ type: 'json_invalid' }] },
      error: { type: 'invalid_request_error' },
    });
    expect(await refused('/embeddings', {})).toMatchObject({ status: 404, error: { code: 'not_found' } });
    expect(await refused('/models', {})).toMatchObject({ status: 405, error: { code: null } });
    const unauthorized = await refused('/responses', {}, { authorization: 'Bearer wrong' });
    expect(unauthorized).toMatchObject({
      status: 401,
      detail: 'Unauthorized',
      error: { message: 'Unauthorized' },
    });
  });

  it('tells clients not to retry a failed request', async () => {
    const response = await fixture.raw('/chat/completions', chat('FAIL: 400'));
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.json()).toMatchObject({
      detail: 'Internal Server Error',
      exception: like(/^500: Agent run ended with status: error/),
      error: { type: 'server_error' },
    });
  });
});
