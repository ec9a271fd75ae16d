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
type Misbehaviour = (response: ServerResponse) => void;

const STREAM = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** One byte of an endless text now and then. */
function drip(response: ServerResponse, text: string): void {
  let at = 0;
  const timer = setInterval(() => response.write(text[at++ % text.length]), amount(50, 1000));
  response.on('close', () => clearInterval(timer));
}

const piece = (content: string): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** Conversations at the endpoint at a time. */
const CROWD = amount(3, 50);

describe('an LLM endpoint that is out of order', () => {
  let server: ServerProcess;
  let workspace: string;
  let endpoint: Server;
  let misbehave: Misbehaviour = (response) => response.end();

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_MAX_CONCURRENT_RUNS: String(CROWD) } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
    endpoint = createServer((request, response) => {
      request.resume();
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      request.on('end', () => misbehave(response));
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

  it.each<[string, boolean, Misbehaviour]>([
    ['never sends a byte', false, () => undefined],
    ['never sends a byte of a stream', true, (response) => response.writeHead(200, STREAM).flushHeaders()],
    [
      'sends a byte now and then',
      false,
      (response) => drip(response.writeHead(200, JSON_TYPE), '{"id": "x", '),
    ],
    [
      'sends a byte of a stream now and then',
      true,
      (response) => drip(response.writeHead(200, STREAM), piece('a ')),
    ],
  ])('is interrupted at once where it %s', async (name, stream, how) => {
    misbehave = how;
    await underLoad(server, `${CROWD} conversations, LLM ${name}`, async () => {
      const conversations = await Promise.all(Array.from({ length: CROWD }, () => ask(stream)));
      await Promise.all(conversations.map((conversation) => conversation.reaches('running')));
      for (const conversation of conversations) {
        const { status } = await server.request('POST', `${conversation.route}/interrupt`);
        expect([status, await conversation.status()]).toEqual([200, 'paused']);
      }
    });
  });

  it.each<[string, boolean, Misbehaviour, RegExp]>([
    ['time runs out', false, () => undefined, /LLM hard timeout after 1 seconds/],
    [
      'time runs out while bytes come',
      true,
      (response) => drip(response.writeHead(200, STREAM), piece('a ')),
      /timeout/,
    ],
    [
      'an answer has no end',
      false,
      (response) => floodResponse(response.writeHead(200, JSON_TYPE), Buffer.alloc(65_536, ' ')),
      /more than 16 MiB as one answer/,
    ],
    [
      'a line of a stream has no end',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.alloc(65_536, 'x')),
      /more than 8 MiB as one line/,
    ],
    [
      'the text of a stream has no end',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.from(piece('word '.repeat(2000)))),
      /more than 16 MiB of text in one answer/,
    ],
    [
      'a stream without text has no end',
      true,
      (response) => floodResponse(response.writeHead(200, STREAM), Buffer.from(piece('').repeat(100))),
      /more than 64 MiB as one answer/,
    ],
    [
      'random bytes come',
      false,
      (response) => void response.writeHead(200, JSON_TYPE).end(Buffer.alloc(1_000_000, 'öäü\0\x1b')),
      /Empty or invalid response/,
    ],
  ])('is an error of the conversation where %s', async (name, stream, how, text) => {
    misbehave = how;
    const crowd = amount(2, 10);
    const timeout = name.startsWith('time') ? 1 : 120;
    const seen = await underLoad(server, `${crowd} conversations, ${name}`, async () => {
      const conversations = await Promise.all(Array.from({ length: crowd }, () => ask(stream, { timeout })));
      for (const conversation of conversations) {
        await eventually(async () => (await conversation.status()) === 'error', 'the error', 120_000);
        const [error] = await conversation.events('&kind=ConversationErrorEvent');
        expect(error?.['detail']).toMatch(text);
      }
    });
    if (seen.memory) expect(seen.memory.peak - seen.memory.before).toBeLessThan(crowd * 200);
  });
});
