import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { errorMessage } from '../../errors/index.js';
import type { Confinement } from '../../sandbox/index.js';
import type { ToolHost } from '../tool-host.js';
import type { McpServerConfig } from './mcp-config.js';
import { McpConnection } from './mcp-connection.js';
import { toContent } from './mcp-content.js';
import { contentBlocks } from './mcp-tool.js';

/** A request to test a server. */
export interface McpProbeRequest {
  config: McpServerConfig;
  /** The working directory of a server's program: absolute path. */
  folder: string;
  confinement: Confinement;
  call?: { name: string; arguments: Record<string, unknown> };
  signIn?: OAuthClientProvider;
  /** Masks secrets in a text. */
  mask: (text: string) => string;
}

/** A server's tools, and its result of a call. */
export interface McpProbe {
  /** Names as the server knows them. */
  tools: string[];
  result?: { is_error: boolean; text: string };
}

/**
 * Connects to a server, lists its tools, optionally calls one, and disconnects. A failed call is part of the
 * result. Nothing of the server is left running when this resolves.
 * @throws any error before the call; the signal's reason once it is aborted
 */
export async function probeMcpServer(request: McpProbeRequest, signal: AbortSignal): Promise<McpProbe> {
  const { config, folder, confinement, signIn, call, mask } = request;
  const host: ToolHost = {
    conversationId: '-',
    workingDir: folder,
    folder,
    shownFolder: folder,
    confinement,
  };
  const owner = { toolsChanged: () => undefined, tokensRenewed: () => undefined };
  const connection = new McpConnection(config, host, owner, signIn);
  try {
    const tools = (await connection.listTools(signal)).map(({ name }) => name);
    if (!call) return { tools };
    if (!tools.includes(call.name)) {
      const text = `Tool '${call.name}' not advertised by server (available: ${tools.join(', ')})`;
      return { tools, result: { is_error: true, text: mask(text) } };
    }
    return { tools, result: await callTool(connection, call, mask, signal) };
  } finally {
    await connection.close();
  }
}

async function callTool(
  connection: McpConnection,
  { name, arguments: args }: { name: string; arguments: Record<string, unknown> },
  mask: (text: string) => string,
  signal: AbortSignal,
): Promise<{ is_error: boolean; text: string }> {
  try {
    const result = await connection.call(name, args, signal);
    const blocks = toContent(contentBlocks(result), mask);
    const text = blocks.map((block) => (block.type === 'text' ? block.text : '[An image]')).join('\n');
    return { is_error: result.isError === true, text };
  } catch (error) {
    signal.throwIfAborted();
    return { is_error: true, text: mask(errorMessage(error)) };
  }
}
