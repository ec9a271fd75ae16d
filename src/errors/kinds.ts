import { DomainError } from './domain-error.js';

// For failures that nobody has to tell apart: those that are caught somewhere have classes of their own.

/** Something that the request names does not exist, or not for its key. */
export class NotFoundError extends DomainError {
  override readonly name: string = 'NotFoundError';
  readonly kind = 'not-found';
}

/** The request does not fit the present state. */
export class ConflictError extends DomainError {
  override readonly name: string = 'ConflictError';
  readonly kind = 'conflict';
}

/** The request cannot be served as it is. */
export class RejectedError extends DomainError {
  override readonly name: string = 'RejectedError';
  readonly kind = 'rejected';
}

/** As much as there may be is there. */
export class LimitError extends DomainError {
  override readonly name: string = 'LimitError';
  readonly kind = 'limit-reached';
}

/** The server cannot do this. */
export class UnsupportedError extends DomainError {
  override readonly name: string = 'UnsupportedError';
  readonly kind = 'unsupported';
}
