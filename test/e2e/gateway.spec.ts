import {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  UnprocessableEntityError,
  type OpenAI,
} from 'openai';
import { CONVERSATION, GatewayFixture, chat, conversationOf } from '../support/gateway-fixture.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { eventually } from '../support/server-process.js';

const STORY = 'SAY: Let me look at it.\nRUN: echo looked\nFINISH: All is well.';

describe("the gateway with OpenAI's client", () => {
  let fixture: GatewayFixture;
  let openai: OpenAI;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    fixture = await GatewayFixture.start();
    openai = fixture.client();
    endpoint = await startScriptedEndpoint();
    await fixture.model('remote', { model: 'openai/gpt-4o', base_url: endpoint.url, api_key: 'x' });
  });
  afterAll(async () => {
    await fixture.stop();
    await endpoint.close();
  });

  const streamed = async (body: OpenAI.ChatCompletionCreateParamsStreaming, headers = {}) => {
    const { data, response } = await openai.chat.completions.create(body, { headers }).withResponse();
    const pieces: string[] = [];
    let usage: unknown;
    for await (const { choices, usage: total } of data) {
      pieces.push(...choices.flatMap(({ delta }) => delta.content ?? []));
      usage ??= total;
    }
    return { pieces, usage, text: pieces.join(''), id: conversationOf(response) };
  };

  it('lists a model for each LLM profile', async () => {
    const { data } = await openai.models.list();
    expect(data).toEqual(
      ['main', 'remote'].map((name) => ({
        ...{ id: `openhands_${name}`, created: 0, object: 'model', owned_by: 'openhands' },
      })),
    );
  });

  it('answers a completion with the final response and continues by the header', async () => {
    const first = await openai.chat.completions.create(chat('FINISH: one')).withResponse();
    expect(first.data).toMatchObject({
      ...{ object: 'chat.completion', model: 'openhands_main' },
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'one' } }],
    });
    const id = conversationOf(first.response);
    const { usage } = first.data;
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));

    const second = await openai.chat.completions
      .create(chat('FINISH: two'), { headers: { [CONVERSATION]: id } })
      .withResponse();
    expect(second.data.choices[0]?.message.content).toBe('two');
    expect(conversationOf(second.response)).toBe(id);
    // The totals of the conversation, not of the answer.
    expect(second.data.usage?.prompt_tokens).toBeGreaterThan(usage?.prompt_tokens ?? 0);
  });

  it('creates the conversation that the header names', async () => {
    const id = 'b1f7c0de-1111-4222-8333-444455556666';
    const { response } = await openai.chat.completions
      .create(chat('FINISH: made'), { headers: { [CONVERSATION]: id } })
      .withResponse();
    expect(conversationOf(response)).toBe(id);
    expect(await fixture.status(id)).toBe('finished');
  });

  it('uses the requested model, the active profile and the system message', async () => {
    const { response } = await openai.chat.completions
      .create({
        model: 'openhands_remote',
        messages: [
          { role: 'system', content: 'Answer in rhymes.' },
          { role: 'user', content: 'not this' },
          { role: 'assistant', content: 'nor this' },
          { role: 'user', content: 'FINISH: done' },
        ],
      })
      .withResponse();
    const sent = JSON.stringify(endpoint.requests.at(-1)?.body.messages);
    expect(sent).toContain('Answer in rhymes.');
    expect(sent).not.toMatch(/(not|nor) this/);
    const info = await fixture.ok('GET', `/api/conversations/${conversationOf(response)}`);
    expect(info).toMatchObject({
      launched_agent_profile: { llm_profile_ref: 'remote' },
      agent: { llm: { model: 'openai/gpt-4o', stream: true } },
      tags: {},
    });
  });

  it('passes images to the model', async () => {
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    await openai.chat.completions.create({
      model: 'openhands_remote',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'FINISH: seen' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    expect(JSON.stringify(endpoint.requests.at(-1)?.body.messages)).toContain(url);
  });

  it('streams text while the model writes it', async () => {
    endpoint.script([{ say: 'one two three four five', stallAfter: 4 }]);
    const abort = new AbortController();
    const { data, response } = await openai.chat.completions
      .create({ ...chat('go', { model: 'openhands_remote' }), stream: true }, { signal: abort.signal })
      .withResponse();
    const seen: string[] = [];
    // The model never completes its answer, so every chunk was sent while it was writing.
    for await (const { choices } of data) {
      seen.push(choices[0]?.delta.content ?? '');
      if (seen.join('').includes('two ')) abort.abort();
    }
    expect(seen.filter((piece) => piece !== '').length).toBeGreaterThan(1);
    const id = conversationOf(response);
    await eventually(async () => (await fixture.status(id)) === 'paused', 'the interrupted run');
    const kinds = await kindsOf(id);
    expect(kinds).toContain('InterruptEvent');

    // An interrupted conversation continues with the next message.
    const next = await streamed(
      { ...chat('FINISH: back', { model: 'openhands_remote' }), stream: true },
      {
        [CONVERSATION]: id,
      },
    );
    expect(next).toMatchObject({ text: 'back', id });
  });

  it('streams the final message while the model writes it', async () => {
    const message = 'one two three four five six seven';
    // The role, the beginning of the call, and two of the three chunks of its arguments.
    endpoint.script([{ tools: [['finish', { message }]], stallAfter: 4 }]);
    const abort = new AbortController();
    const body = { ...chat('go', { model: 'openhands_remote' }), stream: true } as const;
    const stream = await openai.chat.completions.create(body, { signal: abort.signal });
    let seen = '';
    for await (const { choices } of stream) {
      seen += choices[0]?.delta.content ?? '';
      if (seen.includes('one')) abort.abort();
    }
    expect(message.startsWith(seen)).toBe(true);

    endpoint.script([{ tools: [['finish', { message }]] }]);
    const { pieces, text } = await streamed(body);
    expect(pieces.length).toBeGreaterThan(1);
    expect(text).toBe(message);
  });

  it('streams the same text as the whole answer', async () => {
    const text = 'The final words of this answer.';
    const {
      pieces,
      text: all,
      usage,
    } = await streamed({
      ...chat(`SAY: ${text}`),
      ...{ stream: true, stream_options: { include_usage: true } },
    });
    expect(all).toBe(text);
    expect(pieces.length).toBeGreaterThan(1);
    const whole = await openai.chat.completions.create(chat(`SAY: ${text}`));
    expect(whole.choices[0]?.message.content).toBe(text);
    expect(usage).toEqual(whole.usage);
  });

  it('streams intermediate messages, or on request the final response only', async () => {
    const story = { ...chat(STORY), stream: true } as const;
    const { text, id } = await streamed(story);
    expect(text).toBe('Let me look at it.\n\nAll is well.');
    const { response } = await fixture.ok('GET', `/api/conversations/${id}/agent_final_response`);
    expect(response).toBe('All is well.');
    // An option that OpenAI's types do not have.
    const only = { ...story, stream_options: { include_usage: false, include_commentary: false } };
    expect((await streamed(only)).text).toBe('All is well.');
  });

  it('answers a response request whole and as a stream of items', async () => {
    const body = { model: 'openhands_main', input: STORY, instructions: 'Be brief', metadata: { a: 'b' } };
    const whole = await openai.responses.create(body);
    expect(whole).toMatchObject({
      ...{ object: 'response', status: 'completed', instructions: 'Be brief', metadata: { a: 'b' } },
      ...{ model: 'openhands_main', output_text: 'All is well.' },
    });

    const stream = openai.responses.stream(body);
    let text = '';
    stream.on('response.output_text.delta', ({ delta }) => (text += delta));
    const final = await stream.finalResponse();
    expect(text).toBe('Let me look at it.All is well.');
    expect(final.output).toMatchObject([
      { content: [{ text: 'Let me look at it.' }], phase: 'commentary', status: 'completed' },
      { content: [{ text: 'All is well.' }], phase: 'final_answer', status: 'completed' },
    ]);
    expect(final.usage).toEqual(whole.usage);
    expect(final.usage?.total_tokens).toBeGreaterThan(0);
  });

  it("answers with errors that OpenAI's client knows", async () => {
    const errorOf = async (request: Promise<unknown>): Promise<unknown> =>
      request.catch((error: unknown) => error);
    const create = (body: object, options: object = {}) =>
      errorOf(openai.chat.completions.create({ ...chat('FINISH: x'), ...body }, options));

    const unknownClient = fixture.client({ apiKey: 'wrong' });
    const unauthorized = await errorOf(unknownClient.chat.completions.create(chat('FINISH: x')));
    expect(unauthorized).toBeInstanceOf(AuthenticationError);
    expect(unauthorized).toMatchObject({ status: 401, code: 'invalid_api_key' });

    const unknown = await create({ model: 'gpt-4' });
    expect(unknown).toBeInstanceOf(NotFoundError);
    expect(String(unknown)).toContain("Unknown OpenHands model 'gpt-4'. Use GET /v1/models.");
    expect(await create({ messages: [] })).toBeInstanceOf(BadRequestError);
    const invalid = await create({ messages: [{ role: 'wizard', content: 'x' }] });
    expect(invalid).toBeInstanceOf(UnprocessableEntityError);
    expect(invalid).toMatchObject({ param: 'messages.0.role', type: 'invalid_request_error' });

    const failed = await create(chat('FAIL: 400'));
    expect(failed).toBeInstanceOf(InternalServerError);
    expect(String(failed)).toContain('Agent run ended with status: error');
  });

  it('reports a run that fails in the middle of a stream', async () => {
    const failing = streamed({ ...chat('SAY: wait\nRUN: true\nFAIL: 400'), stream: true });
    await expect(failing).rejects.toThrow('Agent run ended with status: error');
    const stream = openai.responses.stream({ model: 'openhands_main', input: 'FAIL: 400' });
    const events: string[] = [];
    for await (const event of stream) {
      if (event.type === 'response.failed') events.push(event.response.error?.message ?? '');
    }
    expect(events).toEqual([expect.stringContaining('Agent run ended with status: error')]);
  });

  it('runs the agent once when it fails, although the client could retry', async () => {
    const before = endpoint.requests.length;
    endpoint.script([{ status: 400, message: 'no', code: 'bad' }]);
    const retrying = fixture.client({ maxRetries: 2 });
    const failing = retrying.chat.completions.create(chat('go', { model: 'openhands_remote' }));
    await expect(failing).rejects.toBeInstanceOf(InternalServerError);
    expect(endpoint.requests.length).toBe(before + 1);
  });

  it('interrupts a run whose client has left', async () => {
    const id = '7e57ab1e-0000-4000-8000-00000000aaaa';
    const abort = new AbortController();
    const request = openai.chat.completions.create(chat('RUN: sleep 60\nFINISH: late'), {
      headers: { [CONVERSATION]: id },
      signal: abort.signal,
    });
    const failed = expect(request).rejects.toBeInstanceOf(APIUserAbortError);
    await eventually(async () => (await kindsOf(id)).includes('ActionEvent'), 'the command');
    abort.abort();
    await failed;
    await eventually(async () => (await fixture.status(id)) === 'paused', 'the interrupted run');
  });

  it('refuses a second message while the first is being answered', async () => {
    const id = '7e57ab1e-0000-4000-8000-00000000bbbb';
    const headers = { [CONVERSATION]: id };
    const first = openai.chat.completions.create(chat('RUN: sleep 2\nFINISH: first'), { headers });
    await eventually(async () => (await kindsOf(id)).includes('ActionEvent'), 'the first run');
    const second = openai.chat.completions.create(chat('FINISH: second'), { headers });
    await expect(second).rejects.toBeInstanceOf(ConflictError);
    expect((await first).choices[0]?.message.content).toBe('first');
    const third = await openai.chat.completions.create(chat('FINISH: third'), { headers });
    expect(third.choices[0]?.message.content).toBe('third');
  });

  /** The kinds of the events of a conversation; none if it does not exist yet. */
  async function kindsOf(id: string): Promise<string[]> {
    const events = await fixture
      .ok('GET', `/api/conversations/${id}/events/search?limit=100`)
      .catch(() => ({}));
    const items = 'items' in events && Array.isArray(events.items) ? events.items : [];
    return items.map(({ kind }: { kind: string }) => kind);
  }
});
