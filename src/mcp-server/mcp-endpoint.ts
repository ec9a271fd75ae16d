import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { type Principal, refusalOf } from '../auth/index.js';
import { detailText, model, parseUuid, readChecked, RPC_CODES } from '../http/index.js';
import { asJsonObject, type JsonObject } from '../json/index.js';
import { dtoSchema } from '../openapi/index.js';
import { RpcCalls, RpcConversations, RpcForwarder } from '../rpc/index.js';
import { SERVER_VERSION } from '../server/index.js';
import { ExchangeTransport } from './http/exchange-transport.js';
import { OpenCalls } from './http/open-calls.js';
import { INSTRUCTIONS } from './instructions.js';
import { MCP_TOOLS } from './tools/index.js';
import type { McpTool, ToolContext } from './tools/mcp-tool.js';

const SERVER_INFO = {
  name: 'openhands-agent-server',
  title: 'OpenHands Agent Server',
  version: SERVER_VERSION,
};
const CALL_TOOL = 'tools/call';
/** Longest part of an error that the client has sent (characters). */
const MAX_NAME = 200;
/** The path that errors are told for. */
const PATH = '/mcp';

const SHUTTING_DOWN = {
  code: RPC_CODES.serverError,
  message: 'The server is shutting down. Repeat the request.',
};

/** One request of a client over HTTP. */
export interface McpExchange {
  request: HttpRequest;
  response: HttpResponse;
  principal: Principal;
  /** The value of `Mcp-Session-Id`, if it is a valid one. */
  session: string | undefined;
  /** Whether the client reads server-sent events. */
  streams: boolean;
  /** The idempotency key of the header. */
  key: string | undefined;
}

/**
 * Answers requests of MCP clients. Each one is complete in itself: the protocol object lives as long as the
 * answer, and every server of a cluster can give it.
 */
@Injectable()
export class McpEndpoint {
  constructor(
    private readonly conversations: RpcConversations,
    private readonly calls: RpcCalls,
    private readonly forwarder: RpcForwarder,
    private readonly openCalls: OpenCalls,
  ) {}

  /** Answers a request; resolves when the answer is complete or the client has left. */
  async answer(message: JSONRPCRequest, exchange: McpExchange): Promise<void> {
    const { request, response, principal, session } = exchange;
    const name = session === undefined ? undefined : { principalId: principal.id, session, id: message.id };
    const used = conversationUsedBy(message);
    if (used) {
      // Whoever answers there notices that the connection is closed.
      const leave = (): void => void response.destroy();
      const done = this.openCalls.add(name, { cancel: leave, shutDown: leave });
      const isPassed = await this.forwarder
        .forward(used.id, used.uses, request, response)
        .finally(() => done());
      if (isPassed) return;
    }
    const transport = new ExchangeTransport(response, exchange.streams);
    const problem = await paramsProblem(message);
    if (problem !== undefined) {
      const error = { code: RPC_CODES.invalidParams, message: problem };
      return transport.send({ jsonrpc: '2.0', id: message.id, error });
    }
    const done = this.openCalls.add(name, {
      cancel: () => transport.cancel(),
      shutDown: () => void transport.send({ jsonrpc: '2.0', id: message.id, error: SHUTTING_DOWN }),
    });
    const server = await this.serverFor(exchange);
    try {
      await server.connect(transport);
      transport.receive(message);
      await transport.ended;
    } finally {
      done();
    }
  }

  /** Takes what needs no answer: only cancellations matter. */
  notify(message: JSONRPCMessage, { principal, session }: McpExchange): void {
    if (session === undefined || !('method' in message) || message.method !== 'notifications/cancelled')
      return;
    const id = message.params?.['requestId'];
    if (typeof id === 'string' || typeof id === 'number')
      this.openCalls.cancel({ principalId: principal.id, session, id });
  }

  /** Ends all calls of a session. */
  endSession(session: string, principal: Principal): void {
    this.openCalls.cancelSession({ principalId: principal.id, session });
  }

  private async serverFor(exchange: McpExchange): Promise<McpServer> {
    // Loaded on first use: most servers never need it.
    const { McpServer: Sdk } = await import('@modelcontextprotocol/sdk/server/mcp.js');
    const { CallToolRequestSchema, ListToolsRequestSchema } =
      await import('@modelcontextprotocol/sdk/types.js');
    const mcp = new Sdk(SERVER_INFO, {
      capabilities: { tools: {} },
      instructions: INSTRUCTIONS,
      jsonSchemaValidator: NO_VALIDATOR,
    });
    // Our tools have JSON schemas; its own way to register tools wants other ones.
    const { server } = mcp;
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: toolsFor(exchange.principal) }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const tool = MCP_TOOLS.find((one) => one.name === params.name);
      if (!tool) throw await unknownTool(params.name);
      const token = params._meta?.progressToken;
      const report = (progress: number, message: string): void =>
        void extra
          .sendNotification({
            method: 'notifications/progress',
            params: { progressToken: token ?? '', progress, message },
          })
          // The client has left: the signal says so, too.
          .catch(() => undefined);
      const progress = token === undefined ? undefined : report;
      return this.call(tool, params.arguments ?? {}, exchange, { signal: extra.signal, progress });
    });
    return mcp;
  }

  /** Failures are results, which models read and learn from. */
  private async call(
    tool: McpTool,
    given: JsonObject,
    { principal, request, key }: McpExchange,
    context: Pick<ToolContext, 'signal' | 'progress'>,
  ): Promise<CallToolResult> {
    const { conversations } = this;
    const operation = `Mcp_${tool.name}`;
    const conversationId = conversationIn(given);
    try {
      const call = { request, principal, operation, scope: tool.scope, conversationId };
      const result = await this.calls.perform(call, async (nameConversation) => {
        const args = readChecked(model(tool.arguments), given, ['arguments']);
        if (!(args instanceof tool.arguments)) throw new TypeError('not the arguments of the tool');
        return tool.call(args, { ...context, conversations, principal, request, key, nameConversation });
      });
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

/** What is wrong with the parameters of a request. The SDK would take it for an internal error. */
async function paramsProblem({ method, params }: JSONRPCRequest): Promise<string | undefined> {
  const { CallToolRequestSchema, InitializeRequestSchema, ListToolsRequestSchema } =
    await import('@modelcontextprotocol/sdk/types.js');
  const schema = [CallToolRequestSchema, InitializeRequestSchema, ListToolsRequestSchema].find(
    ({ shape }) => shape.method.value === method,
  );
  const [issue] = schema?.safeParse({ method, params }).error?.issues ?? [];
  return issue && `Invalid ${issue.path.join('.').slice(0, MAX_NAME)}: ${issue.message.slice(0, MAX_NAME)}`;
}

/** The SDK validates what clients are asked for by the server, which asks nothing. */
const NO_VALIDATOR = {
  getValidator: () => {
    throw new TypeError('clients are not asked for anything');
  },
};

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

/** The conversation that a call of a tool uses; undefined if there is none, or its id is invalid. */
function conversationUsedBy({ method, params }: JSONRPCRequest) {
  if (method !== CALL_TOOL) return undefined;
  const tool = MCP_TOOLS.find(({ name }) => name === params?.['name']);
  const id = conversationIn(asJsonObject(params?.['arguments']));
  return tool?.uses && id !== undefined ? { id, uses: tool.uses } : undefined;
}

function conversationIn(given: JsonObject): string | undefined {
  const parsed = parseUuid(String(given['conversation_id']));
  return 'id' in parsed ? parsed.id : undefined;
}

async function unknownTool(name: string): Promise<Error> {
  const { ErrorCode, McpError } = await import('@modelcontextprotocol/sdk/types.js');
  return new McpError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, MAX_NAME)}`);
}
