import { createServer } from 'node:http';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { mcpServer } from './mcp-tools.mjs';

/** Starts an MCP server with the older HTTP transport, which streams its answers. */
export async function startSseServer() {
  const notes = [];
  const headers = [];
  const sessions = new Map();
  const answer = async (request, response) => {
    headers.push(request.headers);
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    if (pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response);
      sessions.set(transport.sessionId, transport);
      response.on('close', () => sessions.delete(transport.sessionId));
      await mcpServer(notes).connect(transport);
      return;
    }
    const session = sessions.get(searchParams.get('sessionId'));
    if (session) await session.handlePostMessage(request, response);
    else response.writeHead(404).end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/sse`,
    port: server.address().port,
    notes,
    headers,
    /** The number of connected clients. */
    get clients() {
      return sessions.size;
    },
    /** Closes all connections; new ones are accepted. */
    hangUp: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
