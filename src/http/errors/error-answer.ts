import { randomBytes } from 'node:crypto';
import { HttpException } from '@nestjs/common';
import { DomainError, InvalidRequestError, retryHeaders, WIRE_CODES } from '../../errors/index.js';
import { currentRequest } from '../../logging/index.js';
import { describeProblems } from '../validation/input-echo.js';
import { usesJsonRpcErrors } from './json-rpc-error.js';
import { RequestValidationError, valueError } from '../validation/problem.js';

/** An answer to a request that failed. */
export interface ErrorAnswer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** The parts of a request that the answer to its failure depends on. */
export interface FailedRequest {
  path: string;
  /** The JSON body, if it was read. */
  body?: unknown;
}

/** Routes whose 404 names the conversation; others answer with the summary. */
const NAMES_CONVERSATION = /\/conversations\/[^/]+\/(events|workspace|bash|file|git|runtime|vscode)(\/|$)/;

/** The id of the request if it has the form that clients expect (32 hexadecimal digits), else a new one. */
export function errorId(): { error_id: string } {
  const id = currentRequest()?.id ?? '';
  return { error_id: /^[\da-f]{32}$/.test(id) ? id : randomBytes(16).toString('hex') };
}

const detail = (status: number, text: unknown, headers?: Record<string, string>): ErrorAnswer => ({
  status,
  body: { detail: text },
  headers,
});

/** The answer to an expected error; undefined for unexpected ones and for failures of the system. */
export function expectedAnswer(error: unknown, request: FailedRequest): ErrorAnswer | undefined {
  if (error instanceof RequestValidationError)
    return detail(422, describeProblems(error.problems, error.sources));
  if (error instanceof InvalidRequestError) return invalid(error, request);
  if (error instanceof HttpException) return fromHttpException(error);
  if (!(error instanceof DomainError) || error.cause !== undefined) return undefined;
  const { status } = WIRE_CODES[error.kind];
  const headers = retryHeaders(error);
  if (status >= 500) return unavailable(status, error.message, headers);
  const { summary = error.message } = error;
  const namesIt = NAMES_CONVERSATION.test(request.path) || usesJsonRpcErrors(request.path);
  const text = namesIt ? error.message : summary;
  if (error.isRetryable) return { status, body: { detail: text, retryable: true } };
  return detail(status, text, headers);
}

/** `exception` has the original's form. The original's `detail` is always "Internal Server Error". */
function unavailable(status: number, text: string, headers?: Record<string, string>): ErrorAnswer {
  return { status, body: { detail: text, exception: `${status}: ${text}`, ...errorId() }, headers };
}

/** Without a location the problem concerns the request as a whole, and `detail` is only the message. */
function invalid(error: InvalidRequestError, request: FailedRequest): ErrorAnswer {
  if (error.location.length === 0) return detail(422, error.message);
  const problem = valueError(error.message, error.location);
  if (error.input === undefined) return detail(422, describeProblems([problem], { body: request.body }));
  const [described] = describeProblems([{ ...problem, path: ['body'] }], { body: error.input });
  return detail(422, [{ ...described, loc: error.location }]);
}

/** The wire has only `detail`: the message of Nest's longer bodies. */
function fromHttpException(error: HttpException): ErrorAnswer {
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
