/** What kind of failure a domain error reports. */
export type ErrorKind =
  /** Something that the request names does not exist, or not on this server. */
  | 'not-found'
  /** The request does not fit the present state. */
  | 'conflict'
  /** The request is well-formed but cannot be served. */
  | 'rejected'
  /** A field of the request has an invalid value. */
  | 'invalid'
  | 'forbidden'
  | 'too-large'
  /** A limit of the server is reached; the request may succeed later. */
  | 'limit-reached'
  /** A resource that the request needs is unavailable; the request may succeed later. */
  | 'unavailable'
  /** Another program or service that the answer depends on did not answer in time. */
  | 'timeout'
  | 'storage-full'
  /** The server cannot do this at all. */
  | 'unsupported'
  /** Another program that the answer depends on failed. */
  | 'upstream-failed'
  /** Another server could serve the request, but not this one. */
  | 'misdirected';

/** How clients learn of a failure. */
interface WireCodes {
  /** Of the HTTP answer. */
  status: number;
  /** Of a socket that cannot be attached because of it. */
  closeCode: number;
  /** The client may repeat the request after a second. */
  isTransient?: boolean;
}

/** Internal error (RFC 6455, 7.4.1), with the reason `subscribe_failed`. */
const SUBSCRIBE_FAILED = 1011;

/**
 * HTTP status and close code of each kind of error. The edge maps kinds, so that it does not have to know the
 * errors of every feature.
 */
export const WIRE_CODES: Readonly<Record<ErrorKind, WireCodes>> = {
  'not-found': { status: 404, closeCode: 4004 },
  conflict: { status: 409, closeCode: SUBSCRIBE_FAILED },
  rejected: { status: 400, closeCode: SUBSCRIBE_FAILED },
  invalid: { status: 422, closeCode: SUBSCRIBE_FAILED },
  forbidden: { status: 403, closeCode: SUBSCRIBE_FAILED },
  'too-large': { status: 413, closeCode: SUBSCRIBE_FAILED },
  'limit-reached': { status: 429, closeCode: SUBSCRIBE_FAILED, isTransient: true },
  unavailable: { status: 503, closeCode: SUBSCRIBE_FAILED, isTransient: true },
  timeout: { status: 504, closeCode: SUBSCRIBE_FAILED },
  'storage-full': { status: 507, closeCode: SUBSCRIBE_FAILED },
  unsupported: { status: 501, closeCode: SUBSCRIBE_FAILED },
  'upstream-failed': { status: 502, closeCode: SUBSCRIBE_FAILED },
  misdirected: { status: 421, closeCode: SUBSCRIBE_FAILED },
};

/** An error event on a socket. */
export interface SocketError {
  code: string;
  detail: string;
}

/** An expected failure. Its message is for clients; `cause` is only set for failures of the system. */
export abstract class DomainError extends Error {
  abstract readonly kind: ErrorKind;
  /** Replaces the message where clients expect a text that does not name the resource. */
  readonly summary?: string;
  /** When it is worth a retry, for the header `Retry-After`; undefined: a second for transient kinds. */
  readonly retryAfterSeconds?: number;
  /** The answer tells clients to repeat the request after they have done what the message asks for. */
  readonly isRetryable?: boolean;
  /** Replaces name and message in error events on sockets, for clients of the original. */
  readonly socketError?: SocketError;
}

/** A request names something that does not exist, or has a field with an invalid value. */
export class InvalidRequestError extends DomainError {
  override readonly name: string = 'InvalidRequestError';
  readonly kind = 'invalid';
  override readonly socketError: SocketError;
  constructor(
    /** Path of the field, `body` first; empty for a problem of the request as a whole. */
    readonly location: (string | number)[],
    message: string,
    readonly input?: unknown,
  ) {
    super(message);
    this.socketError = { code: 'ValidationError', detail: message };
  }
}

/** The header that tells clients when to repeat a request that failed; none if they should not. */
export function retryHeaders({ kind, retryAfterSeconds }: DomainError): Record<string, string> {
  const seconds = retryAfterSeconds ?? (WIRE_CODES[kind].isTransient === true ? 1 : undefined);
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) };
}
