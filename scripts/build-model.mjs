import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Starts a model for the build on a free port: an endpoint for OpenAI's chat completions that calls the
 * terminal once and then finishes. The image build has no test/ folder, so it cannot use
 * test/support/chat-endpoint.mjs.
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
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { model, stream, messages } = JSON.parse(Buffer.concat(chunks).toString());
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
    [{ index: 0, delta: { role: 'assistant', content: 'Working. ' }, finish_reason: null }],
    [{ index: 0, delta: { ...message, content: undefined }, finish_reason: null }],
    [{ index: 0, delta: {}, finish_reason: 'tool_calls' }],
  ];
  for (const choice of choices) {
    const chunk = { ...body, object: 'chat.completion.chunk', choices: choice };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
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
