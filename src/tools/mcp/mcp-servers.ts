import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Tool as ListedTool } from '@modelcontextprotocol/sdk/types.js';
import { errorMessage } from '../../errors/index.js';
import type { Tool } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { untilAborted } from '../../flow/index.js';
import { readMcpConfig, type McpServerConfig } from './mcp-config.js';
import { McpConnection, type McpConnectionOwner } from './mcp-connection.js';
import { withTokens } from './mcp-oauth.js';
import { mcpTool } from './mcp-tool.js';

/** The restrictions of model providers on tool names. */
const INVALID_IN_NAMES = /[^a-zA-Z0-9_-]/g;
const MAX_NAME = 64;
/** The minimum interval between two lists of a server whose tools change (ms). */
const LIST_INTERVAL_MS = 500;

/** Receives the events of a conversation's MCP servers. */
interface McpOwner {
  /** The tools of some servers have changed. */
  toolsChanged(): void;
  /** A server's tokens were renewed. Store the configuration, because the old tokens may be invalid. */
  configChanged(serverName: string, server: Record<string, unknown>): void;
}

/** A conversation's MCP servers and their tools. */
export class McpServers {
  private servers: ServerTools[];

  /** @param config servers by name */
  constructor(
    config: Readonly<Record<string, unknown>>,
    private readonly host: ToolHost,
    private readonly owner: McpOwner,
  ) {
    this.servers = this.serversOf(config);
  }

  /** If there are several servers, tool names are prefixed by the server's name. */
  private serversOf(config: Readonly<Record<string, unknown>>): ServerTools[] {
    const configs = readMcpConfig(config);
    const prefix = ({ name }: McpServerConfig): string => (configs.length > 1 ? `${name}_` : '');
    return configs.map((server) => {
      const { name } = server;
      return new ServerTools(server, prefix(server), this.host, {
        toolsChanged: () => this.owner.toolsChanged(),
        tokensRenewed: (tokens) => this.owner.configChanged(name, withTokens(config[name], tokens)),
      });
    });
  }

  /**
   * Applies a changed configuration. Unchanged servers keep running, possibly with new tool names; removed
   * ones are closed and new ones connected. The owner is notified when tools change.
   * @returns resolves when all connections have been attempted
   */
  async change(config: Readonly<Record<string, unknown>>): Promise<void> {
    const before = this.servers;
    this.servers = this.serversOf(config).map(
      (server) => before.find((running) => running.adopt(server)) ?? server,
    );
    const ended = before.filter((server) => !this.servers.includes(server));
    const added = this.servers.filter((server) => !before.includes(server));
    this.owner.toolsChanged();
    await Promise.all([...ended.map((server) => server.close()), ...added.map((server) => server.list())]);
  }

  /** The tools that are known so far, in the order of the servers. */
  get tools(): Tool[] {
    return this.servers.flatMap(({ tools }) => tools);
  }

  /**
   * Connects to all servers concurrently and lists their tools. Servers that fail are skipped with a warning
   * in the log.
   * @throws the signal's reason once it is aborted
   */
  async connect(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, Promise.all(this.servers.map((server) => server.list())));
  }

  /**
   * Retries failed servers whose backoff has elapsed. Does nothing for the others.
   * @returns resolves when all running attempts have ended
   */
  async retry(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.retry()));
  }

  /** Closes all connections and ends the servers' processes. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }
}

/** A server and its tools, which may become available late and may change. */
class ServerTools {
  private readonly logger = new Logger('Mcp');
  private readonly connection: McpConnection;
  private readonly closeController = new AbortController();
  private listed: ListedTool[] | undefined;
  private listing: Promise<void> | undefined;
  /** Counts changes of the tools. */
  private changes = 0;
  /** The last failure, to log it only once. */
  private problem: string | undefined;
  tools: Tool[] = [];

  constructor(
    private readonly config: McpServerConfig,
    private prefix: string,
    private readonly host: ToolHost,
    private readonly owner: McpConnectionOwner,
  ) {
    const toolsChanged = (): void => this.onToolsChanged();
    this.connection = new McpConnection(config, host, { ...owner, toolsChanged });
  }

  /** Whether this server has the same configuration as a new one. If so, adopts its tool names. */
  adopt({ config, prefix }: ServerTools): boolean {
    if (!isDeepStrictEqual(config, this.config)) return false;
    this.prefix = prefix;
    this.makeTools();
    return true;
  }

  /** Lists the tools. Concurrent calls share one request. Never rejects. */
  list(): Promise<void> {
    this.listing ??= this.listUntilCurrent().finally(() => (this.listing = undefined));
    return this.listing;
  }

  /** Retries if the server has failed and its backoff has elapsed. */
  async retry(): Promise<void> {
    const isDue = this.listed === undefined && performance.now() >= this.connection.retryAt;
    await (isDue ? this.list() : this.listing);
  }

  async close(): Promise<void> {
    this.closeController.abort();
    await this.connection.close();
    await this.listing;
  }

  private onToolsChanged(): void {
    this.changes += 1;
    void this.list();
  }

  private async listUntilCurrent(): Promise<void> {
    const before = this.tools;
    const { signal } = this.closeController;
    for (let delay = 0; !signal.aborted; delay = LIST_INTERVAL_MS) {
      // Limits the requests to a server that reports changes all the time.
      await sleep(delay, undefined, { signal, ref: false }).catch(() => undefined);
      const { changes } = this;
      await this.listOnce(signal);
      if (this.changes === changes) break;
    }
    if (this.tools !== before && !signal.aborted) this.owner.toolsChanged();
  }

  private async listOnce(signal: AbortSignal): Promise<void> {
    try {
      const listed = await this.connection.listTools(signal);
      if (this.problem !== undefined) this.logger.log(this.describe('can be used now'));
      this.problem = undefined;
      if (isDeepStrictEqual(listed, this.listed)) return;
      this.listed = listed;
      this.makeTools();
    } catch (error) {
      if (signal.aborted) return;
      const reason = this.host.secrets?.mask(errorMessage(error)) ?? errorMessage(error);
      if (reason !== this.problem) this.logger.warn(this.describe(`cannot be used: ${reason}`));
      this.problem = reason;
    }
  }

  private makeTools(): void {
    const { connection, host } = this;
    this.tools = (this.listed ?? []).map((tool) => mcpTool(this.nameOf(tool), tool, connection, host));
  }

  private nameOf({ name }: ListedTool): string {
    return (this.prefix + name).replace(INVALID_IN_NAMES, '_').slice(0, MAX_NAME);
  }

  private describe(message: string): string {
    return `conversation ${this.host.conversationId}: MCP server ${this.connection.serverName} ${message}`;
  }
}
