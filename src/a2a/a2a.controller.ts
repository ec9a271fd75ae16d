import {
  type BeforeApplicationShutdown,
  Body,
  Controller,
  Get,
  Headers,
  Post,
  Req,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { Authenticator, CurrentPrincipal, OpenRoute, type Principal, Scope } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { IDEMPOTENCY_HEADER, Ownership } from '../conversations/index.js';
import { settlesWithin } from '../flow/index.js';
import {
  EXAMPLE_CONVERSATION,
  beginEventStream,
  jsonBodyOf,
  objectSchema,
  Operation,
  serverSentEvent,
  streamAnswer,
} from '../http/index.js';
import { RpcCalls, RpcForwarder } from '../rpc/index.js';
import { CountsAsActivity, SERVER_VERSION } from '../server/index.js';
import { endpointUrl } from './endpoint-url.js';
import type { A2aServices } from './protocol/index.js';
import { TaskReader } from './tasks/task-reader.js';
import { TasksService } from './tasks/tasks.service.js';

/** What says which version of the protocol a client speaks. */
const VERSION_HEADER = 'A2A-Version';

const tag = 'Other Agents';
const VERSION = {
  [VERSION_HEADER]:
    'The version of the protocol, `1.0` or `0.3`. Without it, the name of the method says it; the card has the ' +
    'fields of both.',
};

/** Time for the last events of streams at the end of the server (ms). */
const LAST_ANSWERS_MS = 1_000;

/** The server as an agent that other agents give tasks to (https://a2a-protocol.org). */
@Controller()
export class A2aController implements BeforeApplicationShutdown {
  private readonly services: A2aServices;
  /** Answers that are being sent. */
  private readonly streams = new Set<Promise<void>>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly config: AppConfig,
    tasks: TasksService,
    reader: TaskReader,
    calls: RpcCalls,
    forwarder: RpcForwarder,
    ownership: Ownership,
  ) {
    this.services = { tasks, reader, calls, forwarder, ownership, config };
  }

  /** Says how to reach the agent. Tells nothing about what the server has. */
  @Get('.well-known/agent-card.json')
  @OpenRoute()
  @Operation({
    tag,
    summary: 'Get the agent card',
    description:
      'Says other agents where and how they give tasks to this server (Agent2Agent protocol). It is the same for everybody ' +
      'and tells nothing about models, tools or people.',
    headers: VERSION,
    answers: { 200: { description: 'The card, in the form of that version.', schema: { type: 'object' } } },
    open: true,
  })
  async card(
    @Headers(VERSION_HEADER.toLowerCase()) version: string | undefined,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<unknown> {
    const { cardFor } = await import('./protocol/index.js');
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('Vary', VERSION_HEADER);
    const url = endpointUrl(request, this.config);
    return cardFor({ url, version: SERVER_VERSION, needsKey: this.authenticator.required() }, version);
  }

  /** Answers a request of JSON-RPC. Its method says what the key needs. */
  @Post('a2a')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Answer a request of an A2A client',
    description:
      'The Agent2Agent protocol over JSON-RPC, versions 1.0 and 0.3: `SendMessage`, `SendStreamingMessage`, `GetTask`, ' +
      '`CancelTask`, `SubscribeToTask`, and their names in 0.3. A task is a run of a conversation, its context the ' +
      'conversation. Those that change something need the scope `write`.',
    headers: { ...VERSION, ...IDEMPOTENCY_HEADER },
    body: {
      schema: objectSchema({
        jsonrpc: [{ type: 'string', const: '2.0' }, 'The version of JSON-RPC.'],
        'id?': [{ type: ['string', 'integer', 'null'] }, 'Identifies the request.'],
        method: [{ type: 'string' }, 'Such as `SendMessage` or, in version 0.3, `message/send`.'],
        'params?': [{ type: 'object' }, 'The parameters of the method.'],
      }),
      example: {
        jsonrpc: '2.0',
        id: 1,
        method: 'GetTask',
        params: { id: `${EXAMPLE_CONVERSATION}.0ef3041a-f4dc-4c8b-8cd1-3e91c0cf4b89` },
      },
      otherExamples: {
        'a new task': {
          summary: 'Give the agent of the settings something to do',
          value: {
            jsonrpc: '2.0',
            id: 2,
            method: 'SendMessage',
            params: {
              message: {
                messageId: '9b3f6c1e-2f0a-4a52-8a5c-1f6d7e0b9c11',
                role: 'ROLE_USER',
                parts: [{ text: 'RUN: date\nFINISH: That was the time.' }],
              },
              configuration: { returnImmediately: true },
            },
          },
        },
      },
      large: true,
    },
    answers: {
      200: {
        description: 'The result or an error of the protocol, or server-sent events with one of them each.',
        schema: { type: 'object' },
        also: { 'text/event-stream': { type: 'string' } },
      },
    },
    errors: {
      400: 'The body is no JSON.',
      429: 'Too many runs, or too many sockets, streams and waiting requests of the key.',
      503: 'The conversation is moving to another server, or the server is stopping.',
    },
  })
  @UseInterceptors(CountsAsActivity)
  async answer(
    @Body() body: unknown,
    @Headers(VERSION_HEADER.toLowerCase()) version: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const { answerRequest } = await import('./protocol/index.js');
    const exchange = { request, response, principal };
    const answer = await answerRequest(
      jsonBodyOf(body),
      version === '' ? undefined : version,
      this.services,
      exchange,
    );
    if (!(Symbol.asyncIterator in answer)) {
      response.status(200).json(answer);
      return;
    }
    beginEventStream(response, this.config.gateway_keep_alive_seconds * 1000);
    const sent = streamAnswer(response, frames(answer)).finally(() => this.streams.delete(sent));
    this.streams.add(sent);
    await sent;
  }

  /** Whoever waits is told before the HTTP server ends. */
  async beforeApplicationShutdown(): Promise<void> {
    this.services.tasks.stopWatches();
    await settlesWithin(Promise.all(this.streams), LAST_ANSWERS_MS);
  }
}

async function* frames(answers: AsyncGenerator<object, void>): AsyncGenerator<string, void> {
  for await (const answer of answers) yield serverSentEvent(JSON.stringify(answer));
}
