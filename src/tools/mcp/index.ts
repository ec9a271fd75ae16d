export { readMcpConfig, type McpServerConfig } from './mcp-config.js';
export { probeMcpServer, type McpProbe, type McpProbeRequest } from './mcp-probe.js';
export { McpServers } from './mcp-servers.js';
export { McpSignIn, type McpCredentials } from './mcp-sign-in.js';
