import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Range of the duration of a condition (ms). */
const CONDITION_MS = [1000, 6000];

/** A service whose condition alternates between working and several faults, determined by the seed. */
class FaultyService {
  condition = 'fine';
  #random;
  #weights;
  #isHealthy = false;
  #isOver = false;

  constructor(random, weights) {
    this.#random = random;
    this.#weights = weights;
  }

  /** Changes its condition until `end` is called. */
  async alternate() {
    while (!this.#isOver) {
      await this.become(this.#random.pick(this.#weights));
      await sleep(this.#random.whole(...CONDITION_MS));
    }
  }

  become(condition) {
    this.condition = this.#isHealthy ? 'fine' : condition;
  }

  /** Disables or re-enables faults. */
  async setHealthy(isHealthy) {
    this.#isHealthy = isHealthy;
    await this.become('fine');
  }

  end() {
    this.#isOver = true;
  }
}

/** Receives webhooks. A delivery counts as received whatever the receiver answers. */
export class Receiver extends FaultyService {
  /**
   * By conversation: ids of durable events in order of their first arrival, and the tokens of messages.
   */
  arrived = new Map();
  requests = 0;
  #server;
  #port = 0;

  constructor(random) {
    super(random, { fine: 6, slow: 2, failing: 2, refusing: 1, cutting: 1, down: 1 });
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async become(condition) {
    super.become(condition);
    if (this.condition === 'down') await this.close();
    else await this.open();
  }

  async open() {
    if (this.#server) return;
    this.#server = http.createServer((request, response) => void this.#take(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = this.#server.address().port;
  }

  async close() {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  async #take(request, response) {
    request.on('error', () => undefined);
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    this.requests += 1;
    const { condition } = this;
    if (condition === 'cutting') return void response.destroy();
    if (condition === 'slow') await sleep(300);
    if (condition === 'failing') return void response.writeHead(500).end();
    if (condition === 'refusing') return void response.writeHead(503, { 'retry-after': '1' }).end();
    if (request.url.startsWith('/events/'))
      this.#note(request.headers['x-conversation-id'], Buffer.concat(chunks).toString());
    response.end();
  }

  #note(conversation, body) {
    const id = conversation.replaceAll('-', '');
    const seen = this.arrived.get(id) ?? { ids: new Set(), tokens: new Set() };
    this.arrived.set(id, seen);
    for (const event of JSON.parse(body)) {
      if (event.key === 'full_state') continue;
      seen.ids.add(event.id);
      for (const token of tokensOf(event)) seen.tokens.add(token);
    }
  }
}

/** The tokens in a message of the user. */
export function tokensOf({ kind, source, llm_message }) {
  if (kind !== 'MessageEvent' || source !== 'user') return [];
  return JSON.stringify(llm_message).match(/token-[\w-]+?-end/g) ?? [];
}

/** An LLM endpoint that sometimes calls a tool, sometimes ends, and sometimes fails. */
export class ModelEndpoint extends FaultyService {
  #server;
  #random;

  constructor(random, answers) {
    super(random, { fine: 6, slow: 2, failing: 1, garbage: 1, silent: 1, dripping: 1, cutting: 1 });
    this.#random = answers;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/v1`;
  }

  async open() {
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request, response) {
    response.on('error', () => undefined);
    request.on('error', () => undefined).resume();
    await once(request, 'close').catch(() => undefined);
    const { condition } = this;
    if (condition === 'slow') await sleep(1000);
    if (condition === 'failing')
      return void response.writeHead(500).end('{"error":{"message":"out of order"}}');
    if (condition === 'cutting') return void response.destroy();
    if (condition === 'silent') return void setTimeout(() => response.destroy(), 10_000).unref();
    if (condition === 'garbage')
      return void response.writeHead(200).end('\0<html>no model here'.repeat(10_000));
    if (condition === 'dripping') return drip(response);
    const message =
      this.#random.next() < 0.6 ? callOf(this.#random) : { role: 'assistant', content: 'Done.' };
    const finish_reason = message.tool_calls ? 'tool_calls' : 'stop';
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
    const body = {
      id: 'x',
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason }],
      usage,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}

function callOf(random) {
  const command = random.pick({
    'echo hello': 4,
    'sleep 1': 2,
    'head -c 300000 /dev/urandom | base64': 1,
    'sleep 30 & echo left behind': 1,
    false: 1,
  });
  const call = { name: 'terminal', arguments: JSON.stringify({ command }) };
  const tool_calls = [{ id: `call_${random.whole(1, 1e9)}`, type: 'function', function: call }];
  return { role: 'assistant', content: null, tool_calls };
}

function drip(response) {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 500);
  response.on('close', () => clearInterval(timer));
}
