import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Starts a model for the build, on a free port: an endpoint that speaks OpenAI's chat completions. It wants
 * one command run, and then finishes. The tests have one that can do more (test/support/chat-endpoint.mjs),
 * which is not there where an image is built.
 */
export async function startBuildModel() {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const { model, stream, messages } = JSON.parse(Buffer.concat(pieces).toString());
  const message = { role: 'assistant', content: null, tool_calls: [nextCall(messages)] };
  const body = {
    id: 'build',
    created: 0,
    model,
    usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
  };
  if (!stream) {
    const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...body, object: 'chat.completion', choices }));
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  const choices = [
    [{ index: 0, delta: { role: 'assistant', content: 'At work. ' }, finish_reason: null }],
    [{ index: 0, delta: { ...message, content: undefined }, finish_reason: null }],
    [{ index: 0, delta: {}, finish_reason: 'tool_calls' }],
  ];
  for (const choice of choices) {
    const piece = { ...body, object: 'chat.completion.chunk', choices: choice };
    response.write(`data: ${JSON.stringify(piece)}\n\n`);
  }
  response.end('data: [DONE]\n\n');
}

function nextCall(messages) {
  const done = messages.filter(({ role }) => role === 'tool').length;
  const [name, values] = done === 0 ? ['terminal', { command: 'true' }] : ['finish', { message: 'done' }];
  return {
    index: 0,
    id: `call-${done}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(values) },
  };
}
