import { Logger } from '@nestjs/common';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/sdk/types.js';
import path from 'node:path';
import { errorMessage } from '../../errors/index.js';
import type { ToolHost } from '../tool-host.js';
import { UNCONFINED } from '../../sandbox/index.js';
import { untilAborted } from '../../flow/index.js';
import type { McpServerConfig } from './mcp-config.js';
import { TokenRenewal } from './mcp-oauth.js';
import { withSecrets } from './secret-references.js';
import { boundedFetch } from './transport/bounded-fetch.js';
import { MessageTooLongError } from './transport/message-bound.js';
import { StdioProcess } from './transport/stdio-process.js';

/** Timeouts for connecting and listing tools together, and for one call (ms), as in the original. */
const CONNECT_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 300_000;
/** The longest wait before reconnecting after repeated failures: 1 s, 2 s, 4 s ... (ms). */
const MAX_BACKOFF_MS = 60_000;
/** Limits on a server's list of tools. */
const MAX_PAGES = 100;
const MAX_TOOLS = 1_000;
/** Tools with longer names are omitted (characters). */
const MAX_TOOL_NAME = 256;
/** How much of a program's stderr is logged (characters). */
const MAX_STDERR = 64 * 1024;

/** A server is not available now. The message contains no secrets. */
class McpUnavailableError extends Error {
  override readonly name = 'McpUnavailableError';
}

/** Receives the events of a connection. */
export interface McpConnectionOwner {
  /** The tools may have changed: the server said so, or the connection was restored. */
  toolsChanged(): void;
  /** The server's access token was renewed. */
  tokensRenewed(tokens: OAuthTokens): void;
}

/**
 * A conversation's connection to a server. It connects when needed, and again after the connection is lost.
 */
export class McpConnection {
  private readonly logger = new Logger('Mcp');
  private current: Promise<Client> | undefined;
  private readonly closeController = new AbortController();
  private failures = 0;
  private failedAt = 0;
  private wasConnected = false;
  /** Set if the last connection was closed because a message was too long. */
  private tooLong: MessageTooLongError | undefined;
  private readonly authorization: OAuthClientProvider | undefined;

  /** @param signIn provides tokens instead of those in the configuration */
  constructor(
    private readonly config: McpServerConfig,
    private readonly host: ToolHost,
    private readonly owner: McpConnectionOwner,
    signIn?: OAuthClientProvider,
  ) {
    const grant = config.kind === 'stdio' ? undefined : config.grant;
    const renewal = grant && new TokenRenewal(grant, (tokens) => owner.tokensRenewed(tokens));
    this.authorization = signIn ?? renewal;
  }

  get serverName(): string {
    return this.config.name;
  }

  /** The earliest time for another attempt to connect (`performance.now()`). */
  get retryAt(): number {
    if (this.failures === 0) return 0;
    return this.failedAt + Math.min(1_000 * 2 ** (this.failures - 1), MAX_BACKOFF_MS);
  }

  /** Lists the server's tools. @throws any error of connecting or listing, or a timeout */
  async listTools(signal: AbortSignal): Promise<ListedTool[]> {
    const seconds = this.config.timeoutSeconds ?? CONNECT_TIMEOUT_MS / 1_000;
    const limit = AbortSignal.any([
      signal,
      this.closeController.signal,
      AbortSignal.timeout(seconds * 1_000),
    ]);
    const client = await this.client(limit);
    try {
      const tools = await listAll(client, limit, (message) => this.debug(message));
      this.failures = 0;
      return tools;
    } catch (error) {
      // A connection that cannot list tools is useless, unless the caller itself has aborted.
      if (!signal.aborted) await client.close().catch(() => undefined);
      limit.throwIfAborted();
      throw this.tooLong ?? error;
    }
  }

  /**
   * Calls a tool. An abort cancels the request on the server.
   * @throws McpUnavailableError, errors of the SDK, or the signal's reason
   */
  async call(name: string, args: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult> {
    const result = await this.request(name, args, signal).catch((error: unknown) => {
      // The server lost the session because it was restarted, so it has not executed the call.
      if (statusOf(error) === 404) return this.request(name, args, signal);
      throw error;
    });
    this.failures = 0;
    return result;
  }

  private async request(
    name: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<CallToolResult> {
    const limit = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const client = await this.client(AbortSignal.any([signal, limit]));
    const { CallToolResultSchema, McpError } = await import('@modelcontextprotocol/sdk/types.js');
    const request = { method: 'tools/call' as const, params: { name, arguments: args } };
    try {
      return await client.request(request, CallToolResultSchema, { signal, timeout: CALL_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      if (this.tooLong) throw this.tooLong;
      // An McpError is the server's response. Any other error means that the connection is broken.
      if (!(error instanceof McpError)) await client.close().catch(() => undefined);
      throw error;
    }
  }

  /** Closes the connection and ends the server's process, if there is one. Idempotent. */
  async close(): Promise<void> {
    this.closeController.abort(new McpUnavailableError('The conversation is closed'));
    const client = await this.current?.catch(() => undefined);
    await client?.close().catch(() => undefined);
  }

  /** The connected client. Connects if necessary. */
  private async client(signal: AbortSignal): Promise<Client> {
    this.closeController.signal.throwIfAborted();
    signal.throwIfAborted();
    if (!this.current) {
      const wait = this.retryAt - performance.now();
      if (this.failures > 1 && wait > 0) {
        throw new McpUnavailableError(
          `The MCP server '${this.config.name}' does not start; the next attempt is possible in ${Math.ceil(wait / 1_000)} s`,
        );
      }
      const lost = (): void => this.lost(connecting);
      const connecting = this.connect(lost);
      connecting.then(() => this.connected(), lost);
      this.current = connecting;
    }
    return untilAborted(signal, this.current);
  }

  /** After a reconnect the server may be a different version with other tools. */
  private connected(): void {
    if (this.wasConnected) this.owner.toolsChanged();
    this.wasConnected = true;
  }

  private lost(which: Promise<Client>): void {
    if (this.current !== which) return;
    this.current = undefined;
    this.failures += 1;
    this.failedAt = performance.now();
  }

  /** Takes no caller's signal, because several callers may wait for the connection. */
  private async connect(lost: () => void): Promise<Client> {
    const seconds = this.config.timeoutSeconds ?? CONNECT_TIMEOUT_MS / 1_000;
    const signal = AbortSignal.any([this.closeController.signal, AbortSignal.timeout(seconds * 1_000)]);
    const { Client: McpClient } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { ToolListChangedNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const client = new McpClient({ name: 'openhands-agent-server', version: '1.0.0' });
    const transport = await this.transport(signal);
    this.tooLong = undefined;
    client.onerror = (error) => {
      if (error instanceof MessageTooLongError) this.tooLong = error;
      this.debug(`failed: ${errorMessage(error)}`);
    };
    client.onclose = lost;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => this.owner.toolsChanged());
    try {
      await client.connect(transport, { signal });
    } catch (error) {
      await transport.close().catch(() => undefined);
      signal.throwIfAborted();
      throw error;
    }
    return client;
  }

  private async transport(signal: AbortSignal): Promise<Transport> {
    const config = await withSecrets(this.config, this.host.secrets, signal);
    if (config.kind === 'stdio') {
      const cwd = path.resolve(this.host.workingDir, config.cwd ?? '.');
      const { confinement = UNCONFINED } = this.host;
      return new StdioProcess({ ...config, cwd, confinement }, this.stderr());
    }
    const url = new URL(config.url);
    const options = {
      requestInit: { headers: config.headers },
      authProvider: this.authorization,
      fetch: boundedFetch((error) => this.disconnect(error)),
    };
    if (config.kind === 'sse') {
      return sseTransport(await import('@modelcontextprotocol/sdk/client/sse.js'), url, options);
    }
    const { StreamableHTTPClientTransport } =
      await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    return new StreamableHTTPClientTransport(url, options);
  }

  /**
   * Closes the client so that pending requests fail at once: the SDK keeps them waiting when a stream breaks.
   */
  private disconnect(error: MessageTooLongError): void {
    this.tooLong = error;
    void this.current?.then((client) => client.close()).catch(() => undefined);
  }

  /** Logs the beginning of a program's stderr. */
  private stderr(): (text: string) => void {
    let left = MAX_STDERR;
    return (text) => {
      if (left <= 0) return;
      this.debug(`says: ${text.slice(0, left).trimEnd()}`);
      left -= text.length;
    };
  }

  private debug(message: string): void {
    const text = this.host.secrets?.mask(message) ?? message;
    this.logger.debug(`conversation ${this.host.conversationId}: MCP server ${this.config.name} ${text}`);
  }
}

interface HttpOptions {
  requestInit: RequestInit;
  fetch: typeof fetch;
  authProvider: OAuthClientProvider | undefined;
}

/** The SDK deprecates this transport, but some servers support no other. */
function sseTransport(
  sdk: { SSEClientTransport: new (url: URL, options: HttpOptions) => Transport },
  url: URL,
  options: HttpOptions,
): Transport {
  return new sdk.SSEClientTransport(url, options);
}

async function listAll(
  client: Client,
  signal: AbortSignal,
  log: (message: string) => void,
): Promise<ListedTool[]> {
  const { ListToolsResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = { method: 'tools/list' as const, params: { cursor } };
    const listed = await client.request(request, ListToolsResultSchema, { signal });
    const accepted = listed.tools.filter(({ name }) => name.length <= MAX_TOOL_NAME);
    if (accepted.length < listed.tools.length) log('has tools with very long names, which are left out');
    for (const tool of accepted) tools.push(tool);
    cursor = listed.nextCursor;
    if (cursor === undefined || tools.length > MAX_TOOLS) break;
  }
  if (tools.length > MAX_TOOLS) log(`has more than ${MAX_TOOLS} tools, and the others are left out`);
  return tools.slice(0, MAX_TOOLS);
}

/** The HTTP status of a transport error. */
function statusOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
