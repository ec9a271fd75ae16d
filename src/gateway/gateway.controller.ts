import type { IncomingHttpHeaders } from 'node:http';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpException,
  Logger,
  Post,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { Response } from 'express';
import { AppConfig } from '../config/index.js';
import { OBSERVABILITY_HEADERS } from '../conversations/api/headers/observability-headers.js';
import { readChecked } from '../http/validation/dto.js';
import { uuid } from '../http/validation/field-type.js';
import { openAiError, type OpenAiError } from '../http/errors/openai-error.js';
import { Operation, documentSchemas } from '../http/operation.js';
import { CountsAsActivity } from '../server/counts-as-activity.js';
import type { Outcome } from './answering.js';
import { ChatStream, chatCompletion } from './chat-answer.js';
import { OpenAIChatCompletionRequestDto } from './dto/chat-completion.dto.js';
import { OpenAIResponseRequestDto } from './dto/response.dto.js';
import { EventStream } from './event-stream.js';
import { failureOf } from './gateway-errors.js';
import { GatewayService, type Asked } from './gateway.service.js';
import type { Piece } from './narration.js';
import { questionOfChat, questionOfResponse, type Question } from './question.js';
import { ResponseStream, frameOf, wholeResponse } from './response-answer.js';

const tag = 'OpenAI Compatibility';
const CONVERSATION = 'X-OpenHands-ServerConversation-ID';
const headers = {
  [CONVERSATION]: 'The conversation to continue; one of this id is made where there is none.',
  ...OBSERVABILITY_HEADERS,
};
const STREAMED = 'With `stream`, server-sent events. When the client goes away, the run is interrupted.';

/** An answer that is told while it is made. */
interface Telling {
  piece(piece: Piece): void;
  end(outcome: Outcome): void;
  fail(error: OpenAiError): void;
}

documentSchemas(async () => (await import('./docs/gateway-schemas.js')).gatewaySchemas());

/**
 * Agents for clients of OpenAI's API: each LLM profile is a model, and each answer is what a run comes to.
 */
@Controller('v1')
@UseInterceptors(CountsAsActivity)
export class GatewayController {
  private readonly logger = new Logger('Gateway');

  constructor(
    private readonly gateway: GatewayService,
    private readonly config: AppConfig,
  ) {}

  @Get('models')
  @Operation({
    tag,
    summary: 'List models',
    description: 'One for each LLM profile.',
    answers: { 200: { description: 'Sorted by name.', schema: 'OpenAIModelListResponse' } },
  })
  async models(): Promise<object> {
    const ids = await this.gateway.models();
    const data = ids.map((id) => ({ id, created: 0, object: 'model', owned_by: 'openhands' }));
    return { object: 'list', data };
  }

  @Post('chat/completions')
  @Operation({
    tag,
    summary: 'Ask an agent (chat completions)',
    description: `The active agent profile works with the model of the request until it is done. ${STREAMED}`,
    headers,
    body: { schema: OpenAIChatCompletionRequestDto, large: true },
    answers: { 200: { description: 'The final response.', schema: 'ChatCompletion' } },
    errors: [404, 409, 429, 504],
  })
  async chat(
    @Body() body: OpenAIChatCompletionRequestDto,
    @Headers() given: IncomingHttpHeaders,
    @Res() response: Response,
  ): Promise<void> {
    const asked = await this.ask(questionOfChat(body), given, response);
    const { include_usage = false, include_commentary = true } = body.stream_options ?? {};
    if (!body.stream) return this.answer(asked, response, (outcome) => chatCompletion(body.model, outcome));
    const options = { include_usage, include_commentary };
    await this.tell(asked, response, (stream) => new ChatStream(body.model, stream, options));
  }

  @Post('responses')
  @Operation({
    tag,
    summary: 'Ask an agent (responses)',
    description: `The active agent profile works with the model of the request until it is done. ${STREAMED}`,
    headers,
    body: { schema: OpenAIResponseRequestDto, large: true },
    answers: { 200: { description: 'The final response.', schema: 'OpenAIResponse' } },
    errors: [404, 409, 429, 504],
  })
  async responses(
    @Body() body: OpenAIResponseRequestDto,
    @Headers() given: IncomingHttpHeaders,
    @Res() response: Response,
  ): Promise<void> {
    const question = questionOfResponse(body);
    const frame = frameOf(body);
    const asked = await this.ask(question, given, response);
    if (!body.stream) return this.answer(asked, response, (outcome) => wholeResponse(frame, outcome));
    await this.tell(asked, response, (stream) => new ResponseStream(frame, stream));
  }

  /** From here on the run ends when the client goes away. */
  private async ask(question: Question, given: IncomingHttpHeaders, response: Response): Promise<Asked> {
    const asked = await this.gateway.ask(question, conversationOf(given), given);
    const { answering, outcome } = asked;
    // Whoever waits for it is told; nobody need wait.
    outcome.catch(() => undefined);
    response.setHeader(CONVERSATION, answering.conversationId);
    const leave = (): void => {
      if (response.writableFinished) return;
      answering.interrupt().catch((error: unknown) => this.logger.warn(error));
    };
    if (response.destroyed) leave();
    else response.on('close', leave);
    return asked;
  }

  private async answer(
    asked: Asked,
    response: Response,
    bodyOf: (outcome: Outcome) => object,
  ): Promise<void> {
    const outcome = await this.gateway.whole(asked);
    response.status(200).setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(bodyOf(outcome)));
  }

  /** An error can only be told in the stream from here on. */
  private async tell(
    { answering, outcome }: Asked,
    response: Response,
    form: (stream: EventStream) => Telling,
  ): Promise<void> {
    const telling = form(new EventStream(response, this.config.gateway_keep_alive_seconds));
    answering.narration.listen((piece) => telling.piece(piece));
    try {
      const ended = await outcome;
      const failure = failureOf(ended);
      if (failure) telling.fail(errorOf(failure));
      else telling.end(ended);
    } catch (error) {
      this.logger.error(error);
      telling.fail(openAiError(500, { detail: 'Internal Server Error' }));
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
