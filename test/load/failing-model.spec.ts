import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { floodResponse } from '../support/flood-response.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { amount, underLoad } from './load-watch.js';

/** What an endpoint does with each request. */
type Failure = (response: ServerResponse) => void;

const STREAM = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** Writes an endless text, one byte at a time. */
function drip(response: ServerResponse, text: string): void {
  let at = 0;
  const timer = setInterval(() => response.write(text[at++ % text.length]), amount(50, 1000));
  response.on('close', () => clearInterval(timer));
}

const piece = (content: string): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** The number of conversations at the endpoint at a time. */
const CONVERSATIONS = amount(3, 50);

describe('a conversation with a failing LLM endpoint', () => {
  let server: ServerProcess;
  let workspace: string;
  let endpoint: Server;
  let handleRequest: Failure = (response) => response.end();

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: String(CONVERSATIONS) } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    endpoint = createServer((request, response) => {
      request.resume();
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      request.on('end', () => handleRequest(response));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    endpoint.closeAllConnections();
    await new Promise((resolve) => endpoint.close(resolve));
    await server.stop();
    await rm(workspace, { recursive: true, force: true });
  });

  const ask = (stream: boolean, more: object = {}) => {
    const { port } = endpoint.address() as AddressInfo;
    const llm = {
      model: 'openai/test',
      base_url: `http://127.0.0.1:${port}/v1`,
      api_key: 'k',
      usage_id: 'agent',
      num_retries: 1,
      stream,
      ...more,
    };
    const agent = { llm, tools: [{ name: 'terminal' }] };
    return ConversationClient.create(server, scriptedRequest(workspace, 'hello', { agent }));
  };

  it.each<[string, boolean, Failure]>([
    ['never sends a byte', false, () => undefined],
    ['never sends a byte of a stream', true, (response) => response.writeHead(200, STREAM).flushHeaders()],
    ['sends single bytes', false, (response) => drip(response.writeHead(200, JSON_TYPE), '{"id": "x", ')],
    [
      'sends single bytes of a stream',
      true,
      (response) => drip(response.writeHead(200, STREAM), piece('a ')),
    ],
  ])('is interrupted at once when the endpoint %s', async (name, stream, how) => {
    handleRequest = how;
    await underLoad(server, `${CONVERSATIONS} conversations, LLM ${name}`, async () => {
      const conversations = await Promise.all(Array.from({ length: CONVERSATIONS }, () => ask(stream)));
      await Promise.all(conversations.map((conversation) => conversation.reaches('running')));
      for (const conversation of conversations) {
        const { status } = await server.request('POST', `${conversation.route}/interrupt`);
        expect([status, await conversation.status()]).toEqual([200, 'paused']);
      }
    });
  });

  it.each<[string, boolean, Failure, RegExp]>([
    ['the timeout expires', false, () => undefined, /LLM hard timeout after 1 seconds/],
    [
      'the timeout expires while bytes arrive',
      true,
      (response) => drip(response.writeHead(200, STREAM), piece('a ')),
      /timeout/,
    ],
    [
      'an answer is endless',
      false,
      (response) => floodResponse(response.writeHead(200, JSON_TYPE), Buffer.alloc(65_536, ' ')),
      /more than 16 MiB as one answer/,
    ],
    [
      'a line of a stream is endless',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.alloc(65_536, 'x')),
      /more than 8 MiB as one line/,
    ],
    [
      'the text of a stream is endless',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.from(piece('word '.repeat(2000)))),
      /more than 16 MiB of text in one answer/,
    ],
    [
      'a stream without text is endless',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.from(piece('').repeat(100))),
      /more than 64 MiB as one answer/,
    ],
    [
      'random bytes arrive',
      false,
      (response) => void response.writeHead(200, JSON_TYPE).end(Buffer.alloc(1_000_000, 'öäü\0\x1b')),
      /Empty or invalid response/,
    ],
  ])('ends in an error when %s', async (name, stream, how, text) => {
    handleRequest = how;
    const count = amount(1, 10);
    const timeout = name.startsWith('the timeout') ? 1 : 120;
    const seen = await underLoad(server, `${count} conversations, ${name}`, async () => {
      const conversations = await Promise.all(Array.from({ length: count }, () => ask(stream, { timeout })));
      for (const conversation of conversations) {
        await eventually(async () => (await conversation.status()) === 'error', 'the error', 120_000);
        const [error] = await conversation.events('&kind=ConversationErrorEvent');
        expect(error?.['detail']).toMatch(text);
      }
    });
    if (seen.memory) expect(seen.memory.peak - seen.memory.before).toBeLessThan(Math.max(2, count) * 200);
  });
});
