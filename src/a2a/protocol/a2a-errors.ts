import { HttpException } from '@nestjs/common';
import {
  RequestMalformedError,
  TaskNotCancelableError as CannotCancel,
  TaskNotFoundError,
  UnsupportedOperationError,
} from '@a2a-js/sdk/errors';
import { DomainError, type ErrorKind } from '../../errors/index.js';
import { detailText, type ErrorAnswer } from '../../http/index.js';
import { TaskNotCancelableError, UnknownTaskError } from '../tasks/task-errors.js';

/** Kinds of errors that concern what a client has sent, and not the server or the key. */
const OF_PARAMETERS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'not-found',
  'invalid',
  'rejected',
  'too-large',
]);
const OF_REQUESTS: ReadonlySet<number> = new Set([400, 404, 409, 422]);

/** An error as the protocol has it; undefined for one that is answered with an HTTP status, as by REST. */
export function protocolError(error: unknown, answer: ErrorAnswer | undefined): Error | undefined {
  if (!answer) return undefined;
  if (error instanceof UnknownTaskError) return new TaskNotFoundError(error.message);
  if (error instanceof TaskNotCancelableError) return new CannotCancel(error.message);
  if (error instanceof DomainError) {
    if (error.kind === 'conflict') return new UnsupportedOperationError(error.message);
    return OF_PARAMETERS.has(error.kind) ? new RequestMalformedError(detailText(answer.body)) : undefined;
  }
  const isOfRequest = error instanceof HttpException && OF_REQUESTS.has(error.getStatus());
  return isOfRequest || answer.status === 422
    ? new RequestMalformedError(detailText(answer.body))
    : undefined;
}
