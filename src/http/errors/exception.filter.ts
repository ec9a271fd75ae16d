import { randomBytes } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import {
  DomainError,
  errorMessage,
  errorStack,
  InvalidRequestError,
  retryHeaders,
  WIRE_CODES,
} from '../../errors/index.js';
import { currentRequest } from '../../logging/index.js';
import { describeProblems } from '../validation/input-echo.js';
import { openAiErrorHeaders, usesOpenAiErrors, withOpenAiError } from './openai-error.js';
import { dropRestOfBody } from '../body/rest-of-body.js';
import { RequestAnsweredError } from './request-answered-error.js';
import { RequestValidationError, valueError } from '../validation/problem.js';

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Routes whose 404 names the conversation; others answer with the summary. */
const NAMES_CONVERSATION = /\/conversations\/[^/]+\/(events|workspace|bash|file|git|runtime|vscode)(\/|$)/;
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
      answerFor(error, request) ??
        (error instanceof DomainError ? this.systemFailure(error, request) : this.unexpected(error, request)),
    );
    if (response.headersSent) {
      // Part of the answer is sent: the client must see that it is incomplete.
      response.destroy();
      return;
    }
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
  private systemFailure(error: DomainError, request: HttpRequest): Answer {
    const { error_id } = errorId();
    const text = this.mask(error.message);
    this.logger.error({ message: `${request.method} ${request.path} failed: ${text}`, error_id });
    return {
      status: WIRE_CODES[error.kind].status,
      body: { detail: text, exception: this.mask(errorMessage(error.cause)), error_id },
      headers: retryHeaders(error),
    };
  }

  private unexpected(error: unknown, request: HttpRequest): Answer {
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

/** Adds OpenAI's error format for clients of its API. */
function formatFor(path: string, answer: Answer): Answer {
  if (!usesOpenAiErrors(path)) return answer;
  const { status, body, headers } = answer;
  return {
    status,
    body: withOpenAiError(status, body),
    headers: { ...openAiErrorHeaders(status), ...headers },
  };
}

/** The id of the request if it has the form that clients expect (32 hexadecimal digits), else a new one. */
function errorId(): { error_id: string } {
  const id = currentRequest()?.id ?? '';
  return { error_id: /^[\da-f]{32}$/.test(id) ? id : randomBytes(16).toString('hex') };
}

const detail = (status: number, text: unknown, headers?: Record<string, string>): Answer => ({
  status,
  body: { detail: text },
  headers,
});

/** The answer to an expected error; undefined for unexpected ones and for failures of the system. */
function answerFor(error: unknown, request: HttpRequest): Answer | undefined {
  if (error instanceof RequestValidationError)
    return detail(422, describeProblems(error.problems, error.sources));
  if (error instanceof InvalidRequestError) return invalid(error, request);
  if (error instanceof HttpException) return fromHttpException(error);
  if (!(error instanceof DomainError) || error.cause !== undefined) return undefined;
  const { status } = WIRE_CODES[error.kind];
  const headers = retryHeaders(error);
  if (status >= 500) return unavailable(status, error.message, headers);
  const { summary = error.message } = error;
  const text = NAMES_CONVERSATION.test(request.path) ? error.message : summary;
  if (error.isRetryable) return { status, body: { detail: text, retryable: true } };
  return detail(status, text, headers);
}

/** `exception` has the original's form. The original's `detail` is always "Internal Server Error". */
function unavailable(status: number, text: string, headers?: Record<string, string>): Answer {
  return { status, body: { detail: text, exception: `${status}: ${text}`, ...errorId() }, headers };
}

/** Without a location the problem concerns the request as a whole, and `detail` is only the message. */
function invalid(error: InvalidRequestError, request: HttpRequest): Answer {
  if (error.location.length === 0) return detail(422, error.message);
  const problem = valueError(error.message, error.location);
  if (error.input === undefined) return detail(422, describeProblems([problem], { body: request.body }));
  const [described] = describeProblems([{ ...problem, path: ['body'] }], { body: error.input });
  return detail(422, [{ ...described, loc: error.location }]);
}

/** The wire has only `detail`: the message of Nest's longer bodies. */
function fromHttpException(error: HttpException): Answer {
  const status = error.getStatus();
  const body = error.getResponse();
  if (status === 404 && error.message.startsWith('Cannot ')) return detail(404, 'Not Found');
  if (status === 500) {
    const body = { detail: 'Internal Server Error', exception: `500: ${error.message}`, ...errorId() };
    return { status, body };
  }
  if (status > 500) return unavailable(status, error.message);
  if (typeof body === 'object' && 'detail' in body) return { status, body };
  return detail(status, error.message);
}
