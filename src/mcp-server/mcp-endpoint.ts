import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { releaseBody, RPC_CODES } from '../http/index.js';
import { RpcForwarder } from '../rpc/index.js';
import { ExchangeTransport } from './http/exchange-transport.js';
import { MAX_CALL_ID, OpenCalls } from './http/open-calls.js';
import { conversationIn, type ToolCaller, ToolServer } from './tool-server.js';
import { toolNamed } from './tools/index.js';

const CALL_TOOL = 'tools/call';
/** Longest part of an error that the client has sent (characters). */
const MAX_NAME = 200;
const SHUTTING_DOWN = {
  code: RPC_CODES.serverError,
  message: 'The server is shutting down. Repeat the request.',
};

/** One request of a client over HTTP. */
export interface McpExchange extends ToolCaller {
  response: HttpResponse;
  /** The value of `Mcp-Session-Id`, if it is a valid one. */
  session: string | undefined;
  /** Whether the client reads server-sent events. */
  streams: boolean;
}

/**
 * Answers requests of MCP clients. Each one is complete in itself: the protocol object lives as long as the
 * answer, and every server of a cluster can give it.
 */
@Injectable()
export class McpEndpoint {
  constructor(
    private readonly tools: ToolServer,
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
        .forward(used.id, used.use, request, response)
        .finally(() => done());
      if (isPassed) return;
    }
    releaseBody(request);
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
    try {
      const server = await this.tools.forCaller(exchange);
      await server.connect(transport);
      transport.receive(message);
      await transport.ended;
    } finally {
      done();
    }
  }

  /**
   * Takes what needs no answer: only cancellations matter. Any server of a cluster may have got the call, so
   * that one which does not have it tells the others.
   */
  async notify(message: JSONRPCMessage, { request, principal, session }: McpExchange): Promise<void> {
    if (session === undefined || !('method' in message) || message.method !== 'notifications/cancelled')
      return;
    const { jsonrpc, method, params } = message;
    const requestId = params?.['requestId'];
    if (!isCallId(requestId)) return;
    const isHere = this.openCalls.cancel({ principalId: principal.id, session, id: requestId });
    if (!isHere) await this.forwarder.tellOthers(request, { jsonrpc, method, params: { requestId } });
  }
}

function isCallId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_CALL_ID);
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

/** The conversation that a call of a tool uses; undefined if there is none, or its id is invalid. */
function conversationUsedBy({ method, params }: JSONRPCRequest) {
  if (method !== CALL_TOOL) return undefined;
  const tool = toolNamed(params?.['name']);
  const id = conversationIn(params?.['arguments']);
  return tool?.uses && id !== undefined ? { id, use: tool.uses } : undefined;
}
