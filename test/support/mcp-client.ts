import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ServerProcess } from './server-process.js';

/** How a call ended: the structured result, or the text of the error. */
export interface ToolAnswer {
  result: Record<string, unknown>;
  error: string | undefined;
}

type CallOptions = Parameters<Client['callTool']>[2];

/** The official client of MCP at the MCP endpoint of a server. */
export class McpClient {
  private constructor(
    readonly client: Client,
    private readonly transport: StreamableHTTPClientTransport,
  ) {}

  /** @param key shown as a bearer token */
  static async connect(server: ServerProcess, key?: string): Promise<McpClient> {
    const headers: Record<string, string> = key === undefined ? {} : { Authorization: `Bearer ${key}` };
    const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), {
      requestInit: { headers },
    });
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(transport);
    return new McpClient(client, transport);
  }

  async call(name: string, args: Record<string, unknown> = {}, options?: CallOptions): Promise<ToolAnswer> {
    const answer = (await this.client.callTool(
      { name, arguments: args },
      undefined,
      options,
    )) as CallToolResult;
    const [block] = answer.content;
    const text = block?.type === 'text' ? block.text : '';
    return { result: answer.structuredContent ?? {}, error: answer.isError ? text : undefined };
  }

  /** The result of a call that succeeds. */
  async done(name: string, args: Record<string, unknown> = {}, options?: CallOptions) {
    const { result, error } = await this.call(name, args, options);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return result;
  }

  /** Starts a conversation of the profile `demo`. @returns its id */
  async start(message: string, more: Record<string, unknown> = {}): Promise<string> {
    const { conversation_id } = await this.done('start_conversation', {
      message,
      llm_profile: 'demo',
      ...more,
    });
    return String(conversation_id);
  }

  wait(conversation_id: string, options?: CallOptions) {
    return this.done('wait_for_conversation', { conversation_id }, options);
  }

  async names(): Promise<string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name);
  }

  async endSession(): Promise<void> {
    await this.transport.terminateSession();
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}
