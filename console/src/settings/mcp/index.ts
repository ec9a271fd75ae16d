/** What other views show of MCP servers. */
export { McpRow } from './mcp-row.js';
export { readServers } from './mcp-server.js';
