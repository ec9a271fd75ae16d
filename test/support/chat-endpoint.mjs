import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

// JavaScript, so that benchmarks and scripts can run it without a build. Its types are in chat-
// endpoint.d.mts.

/**
 * Starts an HTTP server for OpenAI's chat completions. It answers from a list of steps; when the list is
 * empty, it plays the script in the user's message.
 */
export async function startChatEndpoint({
  player,
  script = [],
  host = '127.0.0.1',
  port = 0,
  chunkDelay = 0,
}) {
  const steps = [...script];
  const requests = [];
  const attempts = new Map();
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      if (!response.headersSent) sendError(response, 500, { message: `endpoint: ${error.message}` });
      else response.destroy();
    });
  });

  async function answer(request, response) {
    const text = await readBody(request);
    const body = text === '' ? undefined : JSON.parse(text);
    const { method, url: path, headers } = request;
    if (path === '/health') return void response.end('ok');
    if (method === 'GET')
      return sendJson(response, 200, { object: 'list', data: [{ id: 'scripted', object: 'model' }] });
    requests.push({ method, path, headers, body });
    const number = requests.length;
    const closed = new AbortController();
    response.on('close', () => closed.abort());
    const step = takeStep(steps) ?? playedStep(player, attempts, text, body);
    await send(response, step, { body, number, chunkDelay, signal: closed.signal });
  }

  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://${host}:${server.address().port}/v1`,
    requests,
    script(more) {
      steps.push(...more);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The next step. A step with `repeat` stays in the list. */
function takeStep(steps) {
  return steps[0]?.repeat ? steps[0] : steps.shift();
}

/** The next step of the script in the message. A repeated request is another attempt of the same step. */
function playedStep(player, attempts, text, body) {
  const attempt = (attempts.get(text) ?? 0) + 1;
  attempts.set(text, attempt);
  const messages = (body.messages ?? []).map(({ role, content }) => ({ role, texts: textsOf(content) }));
  const turn = player.nextTurn(messages, attempt, (body.tools ?? []).length > 0);
  if (turn.failure) return { wait: turn.wait, ...turn.failure };
  attempts.delete(text);
  return {
    wait: turn.wait,
    say: turn.text ?? null,
    reasoning: turn.reasoning,
    tools: turn.calls.map((call) => [call.name, call.arguments]),
  };
}

function textsOf(content) {
  if (typeof content === 'string') return [content];
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

async function send(response, step, { body, number, chunkDelay, signal }) {
  if (step.wait) await sleep(step.wait * 1000, undefined, { signal }).catch(() => undefined);
  if (step.until) await Promise.race([step.until, once(signal, 'abort')]);
  if (signal.aborted) return;
  if (step.hang) return;
  for (const [name, value] of Object.entries(step.headers ?? {})) response.setHeader(name, value);
  if (step.sse) return sendEvents(response, step.sse);
  if (step.raw !== undefined) return sendRaw(response, step);
  if (step.body !== undefined) return sendJson(response, step.status ?? 200, step.body);
  if (step.status) return sendError(response, step.status, step);
  const completion = makeCompletion(step, number, body.model);
  if (!body.stream) return sendJson(response, 200, completion);
  await stream(response, completion, {
    step,
    chunkDelay,
    includeUsage: body.stream_options?.include_usage,
    signal,
  });
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Sends a stream of events named by the `type` of their data, as Anthropic and OpenAI do. */
function sendEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const data of events) {
    if (data.type) response.write(`event: ${data.type}\n`);
    response.write(`data: ${JSON.stringify(data)}\n\n`);
  }
  response.end();
}

/** Sends a raw body, and then ends, breaks or keeps open the connection. */
async function sendRaw(response, { status = 200, type = 'application/json', raw, then = 'end' }) {
  response.writeHead(status, { 'content-type': type });
  await new Promise((written) => response.write(raw, written));
  if (then === 'end') response.end();
  if (then === 'break') response.destroy();
}

function sendError(response, status, { message = 'scripted failure', type = 'scripted_error', code = null }) {
  sendJson(response, status, { error: { message, type, param: null, code } });
}

/** Ids and token counts depend on the number of the request, so that recordings can be compared. */
function makeCompletion(step, number, model) {
  const calls = (step.tools ?? []).map(([name, args], index) => ({
    id: `call_${number}_${index + 1}`,
    type: 'function',
    function: { name, arguments: typeof args === 'string' ? args : spacedJson(args) },
  }));
  const message = { role: 'assistant', content: step.say ?? null };
  if (step.reasoning) message.reasoning_content = step.reasoning;
  if (calls.length > 0) message.tool_calls = calls;
  const prompt = 999 + number;
  return {
    id: `chatcmpl-${number}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: 10,
      total_tokens: prompt + 10,
      prompt_tokens_details: { cached_tokens: 100 },
      completion_tokens_details: { reasoning_tokens: step.reasoning ? 3 : 0 },
    },
  };
}

/** JSON with a space after `:` and `,`, as most models write it. */
function spacedJson(value) {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}: ${spacedJson(field)}`);
  return `{${fields.join(', ')}}`;
}

async function stream(response, completion, { step, chunkDelay, includeUsage, signal }) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const { id, created, model, choices, usage } = completion;
  const frame = { id, object: 'chat.completion.chunk', created, model };
  const { message, finish_reason } = choices[0];
  const chunks = [
    ...deltas(message).map((delta) => ({ ...frame, choices: [{ index: 0, delta, finish_reason: null }] })),
    { ...frame, choices: [{ index: 0, delta: {}, finish_reason }] },
    ...(includeUsage ? [{ ...frame, choices: [], usage }] : []),
  ];
  for (const [index, chunk] of chunks.entries()) {
    if (signal.aborted) return;
    if (index === step.breakAfter) return void response.destroy();
    if (index === step.stallAfter) return;
    await new Promise((written) => response.write(`data: ${JSON.stringify(chunk)}\n\n`, written));
    if (chunkDelay > 0) await sleep(chunkDelay, undefined, { signal }).catch(() => undefined);
  }
  response.end('data: [DONE]\n\n');
}

/** The deltas of a message: one per word, and three for the arguments of a call. */
function deltas(message) {
  const words = (text) => (text ?? '').match(/\S+\s*|\s+/g) ?? [];
  return [
    { role: 'assistant', content: '' },
    ...words(message.reasoning_content).map((piece) => ({ reasoning_content: piece })),
    ...words(message.content).map((piece) => ({ content: piece })),
    ...(message.tool_calls ?? []).flatMap((call, index) => callDeltas(call, index)),
  ];
}

function callDeltas({ id, type, function: { name, arguments: args } }, index) {
  const third = Math.max(1, Math.ceil(args.length / 3));
  const parts = [args.slice(0, third), args.slice(third, 2 * third), args.slice(2 * third)].filter(
    (part) => part !== '',
  );
  return [
    { tool_calls: [{ index, id, type, function: { name, arguments: '' } }] },
    ...parts.map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
  ];
}
