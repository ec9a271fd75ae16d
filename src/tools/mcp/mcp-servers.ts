import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import type { Tool, ToolHost } from '../tool.js';
import { readMcpConfig } from './mcp-config.js';
import { McpConnection } from './mcp-connection.js';
import { mcpTool } from './mcp-tool.js';

/** What providers take in the name of a tool, and how long it may be. */
const NOT_IN_NAMES = /[^a-zA-Z0-9_-]/g;
const MAX_NAME = 64;

/** The MCP servers of one conversation and the tools that they offer. */
export class McpServers {
  private readonly logger = new Logger('Mcp');
  private readonly connections: McpConnection[];

  /** @param config servers by name */
  constructor(
    config: Readonly<Record<string, unknown>>,
    private readonly host: ToolHost,
  ) {
    this.connections = readMcpConfig(config).map((server) => new McpConnection(server, host));
  }

  /**
   * Connects to all servers at once and lists their tools, in the order of the servers. One that cannot be reached is left out,
   * with a warning in the log. With several servers each tool has the name of its server in front.
   * @throws the reason of the signal once it is aborted
   */
  async tools(signal: AbortSignal): Promise<Tool[]> {
    const lists = await Promise.all(this.connections.map((connection) => this.toolsOf(connection, signal)));
    signal.throwIfAborted();
    return lists.flat();
  }

  /** Ends all connections, and programs that were started for them. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
  }

  private async toolsOf(connection: McpConnection, signal: AbortSignal): Promise<Tool[]> {
    const { serverName } = connection;
    const prefix = this.connections.length > 1 ? `${serverName}_` : '';
    try {
      const listed = await connection.listTools(signal);
      return listed.map((tool) =>
        mcpTool(
          (prefix + tool.name).replace(NOT_IN_NAMES, '_').slice(0, MAX_NAME),
          tool,
          connection,
          this.host,
        ),
      );
    } catch (error) {
      const reason = this.host.secrets?.mask(errorMessage(error)) ?? errorMessage(error);
      this.logger.warn(
        `conversation ${this.host.conversationId}: MCP server ${serverName} cannot be used: ${reason}`,
      );
      return [];
    }
  }
}
