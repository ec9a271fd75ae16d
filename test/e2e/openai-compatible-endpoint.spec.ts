import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';

describe('OpenAI-compatible endpoints', () => {
  const fixture = ServerFixture.forTests();
  let endpoint: ChatEndpoint;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (text: string, llm: Record<string, unknown> = {}) =>
    fixture.create(text, {
      agent: { llm: endpointLlm(endpoint, llm), tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
    });

  it.each([false, true])('runs a conversation with streaming %s', async (stream) => {
    const script = 'SAY: I write.\nRUN: echo hi > hi.txt\nSAY: All done.';
    const conversation = await create(script, { api_key: 'sk-test', stream });
    await conversation.reaches('finished');
    expect(await readFile(path.join(fixture.workspace, 'hi.txt'), 'utf8')).toBe('hi\n');
    expect(endpoint.requests).toHaveLength(2);
    expect(endpoint.requests[0]?.headers.authorization).toBe('Bearer sk-test');
    expect(endpoint.requests[1]?.body.messages.map((message) => message['role'])).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
    ]);
    const { body } = await fixture.server.request('GET', `${conversation.route}/agent_final_response`);
    expect(body).toEqual({ response: 'All done.' });
    expect((await conversation.info())['stats']).toEqual({
      usage_to_metrics: { agent: expect.anything() as unknown },
    });
  });

  it.each([
    ['openai/some-model', false],
    ['openai/gpt-4o', true],
  ])('sends images of tools only to a model that accepts them: %s', async (model, isShown) => {
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const image = path.join(fixture.workspace, 'pixel.png');
    await writeFile(image, Buffer.from(pixel, 'base64'));
    const view = ['file_editor', { command: 'view', path: image }] as [string, unknown];
    endpoint.script([{ tools: [view] }, { say: 'seen' }]);
    const conversation = await create('look', { model });
    await conversation.reaches('finished');
    const [, second] = endpoint.requests;
    // OpenAI accepts no images in tool messages: they follow in a message of their own.
    const [result, follow] = second?.body.messages.slice(3) ?? [];
    expect(result).toMatchObject({
      role: 'tool',
      content: [
        { type: 'text', text: expect.stringContaining('read successfully') as string },
        ...(isShown ? [] : [{ type: 'text', text: '[An image was left out: this model takes no images.]' }]),
      ],
    });
    expect(JSON.stringify(follow ?? '').includes(`data:image/png;base64,${pixel}`)).toBe(isShown);
    // Clients see the image in any case.
    const [seen] = await conversation.events('&kind=ObservationEvent');
    expect(JSON.stringify(seen)).toContain(pixel);
  });

  it('reports why the provider rejected a request', async () => {
    endpoint.script([{ status: 400, message: 'bad thing' }]);
    const conversation = await create('go');
    await conversation.reaches('error');
    expect((await conversation.events()).at(-1)).toMatchObject({
      kind: 'ConversationErrorEvent',
      code: 'LLMBadRequestError',
      detail: expect.stringContaining('bad thing') as string,
    });
  });
});
