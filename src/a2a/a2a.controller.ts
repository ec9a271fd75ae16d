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
import { Ownership } from '../conversations/index.js';
import { settlesWithin } from '../flow/index.js';
import { beginEventStream, jsonBodyOf, ReadsJsonBody, serverSentEvent, streamAnswer } from '../http/index.js';
import { RpcCalls, RpcForwarder } from '../rpc/index.js';
import { CountsAsActivity, SERVER_VERSION } from '../server/index.js';
import { endpointUrl } from './endpoint-url.js';
import type { A2aServices } from './protocol/index.js';
import { TaskReader } from './tasks/task-reader.js';
import { TasksService } from './tasks/tasks.service.js';

/** What says which version of the protocol a client speaks. */
const VERSION_HEADER = 'A2A-Version';

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

  /** Says how to reach the agent. Needs no key, and tells nothing about what the server has. */
  @Get('.well-known/agent-card.json')
  @OpenRoute()
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
  @ReadsJsonBody({ large: true })
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
