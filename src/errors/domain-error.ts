/**
 * What kind of failure was foreseen. The HTTP status of an answer follows from it
 * (`src/http/errors/exception.filter.ts`), so that the edge does not have to know the errors of every
 * feature.
 */
export type ErrorKind =
  /** Something that a request names does not exist, or not here. */
  | 'not-found'
  /** The request does not fit the present state. */
  | 'conflict'
  /** The request is well-formed and cannot be served as it is. */
  | 'rejected'
  /** A field of the request has no usable value. */
  | 'invalid'
  | 'forbidden'
  | 'too-large'
  /** As much of this is going on as the server allows; later it may work. */
  | 'limit-reached'
  /** Something that the answer needs is not there now; later it may work. */
  | 'unavailable'
  /** Another program or service that the answer depends on did not answer in time. */
  | 'timeout'
  | 'storage-full'
  /** The server cannot do this at all. */
  | 'unsupported'
  /** Another program that the answer depends on failed. */
  | 'upstream-failed';

/**
 * An error that was foreseen. Its message is for clients; `cause` is only set where the system refused
 * something.
 */
export abstract class DomainError extends Error {
  abstract readonly kind: ErrorKind;
  /** Stands in for the message in answers whose clients expect a text without the name of the thing. */
  readonly summary?: string;
  /** The answer tells clients to repeat the request once they have done what the message asks for. */
  readonly isRetryable?: boolean;
}

/** A request names something that cannot be had, or holds a value that cannot be used. */
export class InvalidRequestError extends DomainError {
  override readonly name: string = 'InvalidRequestError';
  readonly kind = 'invalid';
  constructor(
    /** Path of the field, `body` first; empty: it is about the request as a whole. */
    readonly location: (string | number)[],
    message: string,
    readonly input?: unknown,
  ) {
    super(message);
  }
}
