import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  Body,
  Controller,
  Delete,
  ForbiddenException,
  Get,
  HttpException,
  Post,
  Req,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { CurrentPrincipal, isSameHost, OriginPolicy, type Principal, Scope } from '../auth/index.js';
import { IDEMPOTENCY_HEADER, readIdempotencyKey } from '../conversations/index.js';
import { jsonBodyOf, objectSchema, Operation } from '../http/index.js';
import { CountsAsActivity } from '../server/index.js';
import { MAX_CALL_ID } from './http/open-calls.js';
import { McpEndpoint } from './mcp-endpoint.js';

const PATH = '/mcp';
const tag = 'Other Agents';
const text = { type: 'string' };
const BAD_REQUEST = 400;
const SESSION = 'mcp-session-id';
/** As the server names sessions. A session of another kind is none of this server, and names nothing. */
const SESSION_FORM = /^[0-9a-f-]{36}$/;

/**
 * The server as an MCP server: streamable HTTP without state
 * (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports).
 */
@Controller('mcp')
@UseInterceptors(CountsAsActivity)
export class McpServerController {
  constructor(
    private readonly endpoint: McpEndpoint,
    private readonly origins: OriginPolicy,
  ) {}

  /** Tools check the scope of the key. */
  @Post()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Answer a message of an MCP client',
    description:
      'The Model Context Protocol over streamable HTTP, versions 2025-11-25 and earlier. MCP clients speak it; you only give ' +
      'them this address and a key. The tools start conversations, send messages, wait for the end of a run, read events, ' +
      'decide about actions, pause and interrupt. Those that change something need the scope `write`.',
    headers: {
      'MCP-Protocol-Version': 'The version that was agreed upon. Not needed for `initialize`.',
      'Mcp-Session-Id': 'The name of the session from the answer to `initialize`. Needed to cancel calls.',
      ...IDEMPOTENCY_HEADER,
    },
    body: {
      schema: objectSchema({
        jsonrpc: [{ type: 'string', const: '2.0' }, 'The version of JSON-RPC.'],
        'id?': [{ type: ['string', 'integer'] }, 'Identifies a request; absent for a notification.'],
        method: [text, 'Such as `initialize`, `tools/list` or `tools/call`.'],
        'params?': [{ type: 'object' }, 'The parameters of the method.'],
      }),
      example: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'list_conversations', arguments: { limit: 5 } },
      },
      large: true,
    },
    answers: {
      200: {
        description: 'The response, or server-sent events with notifications and the response at the end.',
        schema: { type: 'object' },
        also: { 'text/event-stream': text },
      },
      202: { description: 'A notification was received.' },
    },
    errors: {
      400: 'The body is no JSON-RPC message, or the version of the protocol is not supported.',
      403: 'The page that sends the request is of an origin that the server does not trust.',
    },
  })
  async post(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const { headers } = request;
    this.assertOrigin(request);
    const parsed = jsonBodyOf(body);
    // They were removed from the protocol with 2025-06-18.
    if (Array.isArray(parsed)) throw badRequest('Batches are not supported: send each message by itself');
    const { isInitializeRequest, isJSONRPCRequest, JSONRPCMessageSchema, SUPPORTED_PROTOCOL_VERSIONS } =
      await import('@modelcontextprotocol/sdk/types.js');
    const read = JSONRPCMessageSchema.safeParse(parsed);
    if (!read.success) throw badRequest('The body is not a JSON-RPC message');
    const message = read.data;
    assertShortNames(message);
    const exchange = {
      request,
      response,
      principal,
      session: sessionOf(headers),
      streams: readsEvents(headers),
      key: readIdempotencyKey(headers['idempotency-key']?.toString()),
    };
    if (isInitializeRequest(message)) response.setHeader('Mcp-Session-Id', randomUUID());
    else assertVersion(headers, SUPPORTED_PROTOCOL_VERSIONS);
    if (isJSONRPCRequest(message)) return this.endpoint.answer(readPart(message), exchange);
    await this.endpoint.notify(message, exchange);
    response.status(202).end();
  }

  /** The server sends nothing on its own. */
  @Get()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Refuse a stream of an MCP client',
    description:
      'The server sends MCP clients nothing on its own: it answers with 405, as the protocol says.',
    answers: {},
    errors: { 405: 'The server sends clients nothing on its own.' },
  })
  get(@Res({ passthrough: true }) response: HttpResponse): never {
    response.setHeader('Allow', 'POST');
    throw new HttpException(
      { detail: 'This is the address of an MCP server (streamable HTTP): add it to an MCP client' },
      405,
    );
  }

  /** Sessions are names without state, so that there is nothing to end: calls end with their connections. */
  @Delete()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Refuse to end a session of an MCP client',
    description: 'Sessions have no state that could end: the server answers with 405, as the protocol says.',
    answers: {},
    errors: { 405: 'Clients do not end sessions.' },
  })
  delete(@Res({ passthrough: true }) response: HttpResponse): never {
    response.setHeader('Allow', 'POST');
    throw new HttpException({ detail: 'Sessions have no state: close the connections of their calls' }, 405);
  }

  /** Pages of other sites must not use a server that their visitor can reach. @throws ForbiddenException */
  private assertOrigin({ headers }: HttpRequest): void {
    const { origin, host } = headers;
    if (origin === undefined || isSameHost(origin, host) || this.origins.allows(origin, PATH)) return;
    this.origins.reportRefused(origin);
    throw new ForbiddenException({
      detail: 'Pages of this origin may not use the MCP server. Add it to allow_cors_origins.',
    });
  }
}

function sessionOf({ [SESSION]: given }: IncomingHttpHeaders): string | undefined {
  return typeof given === 'string' && SESSION_FORM.test(given) ? given : undefined;
}

/** Whether a client reads server-sent events. Those that say nothing read JSON. */
function readsEvents({ accept = '' }: IncomingHttpHeaders): boolean {
  return accept.includes('text/event-stream');
}

/** @throws HttpException for a version of the protocol that the server does not speak */
function assertVersion(headers: IncomingHttpHeaders, supported: readonly string[]): void {
  const version = headers['mcp-protocol-version']?.toString();
  if (version === undefined || supported.includes(version)) return;
  const given = version.slice(0, 100);
  throw badRequest(`Unsupported protocol version: ${given} (supported versions: ${supported.join(', ')})`);
}

/** What the server reads of a request. The rest would be kept as long as a call waits. */
function readPart(message: JSONRPCRequest): JSONRPCRequest {
  if (message.method !== 'tools/call' || !message.params) return message;
  const { name, arguments: args, _meta: meta } = message.params;
  const params = { name, arguments: args, _meta: meta && { progressToken: meta.progressToken } };
  return { ...message, params };
}

/** What every answer and report repeats. @throws HttpException */
function assertShortNames(message: JSONRPCMessage): void {
  const names = [
    'id' in message ? message.id : undefined,
    'method' in message ? message.params?._meta?.progressToken : undefined,
  ];
  if (names.some((name) => typeof name === 'string' && name.length > MAX_CALL_ID))
    throw badRequest(`An id or a progress token has more than ${MAX_CALL_ID} characters`);
}

function badRequest(detail: string): HttpException {
  return new HttpException({ detail }, BAD_REQUEST);
}
