import type { IncomingHttpHeaders } from 'node:http';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpException,
  Logger,
  Post,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import {
  OBSERVABILITY_HEADERS,
  type Piece,
  type RunRequest,
  RunRequestQueryDto,
  toRunRequest,
} from '../conversations/index.js';
import {
  EventStream,
  readChecked,
  uuid,
  openAiError,
  type OpenAiError,
  Operation,
  documentSchemas,
} from '../http/index.js';
import { CountsAsActivity } from '../server/index.js';
import type { Outcome } from './answers/pending-answer.js';
import { ChatStream, chatCompletion } from './answers/chat-answer.js';
import { OpenAIChatCompletionRequestDto } from './dto/chat-completion.dto.js';
import { OpenAIResponseRequestDto } from './dto/response.dto.js';
import { failureOf } from './gateway-errors.js';
import { GatewayService, type Asked } from './gateway.service.js';
import { questionOfChat, questionOfResponse, type Question } from './question.js';
import { ResponseStream, frameOf, wholeResponse } from './answers/response-answer.js';

const tag = 'OpenAI Compatibility';
const CONVERSATION = 'X-OpenHands-ServerConversation-ID';
const headers = {
  [CONVERSATION]: 'The conversation to continue; it is created if it does not exist.',
  ...OBSERVABILITY_HEADERS,
};
const STREAMED =
  'With `stream`, answers with server-sent events. The run is interrupted when the client disconnects.';

const errors = {
  400: 'There is no user message, or an option or a part of a message is not supported.',
  404: 'There is no such model.',
  409: 'The conversation has an active run, waits for a confirmation, or was paused during the run.',
  429: 'The maximum number of runs is active, and the run is not to wait, or too many wait already.',
  504: 'The run did not finish within the time limit of the configuration. It goes on.',
};

/** A streamed answer. */
interface AnswerStream {
  piece(piece: Piece): void;
  end(outcome: Outcome): void;
  fail(error: OpenAiError): void;
}

documentSchemas(async () => (await import('./docs/gateway-schemas.js')).gatewaySchemas());

/** Serves agents to clients of OpenAI's API: each LLM profile is a model, each answer the result of a run. */
@Controller('v1')
@UseInterceptors(CountsAsActivity)
export class GatewayController {
  private readonly logger = new Logger('Gateway');

  constructor(
    private readonly gateway: GatewayService,
    private readonly config: AppConfig,
  ) {}

  @Get('models')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List models',
    description: 'There is one model for each LLM profile.',
    answers: { 200: { description: 'The models, sorted by name.', schema: 'OpenAIModelListResponse' } },
  })
  async models(@CurrentPrincipal() principal: Principal): Promise<object> {
    const ids = await this.gateway.models(principal);
    const data = ids.map((id) => ({ id, created: 0, object: 'model', owned_by: 'openhands' }));
    return { object: 'list', data };
  }

  @Post('chat/completions')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Ask an agent (chat completions)',
    description: `Runs the active agent profile with the requested model until it is done. ${STREAMED}`,
    headers,
    query: RunRequestQueryDto,
    body: {
      schema: OpenAIChatCompletionRequestDto,
      example: {
        model: 'openhands_demo',
        messages: [{ role: 'user', content: 'RUN: date\nFINISH: That was the time.' }],
      },
      after: ['LlmProfiles_save'],
      large: true,
    },
    answers: { 200: { description: 'The final response of the agent.', schema: 'ChatCompletion' } },
    errors,
  })
  async chat(
    @Body() body: OpenAIChatCompletionRequestDto,
    @Query() query: RunRequestQueryDto,
    @Headers() given: IncomingHttpHeaders,
    @CurrentPrincipal() principal: Principal,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const asked = await this.ask(
      questionOfChat(body),
      { given, principal, run: toRunRequest(query) },
      response,
    );
    const { include_usage = false, include_commentary = true } = body.stream_options ?? {};
    if (!body.stream) return this.answer(asked, response, (outcome) => chatCompletion(body.model, outcome));
    const isText = !asked.pending.isStructured;
    const options = { include_usage, include_commentary: include_commentary && isText };
    await this.stream(asked, response, (stream) => new ChatStream(body.model, stream, options));
  }

  @Post('responses')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Ask an agent (responses)',
    description: `Runs the active agent profile with the requested model until it is done. ${STREAMED}`,
    headers,
    query: RunRequestQueryDto,
    body: {
      schema: OpenAIResponseRequestDto,
      example: { model: 'openhands_demo', input: 'RUN: date\nFINISH: That was the time.' },
      after: ['LlmProfiles_save'],
      large: true,
    },
    answers: { 200: { description: 'The final response of the agent.', schema: 'OpenAIResponse' } },
    errors,
  })
  async responses(
    @Body() body: OpenAIResponseRequestDto,
    @Query() query: RunRequestQueryDto,
    @Headers() given: IncomingHttpHeaders,
    @CurrentPrincipal() principal: Principal,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const question = questionOfResponse(body);
    const frame = frameOf(body);
    const asked = await this.ask(question, { given, principal, run: toRunRequest(query) }, response);
    if (!body.stream) return this.answer(asked, response, (outcome) => wholeResponse(frame, outcome));
    await this.stream(asked, response, (stream) => new ResponseStream(frame, stream));
  }

  /** Sends the request to the conversation. From here on a disconnect interrupts the run. */
  private async ask(
    question: Question,
    { given, principal, run }: { given: IncomingHttpHeaders; principal: Principal; run: RunRequest },
    response: HttpResponse,
  ): Promise<Asked> {
    const asked = await this.gateway.ask(question, conversationOf(given), given, principal, run);
    const { pending, outcome } = asked;
    // Callers that await it handle the error; a disconnected client does not await it.
    outcome.catch(() => undefined);
    response.setHeader(CONVERSATION, pending.conversationId);
    const onClose = (): void => {
      if (response.writableFinished) return;
      pending.interrupt().catch((error: unknown) => this.logger.warn(error));
    };
    if (response.destroyed) onClose();
    else response.on('close', onClose);
    return asked;
  }

  private async answer(
    asked: Asked,
    response: HttpResponse,
    bodyOf: (outcome: Outcome) => object,
  ): Promise<void> {
    const outcome = await this.gateway.whole(asked);
    response.status(200).setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(bodyOf(outcome)));
  }

  /** Streams the answer; errors are part of the stream. */
  private async stream(
    { pending, outcome }: Asked,
    response: HttpResponse,
    createAnswer: (stream: EventStream) => AnswerStream,
  ): Promise<void> {
    const answer = createAnswer(new EventStream(response, this.config.gateway_keep_alive_seconds));
    // JSON is sent as a whole: only when the agent has finished, it is known to match.
    pending.narration.listen((piece) => {
      if (!pending.isStructured) answer.piece(piece);
    });
    try {
      const ended = await outcome;
      const failure = failureOf(ended);
      if (failure) answer.fail(errorOf(failure));
      else answer.end(ended);
    } catch (error) {
      this.logger.error(error);
      answer.fail(openAiError(500, { detail: 'Internal Server Error' }));
    }
  }
}

/** @throws RequestValidationError */
function conversationOf(headers: IncomingHttpHeaders): string | undefined {
  const given = headers[CONVERSATION.toLowerCase()];
  return given === undefined ? undefined : String(readChecked(uuid(), given, ['header', CONVERSATION]));
}

function errorOf(failure: HttpException): OpenAiError {
  const body = failure.getResponse();
  return openAiError(
    failure.getStatus(),
    typeof body === 'object' && 'detail' in body ? body : { detail: failure.message },
  );
}
