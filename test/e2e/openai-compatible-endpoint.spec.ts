import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, userMessage } from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

describe('OpenAI-compatible endpoints', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  const request = (url: string, stream: boolean, script: string) => ({
    agent: {
      llm: {
        model: 'openai/some-model',
        base_url: url,
        api_key: 'sk-test',
        usage_id: 'agent',
        stream,
        num_retries: 1,
      },
      tools: [{ name: 'terminal' }, { name: 'file_editor' }],
    },
    workspace: { working_dir: workspace },
    initial_message: userMessage(script),
    autotitle: false,
  });

  it.each([false, true])('runs a conversation with a model behind an OpenAI-compatible endpoint (streaming: %s)', async (stream) => {
    const endpoint = await startScriptedEndpoint();
    try {
      const script = 'SAY: I write.\nRUN: echo hi > hi.txt\nSAY: All done.';
      const conversation = await ConversationClient.create(server, request(endpoint.url, stream, script));
      await conversation.reaches('finished');
      expect(await readFile(path.join(workspace, 'hi.txt'), 'utf8')).toBe('hi\n');
      expect(endpoint.requests).toHaveLength(2);
      expect(endpoint.requests[0]?.headers.authorization).toBe('Bearer sk-test');
      expect(endpoint.requests[1]?.body.messages.map((message) => message['role'])).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
      ]);
      const { body } = await server.request('GET', `${conversation.route}/agent_final_response`);
      expect(body).toEqual({ response: 'All done.' });
      expect((await conversation.info())['stats']).toEqual({
        usage_to_metrics: { agent: expect.anything() as unknown },
      });
    } finally {
      await endpoint.close();
    }
  });

  it.each([
    ['openai/some-model', false],
    ['openai/gpt-4o', true],
  ])('sends images of tools only to a model that accepts them: %s', async (model, isShown) => {
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const image = path.join(workspace, 'pixel.png');
    await writeFile(image, Buffer.from(pixel, 'base64'));
    const view = ['file_editor', { command: 'view', path: image }] as [string, unknown];
    const endpoint = await startScriptedEndpoint({ script: [{ tools: [view] }, { say: 'seen' }] });
    try {
      const start = request(endpoint.url, false, 'look');
      const agent = { ...start.agent, llm: { ...start.agent.llm, model } };
      const conversation = await ConversationClient.create(server, { ...start, agent });
      await conversation.reaches('finished');
      const [, second] = endpoint.requests;
      // OpenAI accepts no images in tool messages: they follow in a message of their own.
      const [result, follow] = second?.body.messages.slice(3) ?? [];
      expect(result).toMatchObject({
        role: 'tool',
        content: [
          { type: 'text', text: expect.stringContaining('read successfully') as string },
          ...(isShown
            ? []
            : [{ type: 'text', text: '[An image was left out: this model takes no images.]' }]),
        ],
      });
      expect(JSON.stringify(follow ?? '').includes(`data:image/png;base64,${pixel}`)).toBe(isShown);
      // Clients see the image in any case.
      const [seen] = await conversation.events('&kind=ObservationEvent');
      expect(JSON.stringify(seen)).toContain(pixel);
    } finally {
      await endpoint.close();
    }
  });

  it('reports why the provider rejected a request', async () => {
    const endpoint = await startScriptedEndpoint({ script: [{ status: 400, message: 'bad thing' }] });
    try {
      const conversation = await ConversationClient.create(server, request(endpoint.url, false, 'go'));
      await conversation.reaches('error');
      expect((await conversation.events()).at(-1)).toMatchObject({
        kind: 'ConversationErrorEvent',
        code: 'LLMBadRequestError',
        detail: expect.stringContaining('bad thing') as string,
      });
    } finally {
      await endpoint.close();
    }
  });
});
