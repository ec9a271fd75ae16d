import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { llmConfig } from '../../../test/support/llm-config.js';
import { floodResponse } from '../../../test/support/flood-response.js';
import { textContent } from '../../events/index.js';
import { AiSdkLlm } from '../ai-sdk-llm.js';
import type { LlmConfig } from '../request/llm-config.js';
import type { LlmDelta } from '../request/llm-request.js';

const MIB = 1024 * 1024;
const TEXT = 'word '.repeat(12_000);
const SSE = 'text/event-stream';
const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
const chat = (delta: object): string =>
  data({ id: 'x', choices: [{ index: 0, delta, finish_reason: null }] });
/** A response that does not end. */
const responses = {
  first:
    data({ type: 'response.created', response: { id: 'r', created_at: 1, model: 'gpt-5' } }) +
    data({
      type: 'response.output_item.added',
      output_index: 0,
      item: { type: 'message', id: 'm', role: 'assistant', content: [] },
    }),
  again: data({ type: 'response.output_text.delta', item_id: 'm', output_index: 0, delta: TEXT }),
};

describe('answers that do not end', () => {
  let server: Server;
  let address: string;
  let type: string;
  let first: string;
  let again: string;
  let sent: number;
  let requests: number;

  beforeEach(async () => {
    [sent, requests] = [0, 0];
    server = createServer((request, response) => {
      requests += 1;
      request.resume();
      response.writeHead(200, { 'content-type': type });
      response.write(first);
      floodResponse(response, again, () => (sent += again.length));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env['CHATGPT_CODEX_BASE_URL'] = address;
  });
  afterEach(() => {
    delete process.env['CHATGPT_CODEX_BASE_URL'];
    server.closeAllConnections();
    server.close();
  });

  it.each<[string, string, string, string, Partial<LlmConfig> & { model: string }]>([
    ['text of chat completions', SSE, '', chat({ content: TEXT }), { model: 'openai/some', stream: true }],
    [
      'reasoning of chat completions',
      SSE,
      '',
      chat({ reasoning_content: TEXT }),
      { model: 'openai/some', stream: true },
    ],
    [
      "Ollama's lines",
      'application/x-ndjson',
      '',
      `${JSON.stringify({ message: { role: 'assistant', content: TEXT }, done: false })}\n`,
      { model: 'ollama_chat/qwen3', stream: true },
    ],
    ['responses', SSE, responses.first, responses.again, { model: 'openai/gpt-5', stream: true }],
    [
      'a subscription, which always streams',
      SSE,
      responses.first,
      responses.again,
      { model: 'openai/gpt-5', auth_type: 'subscription', stream: false },
    ],
  ])('aborts an answer after 16 MiB of text: %s', async (_, contentType, beginning, piece, config) => {
    [type, first, again] = [contentType, beginning, piece];
    const llm = new AiSdkLlm();
    llm.setTokenProvider(() => Promise.resolve('token'));
    const deltas: LlmDelta[] = [];
    const asked = llm.complete({
      config: llmConfig({ api_key: 'key', base_url: address, num_retries: 1, ...config }),
      messages: [{ role: 'user', content: [textContent('hi')], thinking_blocks: [] }],
      tools: [],
      conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
      signal: new AbortController().signal,
      onDelta: (delta) => deltas.push(delta),
    });
    await expect(asked).rejects.toThrow('more than 16 MiB of text in one answer');
    // Includes what the buffers on both sides hold.
    expect(sent).toBeLessThan(40 * MIB);
    expect(requests).toBe(1);
    const told = deltas.reduce((sum, { content }) => sum + content.length, 0);
    if (config.stream) expect(told).toBeGreaterThan(15 * MIB);
    expect(told).toBeLessThan(config.stream ? 17 * MIB : 1);
  });
});
