import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a mood lasts (ms). */
const MOOD_MS = [1000, 6000];

/** Something that is now in this mood and now in that, as the seed says, and fine while it is told to be. */
class Moody {
  mood = 'fine';
  #random;
  #weights;
  #isCalm = false;
  #isOver = false;

  constructor(random, weights) {
    this.#random = random;
    this.#weights = weights;
  }

  /** Has moods until `end`. */
  async live() {
    while (!this.#isOver) {
      await this.becomes(this.#random.pick(this.#weights));
      await sleep(this.#random.whole(...MOOD_MS));
    }
  }

  becomes(mood) {
    this.mood = this.#isCalm ? 'fine' : mood;
  }

  /** No faults from now on, or faults again. */
  async calm(isCalm) {
    this.#isCalm = isCalm;
    await this.becomes('fine');
  }

  end() {
    this.#isOver = true;
  }
}

/** Takes webhooks: what it has taken counts, whatever it answered afterwards. */
export class Receiver extends Moody {
  /**
   * By conversation: ids of durable events in the order of their first arrival, and the tokens of messages.
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

  async becomes(mood) {
    super.becomes(mood);
    if (this.mood === 'down') await this.close();
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
    const { mood } = this;
    if (mood === 'cutting') return void response.destroy();
    if (mood === 'slow') await sleep(300);
    if (mood === 'failing') return void response.writeHead(500).end();
    if (mood === 'refusing') return void response.writeHead(503, { 'retry-after': '1' }).end();
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

/** An LLM endpoint that sometimes calls a tool, sometimes ends, and sometimes is out of order. */
export class ModelEndpoint extends Moody {
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
    const { mood } = this;
    if (mood === 'slow') await sleep(1000);
    if (mood === 'failing') return void response.writeHead(500).end('{"error":{"message":"out of order"}}');
    if (mood === 'cutting') return void response.destroy();
    if (mood === 'silent') return void setTimeout(() => response.destroy(), 10_000).unref();
    if (mood === 'garbage') return void response.writeHead(200).end('\0<html>no model here'.repeat(10_000));
    if (mood === 'dripping') return drip(response);
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
