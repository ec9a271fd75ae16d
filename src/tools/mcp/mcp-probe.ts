import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { errorMessage } from '../../errors/index.js';
import type { ToolHost } from '../tool-host.js';
import type { McpServerConfig } from './mcp-config.js';
import { McpConnection } from './mcp-connection.js';
import { readContent } from './mcp-content.js';
import { blocksOf } from './mcp-tool.js';

/** What is tried with a server. */
export interface McpProbeRequest {
  config: McpServerConfig;
  /** Where a program is started: absolute path. */
  folder: string;
  call?: { name: string; arguments: Record<string, unknown> };
  signIn?: OAuthClientProvider;
  /** Frees a text from secrets. */
  mask: (text: string) => string;
}

/** What a server offers, and what it answered to a call. */
export interface McpProbe {
  /** Names as the server says them. */
  tools: string[];
  result?: { is_error: boolean; text: string };
}

/**
 * Connects to a server for no longer than it takes to list its tools and to call one of them. A call that
 * fails is part of the answer; when this resolves nothing of the server is left running.
 * @throws whatever goes wrong before the call; the reason of the signal once it is aborted
 */
export async function probeMcpServer(request: McpProbeRequest, signal: AbortSignal): Promise<McpProbe> {
  const { config, folder, signIn, call, mask } = request;
  const host: ToolHost = { conversationId: '-', workingDir: folder, folder, shownFolder: folder };
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
    const blocks = readContent(blocksOf(result), mask);
    const text = blocks.map((block) => (block.type === 'text' ? block.text : '[An image]')).join('\n');
    return { is_error: result.isError === true, text };
  } catch (error) {
    signal.throwIfAborted();
    return { is_error: true, text: mask(errorMessage(error)) };
  }
}
