import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Tool as ListedTool } from '@modelcontextprotocol/sdk/types.js';
import { errorMessage } from '../../errors/index.js';
import type { Tool, ToolHost } from '../tool.js';
import { untilAborted } from '../../flow/index.js';
import { readMcpConfig, type McpServerConfig } from './mcp-config.js';
import { McpConnection, type McpConnectionOwner } from './mcp-connection.js';
import { withTokens } from './mcp-oauth.js';
import { mcpTool } from './mcp-tool.js';

/** What providers take in the name of a tool, and how long it may be. */
const NOT_IN_NAMES = /[^a-zA-Z0-9_-]/g;
const MAX_NAME = 64;
/** Between two lists of a server that changes (ms). */
const GAP_MS = 500;

/** Who has the tools of MCP servers. */
export interface McpOwner {
  /** Some servers offer other tools than before. */
  toolsChanged(): void;
  /**
   * The access token of a server was renewed: its configuration has other tokens now, the old ones may be of
   * no use.
   */
  configChanged(serverName: string, server: Record<string, unknown>): void;
}

/** The MCP servers of one conversation and the tools that they offer. */
export class McpServers {
  private servers: OfferingServer[];

  /** @param config servers by name */
  constructor(
    config: Readonly<Record<string, unknown>>,
    private readonly host: ToolHost,
    private readonly owner: McpOwner,
  ) {
    this.servers = this.serversOf(config);
  }

  /** With several servers each tool has the name of its server in front. */
  private serversOf(config: Readonly<Record<string, unknown>>): OfferingServer[] {
    const configs = readMcpConfig(config);
    const prefix = ({ name }: McpServerConfig): string => (configs.length > 1 ? `${name}_` : '');
    return configs.map((server) => {
      const { name } = server;
      return new OfferingServer(server, prefix(server), this.host, {
        toolsChanged: () => this.owner.toolsChanged(),
        tokensRenewed: (tokens) => this.owner.configChanged(name, withTokens(config[name], tokens)),
      });
    });
  }

  /**
   * Takes over a changed configuration. Servers that are as before go on, with the names that their tools
   * have now; the others are ended or connected to, and the owner is told when they have tools.
   * @returns resolves when all of them have been tried
   */
  async change(config: Readonly<Record<string, unknown>>): Promise<void> {
    const before = this.servers;
    this.servers = this.serversOf(config).map(
      (server) => before.find((running) => running.takesPlaceOf(server)) ?? server,
    );
    const ended = before.filter((server) => !this.servers.includes(server));
    const added = this.servers.filter((server) => !before.includes(server));
    this.owner.toolsChanged();
    await Promise.all([...ended.map((server) => server.close()), ...added.map((server) => server.list())]);
  }

  /** What the servers offer, as far as is known, in the order of the servers. */
  get tools(): Tool[] {
    return this.servers.flatMap(({ tools }) => tools);
  }

  /**
   * Connects to all servers at once and lists their tools. One that cannot be reached is left out, with a
   * warning in the log.
   * @throws the reason of the signal once it is aborted
   */
  async connect(signal: AbortSignal): Promise<void> {
    await untilAborted(signal, Promise.all(this.servers.map((server) => server.list())));
  }

  /**
   * Tries those again that could not be reached, if it is time to; costs nothing otherwise. Nobody has to
   * wait for it.
   * @returns resolves when all attempts that are going on have ended
   */
  async retry(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.retry()));
  }

  /** Ends all connections, and programs that were started for them. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }
}

/** A server and its tools, which may come late and change. */
class OfferingServer {
  private readonly logger = new Logger('Mcp');
  private readonly connection: McpConnection;
  private readonly left = new AbortController();
  private listed: ListedTool[] | undefined;
  private listing: Promise<void> | undefined;
  /** How often the server has changed. */
  private changes = 0;
  /** Why it could not be reached; said once. */
  private problem: string | undefined;
  tools: Tool[] = [];

  constructor(
    private readonly config: McpServerConfig,
    private prefix: string,
    private readonly host: ToolHost,
    private readonly owner: McpConnectionOwner,
  ) {
    const toolsChanged = (): void => this.outdate();
    this.connection = new McpConnection(config, host, { ...owner, toolsChanged });
  }

  /**
   * Whether it is the same as one that has not been used yet; if so it takes over how that one names its
   * tools.
   */
  takesPlaceOf({ config, prefix }: OfferingServer): boolean {
    if (!isDeepStrictEqual(config, this.config)) return false;
    this.prefix = prefix;
    this.makeTools();
    return true;
  }

  /** Reads what it offers; however many ask, one list is read at a time. Never fails. */
  list(): Promise<void> {
    this.listing ??= this.listUntilCurrent().finally(() => (this.listing = undefined));
    return this.listing;
  }

  /** Tries again, if it could not be reached and it is time to. */
  async retry(): Promise<void> {
    const isDue = this.listed === undefined && performance.now() >= this.connection.retryAt;
    await (isDue ? this.list() : this.listing);
  }

  async close(): Promise<void> {
    this.left.abort();
    await this.connection.close();
    await this.listing;
  }

  private outdate(): void {
    this.changes += 1;
    void this.list();
  }

  private async listUntilCurrent(): Promise<void> {
    const before = this.tools;
    const { signal } = this.left;
    for (let gap = 0; !signal.aborted; gap = GAP_MS) {
      // A server that says all the time that something has changed is asked now and then.
      await sleep(gap, undefined, { signal, ref: false }).catch(() => undefined);
      const { changes } = this;
      await this.listOnce(signal);
      if (this.changes === changes) break;
    }
    if (this.tools !== before && !signal.aborted) this.owner.toolsChanged();
  }

  private async listOnce(signal: AbortSignal): Promise<void> {
    try {
      const listed = await this.connection.listTools(signal);
      if (this.problem !== undefined) this.logger.log(this.about('can be used now'));
      this.problem = undefined;
      if (isDeepStrictEqual(listed, this.listed)) return;
      this.listed = listed;
      this.makeTools();
    } catch (error) {
      if (signal.aborted) return;
      const reason = this.host.secrets?.mask(errorMessage(error)) ?? errorMessage(error);
      if (reason !== this.problem) this.logger.warn(this.about(`cannot be used: ${reason}`));
      this.problem = reason;
    }
  }

  private makeTools(): void {
    const { connection, host } = this;
    this.tools = (this.listed ?? []).map((tool) => mcpTool(this.nameOf(tool), tool, connection, host));
  }

  private nameOf({ name }: ListedTool): string {
    return (this.prefix + name).replace(NOT_IN_NAMES, '_').slice(0, MAX_NAME);
  }

  private about(what: string): string {
    return `conversation ${this.host.conversationId}: MCP server ${this.connection.serverName} ${what}`;
  }
}
