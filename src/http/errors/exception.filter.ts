import { randomBytes } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import {
  DomainError,
  errorMessage,
  errorStack,
  InvalidRequestError,
  type ErrorKind,
} from '../../errors/index.js';
import { currentRequest } from '../../logging/request-context.js';
import { describeProblems } from '../validation/input-echo.js';
import { openAiErrorHeaders, speaksOpenAi, withOpenAiError } from './openai-error.js';
import { dropRestOfBody } from '../body/rest-of-body.js';
import { RequestValidationError, valueError } from '../validation/problem.js';

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Seconds after which a client that met the run limit, or a server that stops, may try again. */
const SOON = { 'Retry-After': '1' };
/** The status of an answer to each kind of error. */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  'not-found': 404,
  conflict: 409,
  rejected: 400,
  invalid: 422,
  forbidden: 403,
  'too-large': 413,
  'limit-reached': 429,
  unavailable: 503,
  timeout: 504,
  'storage-full': 507,
  unsupported: 501,
  'upstream-failed': 502,
};
/** Kinds of failures that lie outside of the server, or beyond what it can do. */
const NOT_OURS: ReadonlySet<ErrorKind> = new Set(['timeout', 'unsupported', 'upstream-failed']);
/**
 * The routes of events and of the workspace name the conversation that they did not find, the others do not.
 */
const NAMES_CONVERSATION = /\/conversations\/[^/]+\/(events|workspace|bash|file|git|runtime|vscode)(\/|$)/;
/** Characters of an unforeseen error that are told and logged. */
const MAX_MESSAGE = 4096;

/**
 * The one place where errors become answers. What nobody foresaw is a 500 with an id that is also in the log.
 */
@Catch()
export class HttpExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(
    /** Adds the stack to the body of a 500 (`DEBUG=1`). */
    private readonly withTraceback = false,
    /** Frees what is told of an error that nobody foresaw from secrets. */
    private readonly mask: (text: string) => string = (text) => text,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const { status, body, headers } = forClientsOf(
      request.path,
      answerFor(error, request) ??
        (error instanceof DomainError
          ? this.refusedBySystem(error, request)
          : this.unforeseen(error, request)),
    );
    if (response.headersSent) {
      // The answer is under way and cannot be taken back; the client must not take half of it for the whole.
      response.destroy();
      return;
    }
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    dropRestOfBody(request);
    response.setHeader('Content-Type', 'application/json');
    response.status(status).end(request.method === 'HEAD' ? undefined : JSON.stringify(body));
  }

  /** No stack: the cause is outside of the program, and there may be many of them. */
  private refusedBySystem(error: DomainError, request: Request): Answer {
    const { error_id } = errorId();
    const text = this.mask(error.message);
    this.logger.error({ message: `${request.method} ${request.path} failed: ${text}`, error_id });
    return {
      status: STATUS[error.kind],
      body: { detail: text, exception: this.mask(errorMessage(error.cause)), error_id },
    };
  }

  private unforeseen(error: unknown, request: Request): Answer {
    const { error_id } = errorId();
    // A message may repeat what came with the request.
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

/** The answer as the clients of a path expect it. */
function forClientsOf(path: string, answer: Answer): Answer {
  if (!speaksOpenAi(path)) return answer;
  const { status, body, headers } = answer;
  return {
    status,
    body: withOpenAiError(status, body),
    headers: { ...openAiErrorHeaders(status), ...headers },
  };
}

/** The id of the request where it looks as clients expect: 32 hexadecimal digits. */
function errorId(): { error_id: string } {
  const id = currentRequest()?.id ?? '';
  return { error_id: /^[\da-f]{32}$/.test(id) ? id : randomBytes(16).toString('hex') };
}

const detail = (status: number, text: unknown, headers?: Record<string, string>): Answer => ({
  status,
  body: { detail: text },
  headers,
});

/** The answer to an error that was foreseen; undefined for others, and for one that the system caused. */
function answerFor(error: unknown, request: Request): Answer | undefined {
  if (error instanceof RequestValidationError)
    return detail(422, describeProblems(error.problems, error.sources));
  if (error instanceof InvalidRequestError) return invalid(error, request);
  if (error instanceof HttpException) return fromHttpException(error);
  if (!(error instanceof DomainError) || error.cause !== undefined) return undefined;
  const status = STATUS[error.kind];
  if (error.kind === 'unavailable') return unavailable(status, error.message, SOON);
  if (NOT_OURS.has(error.kind)) return unavailable(status, error.message);
  const { summary = error.message } = error;
  const text = NAMES_CONVERSATION.test(request.path) ? error.message : summary;
  if (error.isRetryable) return { status, body: { detail: text, retryable: true } };
  return detail(status, text, error.kind === 'limit-reached' ? SOON : undefined);
}

/**
 * Something that the answer needs is not there, or not now: the text says what. `exception` has the
 * original's form; its `detail` says no more than "Internal Server Error".
 */
function unavailable(status: number, text: string, headers?: Record<string, string>): Answer {
  return { status, body: { detail: text, exception: `${status}: ${text}`, ...errorId() }, headers };
}

/** Without a location it is about the request as a whole, and its text is all that the wire says. */
function invalid(error: InvalidRequestError, request: Request): Answer {
  if (error.location.length === 0) return detail(422, error.message);
  const problem = valueError(error.message, error.location);
  if (error.input === undefined) return detail(422, describeProblems([problem], { body: request.body }));
  const [described] = describeProblems([{ ...problem, at: ['body'] }], { body: error.input });
  return detail(422, [{ ...described, loc: error.location }]);
}

/** The wire says only `detail`; of Nest's longer bodies the message is it. */
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
