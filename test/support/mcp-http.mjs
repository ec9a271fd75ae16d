import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { mcpServer } from './mcp-tools.mjs';

/** Starts an MCP server over streamable HTTP, with sessions, on a free port unless `port` is given. */
export async function startMcpServer({ port = 0 } = {}) {
  const notes = [];
  const headers = [];
  const sessions = new Map();
  const answer = async (request, response) => {
    headers.push(request.headers);
    const id = request.headers['mcp-session-id'];
    if (id !== undefined && !sessions.has(id)) return void response.writeHead(404).end();
    let transport = sessions.get(id);
    if (!transport) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, transport),
      });
      await mcpServer(notes).connect(transport);
    }
    await transport.handleRequest(request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/mcp`,
    port: server.address().port,
    notes,
    headers,
    close: async () => {
      for (const transport of sessions.values()) await transport.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
