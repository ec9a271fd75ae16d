export {
  DomainError,
  InvalidRequestError,
  retryHeaders,
  WIRE_CODES,
  type ErrorKind,
  type SocketError,
} from './domain-error.js';
export { ConflictError, LimitError, NotFoundError, RejectedError, UnsupportedError } from './kinds.js';
export { errorCode, errorMessage, errorName, errorStack, isDiskFull } from './error-facts.js';
