import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolRequest, CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { type Principal, refusalOf } from '../auth/index.js';
import { detailText, parseUuid } from '../http/index.js';
import { asJsonObject, asText, type JsonObject } from '../json/index.js';
import { dtoSchema } from '../openapi/index.js';
import { RpcCalls, RpcConversations } from '../rpc/index.js';
import { SERVER_VERSION } from '../server/index.js';
import { INSTRUCTIONS } from './instructions.js';
import { MCP_TOOLS, toolNamed } from './tools/index.js';
import type { McpTool, ToolContext } from './tools/mcp-tool.js';

const SERVER_INFO = {
  name: 'openhands-agent-server',
  title: 'OpenHands Agent Server',
  version: SERVER_VERSION,
};
/** The path that errors are told for. */
const PATH = '/mcp';
/** Longest name that an error repeats (characters). */
const MAX_NAME = 200;

/** Who calls tools. */
export interface ToolCaller {
  request: HttpRequest;
  principal: Principal;
  /** The idempotency key of the header. */
  key: string | undefined;
}

/** The SDK validates what clients are asked for by the server, which asks nothing. */
const NO_VALIDATOR = {
  getValidator: () => {
    throw new TypeError('clients are not asked for anything');
  },
};

/** Makes the protocol objects that offer the tools to a caller. */
@Injectable()
export class ToolServer {
  constructor(
    private readonly conversations: RpcConversations,
    private readonly calls: RpcCalls,
  ) {}

  /** A protocol object for one request. */
  async forCaller(caller: ToolCaller): Promise<McpServer> {
    // Loaded on first use: most servers never need it.
    const { McpServer: Sdk } = await import('@modelcontextprotocol/sdk/server/mcp.js');
    const { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } =
      await import('@modelcontextprotocol/sdk/types.js');
    const sdk = new Sdk(SERVER_INFO, { instructions: INSTRUCTIONS, jsonSchemaValidator: NO_VALIDATOR });
    // Given as an option, the SDK would also announce that it tells when the tools change.
    sdk.server.registerCapabilities({ tools: {} });
    // Our tools have JSON schemas; the SDK's own way to register tools wants other ones.
    const { server } = sdk;
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: toolsFor(caller.principal) }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, sendNotification }) => {
      const tool = toolNamed(params.name);
      if (!tool)
        throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name.slice(0, MAX_NAME)}`);
      const progress = reporter(params, sendNotification);
      return this.call(tool, params.arguments ?? {}, caller, { signal, progress });
    });
    return sdk;
  }

  /** Failures are results, which models read and learn from. */
  private async call(
    tool: McpTool,
    given: JsonObject,
    { principal, request, key }: ToolCaller,
    context: Pick<ToolContext, 'signal' | 'progress'>,
  ): Promise<CallToolResult> {
    const { conversations } = this;
    const conversationId = conversationIn(given);
    const call = { request, principal, operation: `Mcp_${tool.name}`, scope: tool.scope, conversationId };
    try {
      const result = await this.calls.perform(call, (nameConversation) =>
        tool.call(given, { ...context, conversations, principal, request, key, nameConversation }),
      );
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
    } catch (error) {
      const { status, body } = this.calls.answerTo(error, PATH);
      return {
        isError: true,
        content: [{ type: 'text', text: detailText(body) }],
        _meta: { 'openhands/status': status },
      };
    }
  }
}

/** What tells the client how far its call is; undefined if it does not want to know. */
function reporter(
  { _meta: meta }: CallToolRequest['params'],
  send: (notification: {
    method: 'notifications/progress';
    params: { progressToken: string | number; progress: number; message: string };
  }) => Promise<void>,
): ToolContext['progress'] {
  const token = meta?.progressToken;
  if (token === undefined) return undefined;
  return (progress, message) => {
    const params = { progressToken: token, progress, message };
    // The client may have left: the signal says so, too.
    send({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

/** The tools that a key may use. */
function toolsFor(principal: Principal): object[] {
  return MCP_TOOLS.filter(({ scope }) => refusalOf(principal, { scope, own: true }) === undefined).map(
    ({ name, title, description, annotations, arguments: dto, result }) => ({
      name,
      title,
      description,
      inputSchema: dtoSchema(dto),
      outputSchema: result,
      annotations,
    }),
  );
}

/** The conversation that arguments name; undefined if there is none, or its id is invalid. */
export function conversationIn(given: unknown): string | undefined {
  const id = asText(asJsonObject(given)['conversation_id']);
  const parsed = id === null ? undefined : parseUuid(id);
  return parsed && 'id' in parsed ? parsed.id : undefined;
}
