/** A guard has answered the request itself; nothing is left to do. */
export class RequestAnsweredError extends Error {
  override readonly name = 'RequestAnsweredError';
}
