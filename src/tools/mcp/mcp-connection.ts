import { Logger } from '@nestjs/common';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/sdk/types.js';
import path from 'node:path';
import { errorMessage } from '../../errors/index.js';
import type { ToolHost } from '../tool.js';
import { untilAborted } from '../../flow/index.js';
import type { McpServerConfig } from './mcp-config.js';
import { TokenRenewal } from './mcp-oauth.js';
import { withSecrets } from './secret-references.js';
import { boundedFetch } from './bounded-fetch.js';
import { MessageTooLongError } from './message-bound.js';
import { StdioProcess } from './stdio-process.js';

/** How long connecting and listing may take together, and one call (ms; the values of the OpenHands SDK). */
const LIST_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 300_000;
/** A server that fails again and again is started again after 1 s, 2 s, 4 s ... at most this (ms). */
const MAX_BACKOFF_MS = 60_000;
/** Pages of a list of tools that are read, and tools: nobody has more, and no model takes so many. */
const MAX_PAGES = 100;
const MAX_TOOLS = 1_000;
/** The longest name of a tool (characters): it stands in each call, and in errors. */
const MAX_TOOL_NAME = 256;
/** What a program says on stderr is kept for the debug log: so many characters of each run. */
const MAX_STDERR = 64 * 1024;

/** Why a server cannot be asked now. Its text names no secret. */
export class McpUnavailableError extends Error {
  override readonly name = 'McpUnavailableError';
}

/** Who wants to know what happens to a connection. */
export interface McpConnectionOwner {
  /** The tools may be others now: the server has said so, or it was started again. */
  toolsChanged(): void;
  /** The access token of the server was renewed. */
  tokensRenewed(tokens: OAuthTokens): void;
}

/**
 * One server for one conversation: connected when it is first needed, and again when the connection is lost.
 */
export class McpConnection {
  private readonly logger = new Logger('Mcp');
  private current: Promise<Client> | undefined;
  private readonly left = new AbortController();
  private failures = 0;
  private failedAt = 0;
  private wasConnected = false;
  /** Why the last connection was ended, if the server sent too much. */
  private tooLong: MessageTooLongError | undefined;
  private readonly authorization: OAuthClientProvider | undefined;

  /** @param signIn gets and renews tokens instead of what the configuration has */
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

  /** The moment from which another attempt to connect makes sense (of `performance.now()`). */
  get retryAt(): number {
    if (this.failures === 0) return 0;
    return this.failedAt + Math.min(1_000 * 2 ** (this.failures - 1), MAX_BACKOFF_MS);
  }

  /** What the server offers. @throws whatever goes wrong, in time */
  async listTools(signal: AbortSignal): Promise<ListedTool[]> {
    const seconds = this.config.timeoutSeconds ?? LIST_TIMEOUT_MS / 1_000;
    const limit = AbortSignal.any([signal, this.left.signal, AbortSignal.timeout(seconds * 1_000)]);
    const client = await this.client(limit);
    try {
      const tools = await listAll(client, limit, (what) => this.debug(what));
      this.failures = 0;
      return tools;
    } catch (error) {
      // One that does not say what it has is of no use; nor is it the fault of the server if nobody waits any
      // more.
      if (!signal.aborted) await client.close().catch(() => undefined);
      limit.throwIfAborted();
      throw this.tooLong ?? error;
    }
  }

  /**
   * Has the server do something; an abort tells it to stop.
   * @throws McpUnavailableError, what the SDK throws, or the reason of the signal
   */
  async call(name: string, args: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult> {
    const result = await this.request(name, args, signal).catch((error: unknown) => {
      // The server has forgotten who we are, so it has done nothing: it was started anew.
      if (codeOf(error) === 404) return this.request(name, args, signal);
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
    const limit = AbortSignal.timeout(LIST_TIMEOUT_MS);
    const client = await this.client(AbortSignal.any([signal, limit]));
    const { CallToolResultSchema, McpError } = await import('@modelcontextprotocol/sdk/types.js');
    const request = { method: 'tools/call' as const, params: { name, arguments: args } };
    try {
      return await client.request(request, CallToolResultSchema, { signal, timeout: CALL_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      if (this.tooLong) throw this.tooLong;
      // What the server says itself; anything else says that the connection is of no use any more.
      if (!(error instanceof McpError)) await client.close().catch(() => undefined);
      throw error;
    }
  }

  /** Ends the connection, and a program that was started for it. Idempotent. */
  async close(): Promise<void> {
    this.left.abort(new McpUnavailableError('The conversation is closed'));
    const client = await this.current?.catch(() => undefined);
    await client?.close().catch(() => undefined);
  }

  /** The connection, made again if it was lost. */
  private async client(signal: AbortSignal): Promise<Client> {
    this.left.signal.throwIfAborted();
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

  /** What was started again may be another version. */
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

  /** Nobody's interrupt ends it: others may wait for it too. */
  private async connect(lost: () => void): Promise<Client> {
    const seconds = this.config.timeoutSeconds ?? LIST_TIMEOUT_MS / 1_000;
    const signal = AbortSignal.any([this.left.signal, AbortSignal.timeout(seconds * 1_000)]);
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
      return new StdioProcess({ ...config, cwd }, this.stderr());
    }
    const url = new URL(config.url);
    const options = {
      requestInit: { headers: config.headers },
      authProvider: this.authorization,
      fetch: boundedFetch((error) => this.disconnect(error)),
    };
    if (config.kind === 'sse') {
      return olderTransport(await import('@modelcontextprotocol/sdk/client/sse.js'), url, options);
    }
    const { StreamableHTTPClientTransport } =
      await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    return new StreamableHTTPClientTransport(url, options);
  }

  /**
   * Who waits for an answer is told at once: a stream of events that breaks does not end what waits for it.
   */
  private disconnect(error: MessageTooLongError): void {
    this.tooLong = error;
    void this.current?.then((client) => client.close()).catch(() => undefined);
  }

  /** What a program says on stderr, for the debug log; not all of it. */
  private stderr(): (text: string) => void {
    let left = MAX_STDERR;
    return (text) => {
      if (left <= 0) return;
      this.debug(`says: ${text.slice(0, left).trimEnd()}`);
      left -= text.length;
    };
  }

  private debug(what: string): void {
    const text = this.host.secrets?.mask(what) ?? what;
    this.logger.debug(`conversation ${this.host.conversationId}: MCP server ${this.config.name} ${text}`);
  }
}

interface HttpOptions {
  requestInit: RequestInit;
  fetch: typeof fetch;
  authProvider: OAuthClientProvider | undefined;
}

/** The older protocol is on its way out, but there are servers that speak nothing else. */
function olderTransport(
  sdk: { SSEClientTransport: new (url: URL, options: HttpOptions) => Transport },
  url: URL,
  options: HttpOptions,
): Transport {
  return new sdk.SSEClientTransport(url, options);
}

async function listAll(
  client: Client,
  signal: AbortSignal,
  tell: (what: string) => void,
): Promise<ListedTool[]> {
  const { ListToolsResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = { method: 'tools/list' as const, params: { cursor } };
    const listed = await client.request(request, ListToolsResultSchema, { signal });
    const usable = listed.tools.filter(({ name }) => name.length <= MAX_TOOL_NAME);
    if (usable.length < listed.tools.length) tell('has tools with very long names, which are left out');
    for (const tool of usable) tools.push(tool);
    cursor = listed.nextCursor;
    if (cursor === undefined || tools.length > MAX_TOOLS) break;
  }
  if (tools.length > MAX_TOOLS) tell(`has more than ${MAX_TOOLS} tools, and the others are left out`);
  return tools.slice(0, MAX_TOOLS);
}

/** The HTTP status that a transport failed with. */
function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
