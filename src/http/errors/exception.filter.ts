import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { DomainError, errorMessage, errorStack, retryHeaders, WIRE_CODES } from '../../errors/index.js';
import { jsonRpcFailure, usesJsonRpcErrors } from './json-rpc-error.js';
import { openAiErrorHeaders, usesOpenAiErrors, withOpenAiError } from './openai-error.js';
import { dropRestOfBody } from '../body/rest-of-body.js';
import { type ErrorAnswer, errorId, expectedAnswer } from './error-answer.js';
import { answerReconnect } from './reconnect-answer.js';
import { RequestAnsweredError } from './request-answered-error.js';

/** Most characters of an unexpected error's message that are answered and logged. */
const MAX_MESSAGE = 4096;

/** Turns errors into answers. An unexpected error is a 500 with an id that is also in the log. */
@Catch()
export class HttpExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(
    /** Adds the stack to the body of a 500 (`DEBUG=1`). */
    private readonly withTraceback = false,
    /** Masks secrets in the text of unexpected errors. */
    private readonly mask: (text: string) => string = (text) => text,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (error instanceof RequestAnsweredError) return;
    const http = host.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    const { status, body, headers } = formatFor(
      request.path,
      expectedAnswer(error, request) ??
        (error instanceof DomainError ? this.systemFailure(error, request) : this.unexpected(error, request)),
    );
    if (response.headersSent) {
      // Part of the answer is sent: the client must see that it is incomplete.
      response.destroy();
      return;
    }
    if (answerReconnect(request, response, status, headers?.['Retry-After'])) return;
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    dropRestOfBody(request);
    response.setHeader('Content-Type', 'application/json');
    response.status(status);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const text = JSON.stringify(body);
    // Clients of HTTP/1.0 would otherwise see the end of the answer by that of the connection.
    response.setHeader('Content-Length', Buffer.byteLength(text));
    response.end(text);
  }

  /** Logged without a stack: the cause is outside the program, and the error may be frequent. */
  private systemFailure(error: DomainError, request: HttpRequest): ErrorAnswer {
    const { error_id } = errorId();
    const text = this.mask(error.message);
    this.logger.error({ message: `${request.method} ${request.path} failed: ${text}`, error_id });
    return {
      status: WIRE_CODES[error.kind].status,
      body: { detail: text, exception: this.mask(errorMessage(error.cause)), error_id },
      headers: retryHeaders(error),
    };
  }

  private unexpected(error: unknown, request: HttpRequest): ErrorAnswer {
    const { error_id } = errorId();
    // A message may contain input of the request.
    const message = this.mask(errorMessage(error)).slice(0, MAX_MESSAGE);
    const stack = errorStack(error);
    this.logger.error({ message: `${request.method} ${request.path} failed: ${message}`, error_id }, stack);
    const traceback = this.withTraceback && { traceback: this.mask(stack) };
    return {
      status: 500,
      body: { detail: 'Internal Server Error', exception: message, error_id, ...traceback },
    };
  }
}

/** Gives an error the format that clients of a path expect. */
function formatFor(path: string, answer: ErrorAnswer): ErrorAnswer {
  if (usesJsonRpcErrors(path)) return { ...answer, ...jsonRpcFailure(answer.status, answer.body) };
  if (!usesOpenAiErrors(path)) return answer;
  const { status, body, headers } = answer;
  return {
    status,
    body: withOpenAiError(status, body),
    headers: { ...openAiErrorHeaders(status), ...headers },
  };
}
