import { ApiError } from './api-error.js';

/** What to do about each status of a failed request. */
const ADVICE: Readonly<Record<number, string>> = {
  0: 'Check that the server runs, then try again.',
  401: 'Enter a valid session key.',
  403: 'The server does not allow this from here.',
  404: 'It may have been deleted, or another running server owns it.',
  408: 'The connection was too slow. Try again.',
  409: 'The state has changed meanwhile. Look again before you repeat it.',
  413: 'It is too large for one request.',
  422: 'Change what is wrong and try again.',
  429: 'Try again when another run has ended.',
  500: 'This is a fault of the server. Its log has the details.',
  502: 'The server that has the conversation cannot be reached. Try again in a moment.',
  503: 'The server is starting, stopping or busy. Try again in a moment.',
  504: 'No answer came in time. Try again.',
  507: 'The disk of the server is full. Make room, then try again.',
};

/** What a person can do about a failed request; undefined if nothing is known. */
export function adviceFor(error: unknown): string | undefined {
  return error instanceof ApiError ? ADVICE[error.status] : undefined;
}
