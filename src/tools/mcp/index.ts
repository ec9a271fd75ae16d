export * from './mcp-servers.js';
