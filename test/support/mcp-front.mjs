import { createServer } from 'node:http';

/** Headers that are forwarded to the MCP server. */
const FORWARDED = /^(accept|content-type|mcp-.*)$/;

/**
 * Starts an HTTP server in front of an MCP server.
 * @param answer called with the request, its whole body and the response
 */
export async function startFront(answer) {
  const server = createServer((request, response) => {
    read(request)
      .then((body) => answer(request, body, response))
      .catch(() => response.destroy());
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Forwards a request to the server at `to`, and its answer to the client. */
export async function passOn(to, { method, headers }, body, response) {
  const passed = await fetch(to, {
    method,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => FORWARDED.test(name))),
    body: method === 'POST' ? body : undefined,
  });
  response.writeHead(passed.status, Object.fromEntries(passed.headers));
  for await (const chunk of passed.body ?? []) response.write(chunk);
  response.end();
}

/** Answers with JSON. */
export function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
