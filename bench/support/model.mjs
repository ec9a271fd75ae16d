import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * An OpenAI-compatible endpoint that answers at once without reading requests, so that it costs as little as
 * possible. Each conversation has its own URL, which identifies it.
 */
export async function startModel() {
  const roles = new Map();
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      const role = roles.get(request.url.split('/')[1]);
      if (!role) return void response.writeHead(404).end();
      role.answer(response);
    });
  });
  // The connection of a slow server must not be closed.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const take = (role) => {
    const name = `c${roles.size + 1}`;
    roles.set(name, role);
    const base_url = `http://127.0.0.1:${server.address().port}/${name}/v1`;
    role.llm = { model: 'openai/scripted', base_url, api_key: 'none', ...role.llm };
    return role;
  };
  return {
    /** Calls a tool a number of times, then finishes. */
    calling: (tool, args, times) => take(new Caller(tool, args, times)),
    /** Always answers with the same text. */
    saying: (text) => take({ answer: (response) => sendJson(response, completion({ content: text })) }),
    /** Streams tokens; each is the time at which it was sent, by `performance.now()`. */
    streaming: (count, everyMs) => take(new Streamer(count, everyMs)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Caller {
  /** When each request arrived and when it was answered (`performance.now()`). */
  asked = [];
  answered = [];
  #tool;
  #args;
  #times;

  constructor(tool, args, times) {
    this.#tool = tool;
    this.#args = JSON.stringify(args);
    this.#times = times;
  }

  answer(response) {
    const done = this.asked.push(performance.now()) > this.#times;
    const call = {
      id: `call_${this.asked.length}`,
      type: 'function',
      function: done
        ? { name: 'finish', arguments: '{"message": "done"}' }
        : { name: this.#tool, arguments: this.#args },
    };
    sendJson(response, completion({ content: null, tool_calls: [call] }, 'tool_calls'));
    this.answered.push(performance.now());
  }

  /** Whether it has called `finish`. */
  isDone() {
    return this.answered.length > this.#times;
  }

  /** What each step took (ms), from an answer to the next request. */
  stepsMs() {
    return this.asked.slice(1).map((asked, index) => asked - this.answered[index]);
  }
}

class Streamer {
  llm = { stream: true };
  #count;
  #everyMs;

  constructor(count, everyMs) {
    this.#count = count;
    this.#everyMs = everyMs;
  }

  async answer(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(chunk({ role: 'assistant', content: '' }));
    // Without pauses, all tokens are sent as one chunk.
    if (this.#everyMs === 0) response.cork();
    const started = performance.now();
    for (let i = 0; i < this.#count; i++) {
      if (this.#everyMs > 0) {
        const pause = started + i * this.#everyMs - performance.now();
        if (pause > 0) await sleep(pause);
      }
      response.write(chunk({ content: `<${performance.now().toFixed(3)}> ` }));
    }
    response.write(chunk({}, 'stop'));
    // Node 24 discards corked data when a response ends.
    if (this.#everyMs === 0) response.uncork();
    response.end('data: [DONE]\n\n');
  }
}

const FRAME = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'scripted' };

function chunk(delta, finish_reason = null) {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ ...FRAME, object: 'chat.completion.chunk', choices })}\n\n`;
}

function completion(message, finish_reason = 'stop') {
  return {
    ...FRAME,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage: { prompt_tokens: 1_000, completion_tokens: 10, total_tokens: 1_010 },
  };
}

function sendJson(response, value) {
  const text = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
